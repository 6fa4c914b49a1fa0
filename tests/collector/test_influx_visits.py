"""summary's fields of visits: sums over known windows alone, corrected by late ratings and a moved window, rebuilt the
same; and on a real influxd beside the fields of the ratings."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from manyi.core import stores
from manyi.core.influx import rollup
from manyi.core.influx.rolled import Rolled, Sender
from manyi.core.influx.visited import FIELDS, Visited
from manyi.core.influx.writer import Keep
from manyi.core.visits import report as visits

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, office
from tests.collector.test_influx_compare import parsed
from tests.collector.test_influx_rollup import Memory
from tests.collector.test_influx_whole import NOON as YESTERDAY
from tests.collector.test_influx_whole import Whole, whole  # noqa: F401 (the fixture)
from tests.collector.test_visits import Hall

MIDNIGHT = NOON - 12 * 60 * MINUTE
DAY_MS = 86_400_000
HALL_1 = "tier=hall,county=c1,township=-,hall=h1"


class Town:
    """Hall → influx_rollup.db and influx_visits.db → one bucket in memory."""

    def __init__(self, folder: Path) -> None:
        self.hall = Hall(folder)
        self.folder, self.server = folder, Memory()
        self.rolled = Rolled(folder / "influx_rollup.db", self.hall.source, lambda: NOON)
        self.sums = stores.open_reader(folder / "influx_rollup.db")
        self.sender = Sender(self.rolled, rollup.DAY, self.server, 0)
        self.open()

    def open(self) -> None:
        path = self.folder / "influx_visits.db"
        self.visited = Visited(
            path, self.hall.reader, self.sums, self.hall.source, self.server, lambda: NOON, 0
        )

    def close(self) -> None:
        for one in (self.visited, self.sums, self.rolled, self.hall):
            one.close()

    def drain(self) -> None:
        self.hall.drain()
        for feed in (self.sender, self.visited):
            while moved := feed.step():  # type: ignore[attr-defined]
                assert not isinstance(moved, Keep)

    def said(self, tags: str, day_ms: int = MIDNIGHT) -> tuple[float | str, ...] | None:
        """The fields of visits; Memory keeps one writer's fields a point, so the last was this feed's."""
        fields = self.server.points.get((f"summary,{tags}", f"{day_ms}000000"))
        found = parsed(fields or "")
        return tuple(found[name] for name in FIELDS) if "visits" in found else None


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


def test_every_tier_sums_its_windows_whose_visits_are_known(town: Town) -> None:
    for n in range(6):
        town.hall.visit(n, "w1" if n < 4 else "w2")
    for _ in range(3):
        town.hall.rate("box-1")
        town.hall.rate("box-3")
    town.hall.rate("box-2")
    town.drain()
    assert town.said("tier=window,county=c1,township=-,hall=h1,window=w1") == (4, 3, 1, 0, 0.75)
    assert town.said("tier=window,county=c1,township=-,hall=h1,window=w2") == (2, 1, 1, 0, 0.5)
    assert (
        town.said(HALL_1)
        == town.said("tier=county,county=c1")
        == (6, 4, 2, 0, pytest.approx(4 / 6, abs=1e-6))
    )
    assert town.said("tier=city") == town.said(HALL_1), "w3's visits nobody tells"
    assert town.said("tier=county,county=c2") is None


def test_late_ratings_and_a_window_that_moves_correct_what_is_written(town: Town) -> None:
    town.hall.visit(1, "w1", NOON - DAY_MS)
    town.hall.visit(2, "w1")
    town.drain()
    assert town.said(HALL_1, MIDNIGHT - DAY_MS) == (1, 0, 1, 0, 0.0)
    town.hall.rate("box-1", at_ms=NOON - DAY_MS)
    town.drain()
    assert town.said(HALL_1, MIDNIGHT - DAY_MS) == (1, 1, 0, 0, 1.0)
    town.hall.ledger.fact(office("window", "w1", "h2"), at_ms=NOON + 1)
    town.drain()
    assert town.said(HALL_1) == (0, 0, 0, 0, 0.0)
    assert town.said("tier=hall,county=c2,township=t2,hall=h2") == (1, 0, 1, 0, 0.0)


def test_nothing_is_sent_again_without_news_and_all_of_it_after_the_bucket_was_cleared(town: Town) -> None:
    for n in range(6):
        town.hall.visit(n, at_ms=NOON - n * DAY_MS)
    town.drain()
    before, writes = town.said(HALL_1), town.server.writes
    town.visited.close()
    town.open()
    town.drain()
    assert town.server.writes == writes
    town.rolled.reset()
    assert town.visited.step() == 0, "it waits until the bucket was cleared"
    town.drain()
    assert town.said(HALL_1) == before
    town.server.moods = [0, 1, 2] * 3
    town.visited.reset()
    for _ in range(12):
        town.visited.step()
    town.server.moods.clear()
    town.drain()
    assert all(town.said(HALL_1, MIDNIGHT - n * DAY_MS) == (1, 0, 1, 0, 0.0) for n in range(6))


def test_on_a_real_server_they_stand_beside_the_ratings_fields(whole: Whole) -> None:  # noqa: F811
    whole.ledger.fact(*TOWN)
    whole.press("box-1", 3, 1, YESTERDAY, 1)
    told = [visits.Visit(f"A{n}", "w1", YESTERDAY, 0, "", 0) for n in range(8)]
    whole.ledger.conn.execute("BEGIN IMMEDIATE")
    whole.ledger._row(YESTERDAY, "visit", None, visits.body("queue_h1", told), None)  # type: ignore[arg-type]
    whole.ledger.conn.execute("COMMIT")
    query = "SELECT n, visits, rated, unrated, surplus, rating_rate FROM summary WHERE tier = 'hall' AND hall = 'h1'"
    wanted = [{"n": 3, "visits": 8, "rated": 3, "unrated": 5, "surplus": 0, "rating_rate": 0.375}]
    for _ in range(2):
        whole.rebuild()
        rows = whole.ask("manyi_day", query)
        assert [{k: v for k, v in row.items() if k != "time"} for row in rows] == wanted
    whole.drop("manyi_day")
    (whole.folder / "influx_visits.db").unlink()
    whole.init()
    whole.rebuild()
    assert len(whole.ask("manyi_day", query)) == 1
