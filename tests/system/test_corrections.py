"""Late records and a late roster change ratings that are already shown; every place agrees, and so does a rebuild."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from manyi.core import stores
from manyi.core.days import BEIJING

from tests import midnight
from tests.services.influx import Influx
from tests.system.city import ROSTER, City, until

pytestmark = pytest.mark.slow

LONG_S = 180.0  # no test here takes so long


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
    midnight.let_it_pass(LONG_S)  # the wall's totals are a day's
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
    midnight.let_it_pass(LONG_S)
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


def test_replaced_box_delivers_afterwards_and_its_presses_keep_their_window(
    make_city: Callable[..., City], tmp_path: Path
) -> None:
    roster = Path(shutil.copytree(ROSTER, tmp_path / "roster"))
    boxes = (roster / "boxes.csv").read_text(encoding="utf-8-sig").splitlines(keepends=True)
    in_store = [line for line in boxes if not line.startswith("sim-002,")]
    (roster / "boxes.csv").write_text("".join(in_store), encoding="utf-8")
    city = make_city(boxes=2, roster=roster)
    old, new = city.boxes
    until("the old one has found the collector", lambda: old.heard("ack"))
    city.broker.kill()
    old.tap(1)
    old.tap(3)
    soon = datetime.now(BEIJING) + timedelta(minutes=2)  # a roster has whole minutes
    at = soon.strftime("%Y-%m-%d %H:%M")
    done = city.manyi("box", "replace", old.name, new.name, "--roster", str(roster), "--at", at)
    assert done.returncode == 0, done.stdout + done.stderr
    new.tap(2)
    city.broker.start()
    city.settle()
    with closing(stores.open_reader(city.folder / "data" / "ratings.db")) as conn:
        told = set(conn.execute("SELECT box, window FROM rating"))
    assert told == {(old.name, "np-h1-w1"), (new.name, "")}, "the new one stands there in two minutes' time"
    assert "np-h1-w1" in (roster / "boxes.csv").read_text(encoding="utf-8").splitlines()[-1]


def test_box_that_nobody_placed_is_unassigned_and_never_dropped(make_city: Callable[..., City]) -> None:
    city = make_city(boxes=13)  # the roster knows twelve
    city.boxes[12].tap(3)
    city.boxes[0].tap(1)
    city.settle()
    unassigned = [county for county in city.get("/api/wall")["counties"] if county["id"] == ""]
    assert [county["n"] for county in unassigned] == [1]
