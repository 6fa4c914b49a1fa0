# Beijing days and minutes, and opening hours as `hh:mm-hh:mm`. One offset all over China, and no summer time.
#
# Refuses: to read a clock. Outside its hours a box is only dark: its keys stay live, and what is pressed is kept.

OFFSET_MS = 8 * 3_600_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def day(unix_ms):
    return (unix_ms + OFFSET_MS) // DAY_MS


def minute(unix_ms):
    return (unix_ms + OFFSET_MS) % DAY_MS // MINUTE_MS


# "08:30-17:30" -> (510, 1050) minutes of the day; "" -> None: always open
def span(text):
    return (int(text[:2]) * 60 + int(text[3:5]), int(text[6:8]) * 60 + int(text[9:])) if text else None


# unix_ms None: the time is not known, so nobody can say that it is closed
def closed(text, unix_ms):
    hours = span(text)
    return hours is not None and unix_ms is not None and not hours[0] <= minute(unix_ms) < hours[1]
