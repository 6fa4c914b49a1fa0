"""Visits on the wall: where they are known, for nobody else, and never yesterday's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from manyi.core import projector, stores
from manyi.core.config import Broker, City, Config, Data, KeyFiles, Policy, Web
from manyi.core.days import day_of
from manyi.core.visits import report as visits
from manyi.core.visits import view as visits_view
from manyi.core.visits.store import Counts
from manyi.core.wall import view as wall_view

from tests.collector.paper_ledger import NOON, TOWN, PaperLedger

DAY_MS = 86_400_000


class Centre:
    def __init__(self, folder: Path) -> None:
        self.ledger = PaperLedger(folder)
        self.ledger.fact(*TOWN)
        self.now_ms = NOON
        self.config = Config(
            City("临江市", "Linjiang"), Data(folder), Broker("127.0.0.1", 1, "", None, True, None),
            KeyFiles(folder / "keys"), None, Web("127.0.0.1", 1, None), Policy(5_000, 5, 180),
        )  # fmt: skip
        self.figures = projector.Figures(self.config, lambda: self.now_ms)
        self.boots = 0

    def close(self) -> None:
        self.figures.close()
        self.ledger.close()

    def visit(self, window: str, times: int, at_ms: int = NOON) -> None:
        told = [visits.Visit(f"{window}-{i}", window, at_ms, 0, "", 0) for i in range(times)]
        self.ledger.conn.execute("BEGIN IMMEDIATE")
        self.ledger._row(at_ms, "visit", None, visits.body("queue_h1", told), None)  # type: ignore[arg-type]
        self.ledger.conn.execute("COMMIT")

    def rate(self, box: str, times: int) -> None:
        self.boots += 1
        self.ledger.clock(box, 0, NOON, NOON, boot=self.boots)
        for i in range(times):
            self.ledger.press(box, (i + 1) * 10_000, 1, NOON, boot=self.boots)

    def snapshot(self) -> dict[str, object]:
        self.now_ms += 1_000
        while self.figures.step():
            pass
        conn = stores.open_reader(self.config.data.wall)
        found = wall_view.snapshot(conn, self.now_ms)
        conn.close()
        return found


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path)
    yield made
    made.close()


KNOWN = ("visits", "unrated", "surplus", "rating_rate")


def of(tally: object) -> tuple[object, ...] | None:
    assert isinstance(tally, dict)
    return tuple(tally[name] for name in KNOWN) if "visits" in tally else None


def test_hall_county_and_city_say_unrated_where_visits_are_known_and_nowhere_else(centre: Centre) -> None:
    centre.visit("w1", 10)
    centre.rate("box-1", 4)
    centre.rate("box-3", 5)
    wall = centre.snapshot()
    assert wall["total"]["n"] == 9  # type: ignore[index]
    assert of(wall["total"]) == (10, 6, 0, 0.4), "box-3's ratings are of a window whose visits nobody tells"
    c1, c2 = wall["counties"]  # type: ignore[misc]
    assert of(c1) == of(c1["halls"][0]) == (10, 6, 0, 0.4)
    assert of(c2) is None
    assert of(c2["halls"][0]) is None
    centre.rate("box-1", 8)
    assert of(centre.snapshot()["total"]) == (10, 0, 2, 1.0)


def test_without_any_visits_no_tally_speaks_of_them(centre: Centre) -> None:
    centre.rate("box-1", 4)
    assert of(centre.snapshot()["total"]) is None


def test_visits_of_yesterday_are_not_todays(centre: Centre) -> None:
    centre.visit("w1", 10, NOON - DAY_MS)
    assert of(centre.snapshot()["total"]) is None
    centre.visit("w2", 3)
    assert of(centre.snapshot()["total"]) == (3, 3, 0, 0.0)
    told = '{"day": 1, "halls": {"h1": [3, 2, 0]}}'
    assert visits_view.of_today(told, 1) == {"h1": Counts(3, 2, 0)}
    assert visits_view.of_today(told, day_of(NOON)) == {}
    assert visits_view.of_today("", 1) == {}


def test_rebuild_counts_the_same(centre: Centre) -> None:
    centre.visit("w1", 10)
    centre.rate("box-1", 4)
    before = of(centre.snapshot()["total"])
    projector.rebuild("ratings", centre.config, lambda _: None)
    assert of(centre.snapshot()["total"]) == before == (10, 6, 0, 0.4)
