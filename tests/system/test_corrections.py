"""Late records and a late roster change ratings that are already shown; every place agrees, and so does a rebuild."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.services.influx import Influx
from tests.system.city import ROSTER, City, until

pytestmark = pytest.mark.slow


def by_staff(city: City) -> Counter[str]:
    """Presses per member of staff as InfluxDB has them; those at 0 have been moved away."""
    assert city.influx is not None
    rows = city.influx.query(city.bucket, "SELECT sum(presses) AS presses FROM rating GROUP BY staff")
    return +Counter({str(row["staff"]): int(float(str(row["presses"]))) for row in rows})


def on_the_wall(city: City) -> list[Any]:
    """What the wall shows of ratings: totals, and every latest line but its version and place in the list."""
    wall = city.get("/api/wall")
    latest = [{k: v for k, v in line.items() if k != "version"} for line in wall["latest"]]
    return [wall["total"], wall["counties"], sorted(latest, key=lambda line: str(line["id"]))]


def test_roster_correction_moves_ratings_everywhere(make_city: Callable[..., City], influx: Influx) -> None:
    city = make_city(boxes=2, influx=influx)
    for level in (1, 3, 2):
        for box in city.boxes:
            box.tap(level)
    city.settle()
    until("they are the first clerks'", lambda: by_staff(city) == {"NP1001": 3, "NP1002": 3})

    corrected = city.folder / "corrected"
    shutil.copytree(ROSTER, corrected)
    duty = corrected / "duty.csv"
    duty.write_text(
        duty.read_text(encoding="utf-8-sig").replace("NP1001,np-h1-w1", "NP1005,np-h1-w1"), encoding="utf-8"
    )
    done = city.manyi("roster", "import", str(corrected))
    assert done.returncode == 0, done.stderr
    until("NP1001's are another's now", lambda: by_staff(city) == {"NP1005": 3, "NP1002": 3})
    until(
        "the wall says so",
        lambda: {x["staff"] for x in city.get("/api/wall")["latest"]} == {"NP1005", "NP1002"},
    )
    city.settle()

    shown = on_the_wall(city)
    city.collector.stop()
    for which in ("ratings", "wall", "influx"):
        done = city.manyi("rebuild", which)
        assert done.returncode == 0, done.stdout + done.stderr
    city.collector.start()
    city.settle()
    assert on_the_wall(city) == shown
    assert by_staff(city) == {"NP1005": 3, "NP1002": 3}


def test_late_presses_of_a_visit_correct_what_is_shown(
    make_city: Callable[..., City], influx: Influx
) -> None:
    city = make_city(boxes=1, influx=influx, policy="visit_ms = 15000")
    box = city.boxes[0]
    box.tap(1)
    until("it is on the wall", lambda: city.shown() == 1)
    city.collector.kill()
    box.tap(3)  # the same visitor within 15 s, and the collector hears of it later
    city.collector.start()
    city.settle()
    total = city.get("/api/wall")["total"]
    assert (total["n"], total["level"], total["first"]) == (1, [0, 0, 1], [1, 0, 0])
    (row,) = influx.query(
        city.bucket, "SELECT sum(n) AS n, sum(d) AS d, sum(s) AS s, sum(first_s) AS f FROM rating"
    )
    assert [int(float(str(row[k]))) for k in ("n", "d", "s", "f")] == [1, 1, 0, 1]


def test_box_that_nobody_placed_is_unassigned_and_never_dropped(make_city: Callable[..., City]) -> None:
    city = make_city(boxes=13)  # the roster knows twelve
    city.boxes[12].tap(3)
    city.boxes[0].tap(1)
    city.settle()
    unassigned = [county for county in city.get("/api/wall")["counties"] if county["id"] == ""]
    assert [county["n"] for county in unassigned] == [1]
