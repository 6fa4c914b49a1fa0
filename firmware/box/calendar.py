# Unix seconds and the calendar, both ways, UTC. The one place where they meet: MicroPython's own time functions count
# from 2000 on a board and from 1970 elsewhere, so none of them is used.

DAY_S = 86_400
ERA_DAYS = 146_097  # days in 400 years
TO_1970 = 719_468  # days from 0000-03-01, where leap days come last


# -> (year, month, day, hour, minute, second, weekday from Monday 0)
def civil(unix_s):
    days, rest = divmod(unix_s, DAY_S)
    weekday = (days + 3) % 7
    era, doe = divmod(days + TO_1970, ERA_DAYS)
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    return (
        yoe + era * 400 + (month <= 2), month, doy - (153 * mp + 2) // 5 + 1,
        rest // 3600, rest // 60 % 60, rest % 60, weekday,
    )  # fmt: skip


def unix(year, month, day, hour, minute, second):
    y = year - (month <= 2)
    era = y // 400
    yoe = y - era * 400
    doy = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    days = era * ERA_DAYS + yoe * 365 + yoe // 4 - yoe // 100 + doy - TO_1970
    return days * DAY_S + hour * 3600 + minute * 60 + second
