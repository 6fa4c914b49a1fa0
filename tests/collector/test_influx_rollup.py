"""Rollups and summary: what a cell says, any history and any server's moods, one bucket away, two senders at once."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manyi.core import stores
from manyi.core.influx import rollup
from manyi.core.influx.lines import wall_point
from manyi.core.influx.rolled import Rolled, Sender
from manyi.core.influx.writer import Accepted, Keep, Rejected
from manyi.core.ratings.known_at import as_of
from manyi.core.ratings.rating import Rating
from manyi.core.ratings.settle import FLAG_CORRECTED
from manyi.core.ratings.store import Ratings

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, PaperLedger, placed
from tests.collector.test_influx import rating
from tests.collector.test_ratings import events, play

MIDNIGHT = NOON - 12 * 60 * MINUTE
COUNTS = ("n", "s", "b", "d", "first_s", "first_b", "first_d", "corrected", "presses", "flagged")


def test_one_rating_is_three_cells_of_five_minutes_and_four_of_the_beijing_day() -> None:
    one = rollup.kind(rating(time_ms=NOON + 7 * MINUTE, staff="ann", level=2, first=3, flags=FLAG_CORRECTED))
    found = rollup.cells({one: 1})
    hall, window = (
        "tier=hall,county=c1,township=-,hall=h1",
        "tier=window,county=c1,township=-,hall=h1,window=w1",
    )
    assert {(name, tags) for name, tags, _ in found} == {
        (name, tags)
        for name in (rollup.SHORT, rollup.DAY)
        for tags in ("tier=city", "tier=county,county=c1", hall, window)
    } - {(rollup.SHORT, window)}
    assert found[rollup.SHORT, hall, NOON + 5 * MINUTE] == (1, 0, 1, 0, 0, 0, 1, 1, 2, 1)
    assert found[rollup.DAY, "tier=city", MIDNIGHT] == (1, 0, 1, 0, 0, 0, 1, 1, 2, 1)


def test_day_begins_at_beijings_midnight() -> None:
    late, early = rating(time_ms=MIDNIGHT - 1), rating(time_ms=MIDNIGHT)
    days = {
        b for r in (late, early) for name, _, b in rollup.cells({rollup.kind(r): 1}) if name == rollup.DAY
    }
    assert days == {MIDNIGHT, MIDNIGHT - 24 * 60 * MINUTE}


def test_day_carries_its_rates_intervals_and_whether_the_sample_is_enough() -> None:
    cell = (rollup.DAY, "tier=city", MIDNIGHT)
    day, summary = rollup.lines(cell, (100, 95, 3, 2, 90, 5, 5, 4, 104, 6))
    assert day == (
        "rollup_day,tier=city n=100i,s=95i,b=3i,d=2i,first_s=90i,first_b=5i,first_d=5i,corrected=4i,presses=104i,"
        f"flagged=6i {MIDNIGHT}000000"
    )
    assert summary == (
        "summary,tier=city n=100i,rate_s=0.950000,rate_s_lo=0.888250,rate_s_hi=0.978456,"
        "rate_sb=0.980000,rate_sb_lo=0.929988,rate_sb_hi=0.994498,enough=1i,first_s=90i,first_b=5i,first_d=5i,"
        f"corrected=4i {MIDNIGHT}000000"
    )


def test_cell_that_lost_everything_knows_nothing() -> None:
    _, summary = rollup.lines((rollup.DAY, "tier=city", MIDNIGHT), (0,) * 10)
    assert "n=0i,rate_s=0.000000,rate_s_lo=0.000000,rate_s_hi=1.000000," in summary
    assert "enough=0i" in summary


def test_no_point_that_dashboards_read_names_a_person() -> None:
    r = rating(staff="ann")
    assert "staff" not in wall_point(r)
    cells = rollup.cells({rollup.kind(r): 1})
    assert not any("ann" in line for cell, counts in cells.items() for line in rollup.lines(cell, counts))


# -- following, with servers in memory


class Memory:
    """A bucket in memory. `moods` are taken from the end: 0 well, 1 takes all and does not answer, 2 takes half."""

    def __init__(self, target: str = "memory") -> None:
        self.target = target
        self.moods: list[int] = []
        self.refuses = ""
        self.points: dict[tuple[str, str], str] = {}
        self.writes = 0

    def write(self, lines: list[str]) -> Accepted | Rejected | Keep:
        self.writes += 1
        mood = self.moods.pop() if self.moods else 0
        bad = [text for text in lines if self.refuses and self.refuses in text]
        for text in lines if mood < 2 else lines[: len(lines) // 2]:
            if text not in bad:
                at, fields, ns = text.split(" ")
                self.points[at, ns] = fields
        if mood:
            return Keep("no answer")
        return Rejected(tuple((text, "400") for text in bad)) if bad else Accepted(len(lines))

    def clear(self) -> Accepted:
        self.points.clear()
        return Accepted(0)


class Chain:
    """Paper ledger → ratings.db → influx_rollup.db → two buckets in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now_ms = folder, NOON
        self.ledger = PaperLedger(folder)
        self.ratings = Ratings(folder / "ratings.db", self.ledger.conn)
        self.ratings.drain()
        self.source = stores.open_reader(folder / "ratings.db")
        self.short, self.day = Memory("short"), Memory("day")
        self.open()

    def open(self, gap_ms: int = 0) -> None:
        self.rolled = Rolled(self.folder / "influx_rollup.db", self.source, lambda: self.now_ms)
        self.senders = (
            Sender(self.rolled, rollup.SHORT, self.short, gap_ms),
            Sender(self.rolled, rollup.DAY, self.day, gap_ms),
        )

    def close(self) -> None:
        for one in (self.rolled, self.source, self.ratings, self.ledger):
            one.close()

    def step(self) -> None:
        self.ratings.drain()
        for sender in self.senders:
            sender.step()

    def drain(self) -> None:
        self.ratings.drain()
        for sender in self.senders:
            while moved := sender.step():
                assert not isinstance(moved, Keep), moved.why

    def press(self, box: str, times: int, level: int = 1, start: int = 1) -> None:
        self.ledger.clock(box, start * MINUTE, NOON + start * MINUTE)
        for i in range(times):
            up_ms = (start + 1 + i) * MINUTE
            self.ledger.press(box, up_ms, level, NOON + up_ms)

    def right(self) -> bool:
        """Whether both buckets show what the ratings say now."""
        now = expected(as_of(self.source, 2**62))
        points = self.short.points | self.day.points
        shown = {
            (at, ns): counts(fields)
            for (at, ns), fields in points.items()
            if not at.startswith("summary") and not fields.startswith("n=0i")
        }
        gone = {key for key, fields in points.items() if fields.startswith("n=0i")}
        return shown == now and all(counts(points[key])[0] == 0 for key in gone)


def counts(fields: str) -> tuple[int, ...]:
    said = dict(re.findall(r"(\w+)=(-?[\d.]+)i?", fields))
    return tuple(int(said.get(name, "0")) for name in COUNTS)


def expected(ratings: list[Rating]) -> dict[tuple[str, str], tuple[int, ...]]:
    """The same figures by the long way round: one rating at a time, no memory, no cells."""
    found: dict[tuple[str, str], list[int]] = {}
    for r in ratings:
        county, township, hall, window = (x or "-" for x in (r.county, r.township, r.hall, r.window))
        for tags in (
            "tier=city",
            f"tier=county,county={county}",
            f"tier=hall,county={county},township={township},hall={hall}",
            f"tier=window,county={county},township={township},hall={hall},window={window}",
        ):
            beijing = r.time_ms + 8 * 60 * MINUTE
            day_ms = beijing - beijing % (24 * 60 * MINUTE) - 8 * 60 * MINUTE
            for name, begin_ms in (("rollup_5m", r.time_ms // 300_000 * 300_000), ("rollup_day", day_ms)):
                if name == "rollup_5m" and tags.startswith("tier=window"):
                    continue
                row = found.setdefault((f"{name},{tags}", f"{begin_ms}000000"), [0] * 10)
                one = [1, *(r.level == x for x in (1, 2, 3)), *(r.first == x for x in (1, 2, 3))]
                one += [bool(r.flags & FLAG_CORRECTED), r.presses, bool(r.flags)]
                for i, value in enumerate(one):
                    row[i] += int(value)
    return {key: tuple(row) for key, row in found.items()}


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    made = Chain(tmp_path)
    yield made
    made.close()


def test_re_attribution_empties_the_old_window_and_fills_the_new(chain: Chain) -> None:
    chain.ledger.fact(*TOWN)
    chain.press("box-1", 3, level=3)
    chain.drain()
    old = "tier=window,county=c1,township=-,hall=h1,window=w1"
    new = "tier=window,county=c2,township=t2,hall=h2,window=w3"
    day = f"{MIDNIGHT}000000"
    assert counts(chain.day.points[f"rollup_day,{old}", day])[3] == 3
    chain.ledger.fact(placed("box-1", "w3", NOON), at_ms=NOON + 1)
    chain.drain()
    assert counts(chain.day.points[f"rollup_day,{old}", day]) == (0,) * 10
    assert chain.day.points[f"summary,{old}", day].startswith("n=0i,")
    assert counts(chain.day.points[f"rollup_day,{new}", day])[3] == 3
    assert chain.right()


def test_late_records_and_corrections_change_cells_already_written(chain: Chain) -> None:
    chain.ledger.fact(*TOWN)
    chain.press("box-1", 5, level=3)
    chain.drain()
    chain.press("box-2", 5, level=2)
    chain.ledger.press("box-1", 6 * MINUTE + 1_000, 1, NOON + 6 * MINUTE)
    chain.drain()
    assert chain.right()
    city = counts(chain.day.points["rollup_day,tier=city", f"{MIDNIGHT}000000"])
    assert (city[0], city[7], city[8]) == (10, 1, 11)


def test_bucket_that_is_away_holds_neither_the_other_nor_the_adding_up(chain: Chain) -> None:
    chain.short.moods = [1] * 3
    chain.press("box-1", 5)
    for _ in range(3):
        chain.step()
    assert counts(chain.day.points["rollup_day,tier=city", f"{MIDNIGHT}000000"])[0] == 5
    chain.short.moods.clear()
    chain.drain()
    assert chain.right()


def test_live_presses_are_sent_once_a_second_not_once_each(chain: Chain) -> None:
    chain.drain()
    chain.rolled.close()
    chain.open(gap_ms=1_000)
    for i in range(20):
        chain.press("box-1", 1, start=1 + 2 * i)
        chain.step()
        chain.step()
    assert chain.day.writes == 1
    chain.now_ms += 1_000
    chain.step()
    assert chain.day.writes == 2
    assert counts(chain.day.points["rollup_day,tier=city", f"{MIDNIGHT}000000"])[0] == 20


def test_cell_that_another_process_sent_meanwhile_is_sent_again(chain: Chain) -> None:
    chain.press("box-1", 1)
    chain.ratings.drain()
    while chain.rolled.fold():
        pass
    held = chain.rolled.dirty(rollup.DAY)
    chain.press("box-1", 1, start=9)
    chain.drain()
    chain.day.write([line for cell, _, c in held for line in rollup.lines(cell, c)])  # overtaken
    chain.rolled.sent(held, ())
    chain.drain()
    assert chain.right()


def test_what_was_sent_long_ago_is_not_looked_at_again(chain: Chain) -> None:
    rolled = chain.rolled
    year = [(rollup.SHORT, f"tier=window,window=w{i % 50}", i * rollup.SHORT_MS) for i in range(20_000)]
    zeros = ",".join("0" * len(COUNTS))
    rolled._conn.executemany(f"INSERT INTO cell VALUES (?, ?, ?, {zeros}, 1, 0)", year)
    rolled._conn.execute("UPDATE cell SET dirty = 1 WHERE begin_ms = ?", (19_999 * rollup.SHORT_MS,))
    looked: list[int] = []
    rolled._conn.set_progress_handler(lambda: looked.append(1), 100)
    assert [cell for cell, _, _ in rolled.dirty(rollup.SHORT)] == [year[-1]]
    assert rolled.waiting(rollup.SHORT) == 1
    assert len(looked) < 10  # hundreds of SQLite's steps; a walk past the year takes hundreds of thousands


def test_refused_line_is_set_aside_and_the_rest_is_sent(chain: Chain) -> None:
    chain.day.refuses = "tier=county"
    chain.press("box-1", 2)
    chain.drain()
    assert chain.rolled.aside == 2
    assert counts(chain.day.points["rollup_day,tier=city", f"{MIDNIGHT}000000"])[0] == 2


def test_ratings_that_began_again_and_a_reset_end_in_the_same_points(chain: Chain) -> None:
    chain.press("box-1", 7)
    chain.drain()
    before = (dict(chain.short.points), dict(chain.day.points))
    chain.short.points["rollup_5m,tier=city", "1"] = "n=9i"
    chain.ratings.reset()
    chain.drain()
    assert (chain.short.points, chain.day.points) == before
    chain.day.points["rollup_day,tier=city", "1"] = "n=9i"
    for sender in chain.senders:
        sender.reset()
    chain.drain()
    assert (chain.short.points, chain.day.points) == before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events, max_size=40), st.lists(st.integers(0, 2), max_size=40))
def test_any_history_and_any_moods_end_in_the_ratings_sums(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[object, ...]], moods: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("rolled")
    chain = Chain(folder)
    chain.short.moods, chain.day.moods = list(moods), list(reversed(moods))
    play(chain.ledger, history, chain.step)
    chain.short.moods.clear()
    chain.day.moods.clear()
    chain.drain()
    assert chain.right()
    chain.close()
    shutil.rmtree(folder)
