"""Baseline, profile and ranking: what they say, against figures worked out from the ratings one by one; and any server's
moods, days and corrections end in the same points."""

import random
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from manyi.core import stores, workdays
from manyi.core.days import midnight_ms
from manyi.core.influx import compare, rollup
from manyi.core.influx.compared import RANKED_DAYS, Compared
from manyi.core.influx.rolled import Rolled
from manyi.core.influx.writer import Keep
from manyi.core.rates import wilson
from manyi.core.ratings import store as ratings
from manyi.core.ratings.known_at import as_of
from manyi.core.ratings.rating import Rating
from manyi.core.ratings.store import Ratings

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, PaperLedger, begin, placed
from tests.collector.test_influx_rollup import Memory

BEIJING = timezone(timedelta(hours=8))
DAY_MS = 86_400_000
TODAY = date(2026, 11, 21)  # NOON's day, a Saturday
UNITS = {
    "tier=city": lambda r: True,
    "tier=county,county=c1": lambda r: r.county == "c1",
    "tier=county,county=c2": lambda r: r.county == "c2",
    "tier=hall,county=c1,township=-,hall=h1": lambda r: r.hall == "h1",
    "tier=hall,county=c2,township=t2,hall=h2": lambda r: r.hall == "h2",
}


def parsed(fields: str) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for name, quoted, number in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(-?[\d.]+)i?)', fields):
        found[name] = float(number) if number else quoted
    return found


class Halls:
    """Paper ledger → ratings.db → influx_rollup.db → influx_compare.db → a bucket in memory. The clock stands at `now_ms`."""

    def __init__(self, folder: Path, noon_ms: int = NOON) -> None:
        self.folder, self.now_ms, self.noon_ms = folder, noon_ms, noon_ms
        self.ledger = PaperLedger(folder)
        self.ledger.fact(*TOWN)
        self.ratings = Ratings(folder / "ratings.db", self.ledger.conn)
        self.ratings.drain()
        self.source = stores.open_reader(folder / "ratings.db")
        self.rolled = Rolled(folder / "influx_rollup.db", self.source, lambda: self.now_ms)
        self.sums = stores.open_reader(folder / "influx_rollup.db")
        self.server = Memory()
        self.open()
        self.boots = 0

    def open(self, gap_ms: int = 0) -> None:
        self.compared = Compared(
            self.folder / "influx_compare.db",
            self.sums,
            self.source,
            self.server,
            lambda: self.now_ms,
            gap_ms,
        )

    def close(self) -> None:
        for one in (self.compared, self.sums, self.rolled, self.source, self.ratings, self.ledger):
            one.close()

    def day(self, box: str, back: int, hour: int, times: int, reds: int = 0) -> None:
        """Ratings a minute apart from `hour` on, so many days back; the last `reds` of them red."""
        self.boots += 1
        at = self.noon_ms - back * DAY_MS + (hour - 12) * 60 * MINUTE
        begin(self.ledger.conn)
        self.ledger.clock(box, 0, at, at, boot=self.boots)
        for i in range(times):
            level = 3 if i >= times - reds else 1
            self.ledger.press(box, i * MINUTE, level, at + i * MINUTE, boot=self.boots)
        self.ledger.conn.execute("COMMIT")

    def fold(self) -> None:
        self.ratings.drain()
        while self.rolled.fold():
            pass

    def drain(self) -> None:
        self.fold()
        while moved := self.compared.step():
            assert not isinstance(moved, Keep), moved.why

    def at(self, measurement: str, tags: str, ns: int) -> dict[str, float | str]:
        return parsed(self.server.points[f"{measurement},{tags}", str(ns)])

    def said(self) -> dict[tuple[str, str], str]:
        """The bucket without points that were taken back."""
        zeros = set(compare.ZEROS.values())
        return {key: fields for key, fields in self.server.points.items() if fields not in zeros}


def like(today: date) -> list[date]:
    return list(workdays.like(today))


def local(r: Rating) -> datetime:
    return datetime.fromtimestamp(r.time_ms / 1000, BEIJING)


def expected(found: list[Rating], today: date) -> dict[tuple[str, str], dict[str, float]]:
    """Baseline and profile by the long way round, zeros left out."""
    out: dict[tuple[str, str], dict[str, float]] = {}
    midnight = int(datetime(today.year, today.month, today.day, tzinfo=BEIJING).timestamp() * 1000)
    for tags, belongs in UNITS.items():
        own = [r for r in found if belongs(r)]
        if not own:
            continue
        first = min(local(r).date() for r in own)
        days = [d for d in like(today) if d >= first]
        cum = [0.0] * 4
        for half in range(48):
            row = [0.0] * 4
            for r in own:
                t = local(r)
                if t.date() in days and t.hour * 2 + t.minute // 30 == half:
                    for i, hit in enumerate((True, r.level == 1, r.level == 2, r.level == 3)):
                        row[i] += hit / len(days)
            cum = [a + b for a, b in zip(cum, row, strict=True)]
            said = dict(zip(("n", "s", "b", "d"), row, strict=True))
            said |= dict(zip(("n_cum", "s_cum", "b_cum", "d_cum"), cum, strict=True))
            ns = f"{midnight + half * 1_800_000}000000"
            out[f"baseline,{tags}", ns] = said | {"days": len(days), "calendar": 1}
        weeks = [today - timedelta(days=n) for n in range(1, 57)]
        weekday = {d: workdays.counts_as(d) for d in weeks if d >= first}
        for day in range(1, 8):
            for hour in range(24):
                here = [r for r in own if weekday.get(local(r).date()) == day and local(r).hour == hour]
                if here:
                    out[f"profile,{tags},weekday={day},hour={hour:02}", f"{midnight}000000"] = {
                        "n": len(here),
                        "d": sum(r.level == 3 for r in here),
                        "days": sum(x == day for x in weekday.values()),
                    }
    return out


def check(halls: Halls, today: date = TODAY) -> None:
    """Baseline, profile and lists of the bucket against the ratings."""
    found = as_of(halls.source, 2**62)
    wanted = expected(found, today)
    said = {key: parsed(fields) for key, fields in halls.said().items()}
    shown = {
        key: row
        for key, row in said.items()
        if key[0].startswith("baseline") or (key[0].startswith("profile") and row["n"])
    }
    assert shown.keys() == wanted.keys()
    for key, row in wanted.items():
        assert shown[key] == pytest.approx(row, abs=1e-4), key
    lists = {key: row for key, row in said.items() if key[0].startswith("ranking")}
    assert len(lists) == RANKED_DAYS * 3 * 4
    for (at, ns), row in lists.items():
        tags = dict(part.split("=") for part in at.split(",")[1:])
        day = datetime.fromtimestamp(int(ns) // 10**9, BEIJING).date()
        since = day - timedelta(days={"day": 1, "week": 7, "month30": 30}[tags["period"]] - 1)
        unit = tags["hall"] if tags["tier"] == "hall" else tags["county"]
        own = [r for r in found if getattr(r, tags["tier"]) == unit and since <= local(r).date() <= day]
        green = sum(r.level == 1 for r in own)
        lo, hi = wilson(green, len(own)) if own else (0.0, 1.0)
        assert (row["n"], row["enough"], row["name"]) == (len(own), len(own) >= 59, unit), at
        assert (row["lo"], row["hi"]) == pytest.approx((lo, hi), abs=1e-6)
        assert row["rate_s"] == pytest.approx(green / len(own) if own else 0, abs=1e-6)
        assert (row["rank"] == 0) == (row["enough"] == 0) == (row["place"] == "-")


@pytest.fixture
def halls(tmp_path: Path) -> Iterator[Halls]:
    made = Halls(tmp_path)
    yield made
    made.close()


def autumn(halls: Halls) -> None:
    """Eleven weeks of two halls, one of which opened a month ago; today included."""
    chance = random.Random(7)
    for back in range(78, -1, -1):
        halls.day("box-1", back, chance.randrange(8, 16), chance.randrange(1, 6), chance.randrange(2))
        if back < 30:
            halls.day("box-3", back, 9, 4, 1)


def test_all_three_against_the_ratings_one_by_one(halls: Halls) -> None:
    autumn(halls)
    halls.day("box-2", 0, 8, 70, 3)
    halls.drain()
    check(halls)


def test_hall_that_opened_last_week_is_compared_with_its_own_days_only(halls: Halls) -> None:
    for back in (28, 21, 14, 7):
        halls.day("box-1", back, 9, 10)
    halls.day("box-3", 7, 9, 6)
    halls.drain()
    nine = (midnight_ms(TODAY) + 9 * 3_600_000) * 10**6
    old = halls.at("baseline", "tier=hall,county=c1,township=-,hall=h1", nine)
    new = halls.at("baseline", "tier=hall,county=c2,township=t2,hall=h2", nine)
    assert (old["n"], old["days"]) == (10, 4)
    assert (new["n"], new["days"]) == (6, 1)


def test_list_says_tie_and_small_sample(halls: Halls) -> None:
    halls.day("box-1", 0, 8, 100, 2)
    halls.day("box-3", 0, 8, 100, 60)
    halls.drain()
    ns = midnight_ms(TODAY) * 10**6
    first = halls.at("ranking", "tier=county,county=c1,period=day", ns)
    second = halls.at("ranking", "tier=county,county=c2,period=week", ns)
    assert (first["place"], first["order"], second["place"], second["order"]) == ("1", 1, "2", 2)
    halls.day("box-3", 0, 12, 400)
    halls.drain()
    assert halls.at("ranking", "tier=county,county=c2,period=day", ns)["place"] == "2"
    none = halls.at("ranking", "tier=hall,county=c1,hall=h1,period=day", ns - DAY_MS * 10**6)
    assert (none["place"], none["rank"], none["enough"], none["n"]) == ("-", 0, 0, 0)


def test_correction_of_the_past_moves_what_was_written(halls: Halls) -> None:
    autumn(halls)
    halls.drain()
    halls.ledger.fact(placed("box-1", "w3", NOON - 20 * DAY_MS), at_ms=NOON + 1)
    halls.day("box-2", 14, 10, 5, 5)
    halls.drain()
    check(halls)
    moved = halls.said()
    halls.compared.reset()
    halls.drain()
    assert halls.server.points == moved, "a rebuild gives the same, without zeros"


def test_next_day_begins_anew_and_nothing_of_the_day_before_stays(halls: Halls) -> None:
    autumn(halls)
    halls.drain()
    halls.now_ms += DAY_MS
    halls.day("box-1", -1, 9, 3)
    halls.drain()
    check(halls, TODAY + timedelta(days=1))


def test_only_what_differs_is_sent_and_a_start_sends_nothing(halls: Halls) -> None:
    autumn(halls)
    halls.drain()
    halls.compared.close()
    halls.open()
    writes = halls.server.writes
    halls.drain()
    assert halls.server.writes == writes
    before = dict(halls.server.points)
    halls.day("box-1", 0, 17, 1)
    halls.drain()
    changed = {at for (at, ns), fields in halls.server.points.items() if before.get((at, ns)) != fields}
    assert changed
    assert all(at.startswith("ranking") for at in changed), "today changes nothing of the past"


def test_server_that_is_away_or_takes_half_gets_all_of_it_in_the_end(halls: Halls) -> None:
    autumn(halls)
    halls.fold()
    halls.server.moods = [0, 1, 2] * 8
    for _ in range(60):
        halls.compared.step()
    halls.drain()
    check(halls)


def test_somebody_who_clears_meanwhile_takes_nothing_away(halls: Halls) -> None:
    """Another process rebuilds between this one's writing and its remembering."""
    autumn(halls)
    halls.fold()
    other = Compared(
        halls.folder / "influx_compare.db", halls.sums, halls.source, halls.server, lambda: NOON, 0
    )
    write = halls.server.write
    interrupted = iter([True])

    def interrupt(lines: list[str]) -> object:
        answer = write(lines)
        if next(interrupted, False):
            other.reset()
            halls.server.clear()
        return answer

    halls.server.write = interrupt  # type: ignore[method-assign,assignment]
    halls.drain()
    while other.step():
        pass
    other.close()
    check(halls)


def test_refused_line_is_set_aside_once_and_the_rest_is_sent(halls: Halls) -> None:
    halls.server.refuses = "weekday=5"
    autumn(halls)
    halls.drain()
    refused = halls.compared.aside
    assert refused > 0
    halls.compared.close()
    halls.open()
    halls.drain()
    assert halls.compared.aside == refused
    assert any(at.startswith("profile") for at, _ in halls.server.points)


def test_ratings_that_begin_again_leave_no_unit_that_is_no_more(halls: Halls) -> None:
    autumn(halls)
    halls.drain()
    halls.ratings.reset()
    halls.ledger.fact(placed("box-1", "w3", 0), at_ms=NOON + 1)
    halls.drain()
    check(halls)


def test_live_figures_are_not_held_up_by_the_past(halls: Halls) -> None:
    """One step is a slice; the looks in between cost nothing."""
    autumn(halls)
    halls.fold()
    halls.compared.close()
    halls.open(gap_ms=30_000)
    steps = 0
    while halls.compared.step():
        steps += 1
    writes = halls.server.writes
    assert writes >= 1
    halls.day("box-1", 3, 17, 1)
    halls.fold()
    assert halls.compared.step() == 0
    halls.now_ms += 30_000
    while halls.compared.step():
        pass
    assert halls.server.writes == writes + 1, "the lists; the past only every ten minutes"
    halls.now_ms += 600_000
    while halls.compared.step():
        pass
    check(halls)


def test_year_without_a_calendar_says_so_in_the_baseline(tmp_path: Path) -> None:
    year = max(workdays._years()) + 1
    noon = midnight_ms(date(year, 6, 2)) + 12 * 60 * MINUTE
    halls = Halls(tmp_path, noon)
    for back in (0, 7, 14):
        halls.day("box-1", back, 9, 3)
    halls.drain()
    nine = midnight_ms(date(year, 6, 2)) * 10**6 + 9 * 3_600_000 * 10**6
    said = halls.at("baseline", "tier=city", nine)
    assert (said["n"], said["days"], said["calendar"]) == (3, 2, 0)
    halls.close()


def test_names_with_quotes_and_line_feeds_stay_one_field() -> None:
    assert compare.text('大厅"一"\n\\') == '"大厅\\"一\\" \\\\"'


def test_zeros_name_every_field_that_the_points_have(halls: Halls) -> None:
    halls.day("box-1", 7, 9, 3)
    halls.drain()
    for (at, _), fields in halls.server.points.items():
        assert parsed(compare.ZEROS[at.split(",")[0]]).keys() == parsed(fields).keys()


def test_no_point_names_a_person_or_a_window(halls: Halls) -> None:
    autumn(halls)
    halls.drain()
    keys = {part.split("=")[0] for at, _ in halls.server.points for part in at.split(",")[1:]}
    assert keys == {"tier", "county", "township", "hall", "weekday", "hour", "period"}
    assert rollup.SHORT not in {at.split(",")[0] for at, _ in halls.server.points}
    assert ratings.presses(halls.source) == halls.ledger.presses
