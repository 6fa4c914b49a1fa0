"""A visit and a sign-in from the queue system to the wall: told over HTTP, the box invites, the citizen presses, 未评 is
right, and the rating is whose the system says, now and after a correction."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from manyi.core import stores
from manyi.core.told.sources import add_source
from manyi.core.visits import report as visits

from tests import midnight
from tests.collector.test_visits_mqtt import Ear
from tests.services.mosquitto import Mosquitto
from tests.system.city import City, until
from tests.system.wiretap import publish

MINUTE_MS = 60_000
LONG_S = 180.0  # no test here takes so long
WINDOW = "np-h1-w1"  # where the demo's roster has sim-001
FIRST, SECOND = "NP1002", "NP1003"  # of the demo's staff, and not planned there


class Queue:
    def __init__(self, city: City) -> None:
        self._url = f"http://127.0.0.1:{city.web}/api/"
        self._token = (city.folder / "token.queue").read_text().strip()

    def tells(self, *told: dict[str, Any], what: str = "visits") -> dict[str, Any]:
        return self._ask(what, json.dumps(told).encode())

    def sees(self) -> dict[str, Any]:
        return self._ask("duty", None)

    def _ask(self, what: str, body: bytes | None) -> dict[str, Any]:
        request = urllib.request.Request(self._url + what, body, {"Authorization": f"Bearer {self._token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@pytest.fixture
def city(make_mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Iterator[City]:
    # Visits are of a day, and a sign-in of a minute ago ends with its day.
    midnight.let_it_pass(LONG_S, MINUTE_MS / 1000)
    made = City(tmp_path / "city", make_mosquitto(), 1)
    may = ["visits", "duty"]
    add_source(made.folder / "visits.toml", "queue_np", ["np-h1"], made.folder / "token.queue", tells=may)
    made.config.write_text(made.config.read_text() + '[visits]\nsources = "visits.toml"\n')
    made.start()
    yield made
    made.close()


def test_visit_invites_its_rating_and_the_unrated_are_counted(city: City) -> None:
    (box,) = city.boxes
    until("the box has found the collector", lambda: box.heard("ack"))
    queue, ear = Queue(city), Ear(city.broker.port, "manyi/1/+/prompt")
    now_ms = time.time_ns() // 1_000_000
    one = {"id": "A001", "window": WINDOW, "finished_ms": now_ms, "business": 12, "prompt": True}
    assert queue.tells(one)["taken"] == 1
    with closing(ear):
        topic, told = ear.next()
    assert (topic, told["biz"]) == ("manyi/1/sim-001/prompt", 12)
    publish(city.broker.port, topic, '{"v":1,"visit":"none","biz":1}')
    until("the box has heard of it, as of what came next", lambda: box.heard("refused"))
    box.tap(1)
    assert queue.tells(one, {"id": "A002", "window": WINDOW, "finished_ms": now_ms}) == {
        "taken": 1, "repeated": 1, "refused": [],
    }  # fmt: skip

    def total() -> dict[str, Any]:
        found: dict[str, Any] = city.get("/api/wall")["total"]
        return found

    until("the wall has both visits and the rating", lambda: total().get("visits") == 2 and total()["n"] == 1)
    until("one is unrated", lambda: total()["unrated"] == 1)
    assert (total()["rating_rate"], total()["surplus"]) == (0.5, 0)
    with closing(stores.open_reader(city.folder / "data" / "ratings.db")) as conn:
        rating = conn.execute("SELECT prompted, visit, biz FROM rating").fetchall()
    assert rating == [(1, visits.key("queue_np", "A001"), 12)]


def test_rating_is_whose_the_system_says_and_a_correction_moves_it_with_a_trail(city: City) -> None:
    (box,) = city.boxes
    until("the box has found the collector", lambda: box.heard("ack"))
    queue = Queue(city)
    from_ms = time.time_ns() // 1_000_000 - MINUTE_MS  # however late the box was told what time it is
    one = {"id": "S1", "window": WINDOW, "staff": FIRST, "from_ms": from_ms}
    assert queue.tells(one, what="duty")["taken"] == 1
    box.tap(1)

    def whose(table: str = "rating") -> list[tuple[str, int]]:
        with closing(stores.open_reader(city.folder / "data" / "ratings.db")) as conn:
            return conn.execute(f"SELECT staff, version FROM {table}").fetchall()

    until("the rating is whose the system says", lambda: whose() == [(FIRST, 1)])
    assert queue.sees()["now"] == {WINDOW: FIRST}
    assert queue.tells(one | {"rev": 1, "staff": SECOND}, what="duty")["taken"] == 1
    until("the correction has moved it", lambda: whose() == [(SECOND, 2)])
    assert whose("version") == [(FIRST, 1)], "what was known before can be had"
    assert queue.tells(one, what="duty")["repeated"] == 1, "the older word, told again"
    assert [(d["id"], d["rev"], d["staff"]) for d in queue.sees()["duty"]] == [("S1", 1, SECOND)]
    assert "相符" in city.manyi("verify").stdout
