"""More alarms than a screen holds: none is lost before somebody's own part of the city is cut out, or told as over."""

import json
import re
from typing import Any

import pytest
from manyi.core.alarms.kinds import RANK
from manyi.core.config import Alarms
from manyi.core.influx.watch import Watch
from manyi.core.influx.writer import Accepted
from manyi.core.wall.health import EVENTS_MOST, Health
from manyi.core.workings import Workings
from manyi.office.access.narrow import ALARMS_MOST, Around, framed, narrow
from manyi.office.access.scope import EVERYBODY, Role, Scope

from tests.collector.paper_ledger import MINUTE, NOON, begin, office, placed
from tests.collector.test_wall import Screen, screen

__all__ = ["screen"]  # a fixture
SILENT_MS = 180_000
HALLS, BIG = 60, 57  # all but three lie in the big county
LATER = NOON + 20 * MINUTE
SILENT = 20


@pytest.fixture
def busy(screen: Screen) -> Screen:
    """Sixty halls with three boxes each: in every one a red that nobody has seen, in twenty a box that is silent."""
    facts = [office("county", "big", zh="大县"), office("county", "small", zh="小县")]
    for h in range(HALLS):
        facts.append(office("hall", f"h{h}", "big" if h < BIG else "small"))
        for w in range(3):
            facts += [office("window", f"h{h}w{w}", f"h{h}"), placed(f"b{h}-{w}", f"h{h}w{w}")]
    screen.ledger.fact(*facts)
    begin(screen.ledger.conn)
    for h in range(HALLS):
        screen.ledger.clock(f"b{h}-0", 1_000, NOON)
        screen.ledger.press(f"b{h}-0", 2_000, 3)
        for w in range(3):
            is_silent = w == 1 and h >= HALLS - SILENT
            said = (f"b{h}-{w}", NOON if is_silent else LATER, 1)
            screen.ledger.conn.execute("INSERT INTO state VALUES (?, ?, ?, '1.0.0', 'x', 1, 1)", said)
    screen.ledger.conn.execute("COMMIT")
    return screen


def picture(screen: Screen, now_ms: int = LATER) -> dict[str, Any]:
    """The wall's snapshot after one look."""
    screen.follow()
    health = Health(
        screen.ledger.conn, screen.source, screen.conn, SILENT_MS, alarms=Alarms(), workings=Workings()
    )
    screen.wall.tell(health=json.dumps(health.look(screen.wall.roster, now_ms)))
    return screen.show(now_ms)


def around(screen: Screen) -> Around:
    roster = screen.wall.roster
    places = {box: roster.where(box, LATER) for box in roster.boxes}
    return Around({box: (place.county, place.hall) for box, place in places.items()}, [])


def kinds(alarms: list[dict[str, Any]]) -> dict[str, int]:
    return {kind: sum(a["kind"] == kind for a in alarms) for kind in {a["kind"] for a in alarms}}


def test_every_alarm_is_known_and_a_screen_says_how_many_it_does_not_show(busy: Screen) -> None:
    whole = picture(busy)
    assert kinds(whole["alarms"]) == {"unacknowledged": HALLS, "silent": SILENT}
    shown = framed(narrow(whole, EVERYBODY, around(busy)))
    assert kinds(shown["alarms"]) == {"unacknowledged": ALARMS_MOST}
    assert shown["alarms_more"] == HALLS + SILENT - ALARMS_MOST
    ranks = [RANK[a["kind"]] for a in whole["alarms"]]
    assert ranks == sorted(ranks), "what is cut is what matters least"


def test_a_small_county_sees_its_own_however_many_the_others_have(busy: Screen) -> None:
    scope = Scope(Role.county, county="small")
    shown = framed(narrow(picture(busy), scope, around(busy)))
    assert kinds(shown["alarms"]) == {"unacknowledged": 3, "silent": 3}
    assert shown["alarms_more"] == 0
    big = framed(narrow(picture(busy), Scope(Role.county, county="big"), around(busy)))
    assert (len(big["alarms"]), big["alarms_more"]) == (ALARMS_MOST, BIG + SILENT - 3 - ALARMS_MOST)
    assert {a["county"] for a in big["alarms"]} == {"big"}


def test_a_hall_sees_its_own(busy: Screen) -> None:
    shown = framed(narrow(picture(busy), Scope(Role.hall_leader, hall="h59"), around(busy)))
    assert [(a["kind"], a["subject"]) for a in shown["alarms"]] == [
        ("unacknowledged", "h59"),
        ("silent", "b59-1"),
    ]


def test_a_box_that_keeps_losing_presses_pushes_nobody_else_s_out(screen: Screen) -> None:
    screen.ledger.fact(office("county", "c1"), office("hall", "h1", "c1"), office("window", "w1", "h1"))
    screen.ledger.fact(placed("b1", "w1"), placed("b2", "w1"))
    screen.ledger.note("loss", "b2", b'{"from":1,"to":9,"lost":[5,1,2]}')
    begin(screen.ledger.conn)
    for n in range(1, 80):
        screen.ledger.note("loss", "b1", json.dumps({"from": n, "to": n, "lost": [n, 0, 0]}).encode())
    screen.ledger.conn.execute("COMMIT")
    for badge in range(20):
        screen.ledger.duty("b1", 1_000 + badge, f"dead{badge:04x}", NOON)
    screen.ledger.clock("b1", 2_000, NOON)
    losses = [a for a in picture(screen)["alarms"] if a["kind"] == "loss"]
    assert [a["box"] for a in losses].count("b2") == 1
    newest = [f"丢失按键 {n} 次" for n in range(79, 79 - EVENTS_MOST, -1)]
    mine = [a["text_zh"] for a in losses if a["box"] == "b1"]
    assert len(mine) == EVENTS_MOST
    assert all(any(word in text for text in mine) for word in newest)
    badges = [a for a in picture(screen)["alarms"] if a["kind"] == "badge"]
    assert len(badges) == EVENTS_MOST


class Listener:
    """A server that keeps what it is told of alarms: active or not, by kind and subject."""

    def __init__(self) -> None:
        self.active: dict[tuple[str, ...], str] = {}

    def write(self, lines: list[str]) -> Accepted:
        for line in lines:
            if line.startswith("alarm,"):
                (active,) = re.findall(r"(?<!\\) (active=\di),", line)
                self.active[tuple(line.split(",")[1:3])] = active
        return Accepted(len(lines))


def test_influx_hears_of_every_alarm_and_of_none_that_holds_that_it_is_over(busy: Screen) -> None:
    heard = Listener()
    now_ms = LATER
    watch = Watch(
        busy.ledger.conn, busy.source, busy.conn, heard, lambda: now_ms, ledger_path=busy.ledger.path,  # type: ignore[arg-type]
        named=(), lags={}, workings=Workings(),
    )  # fmt: skip
    for _ in range(2):
        picture(busy, now_ms)
        watch.step()
        assert len(heard.active) == HALLS + SILENT
        assert set(heard.active.values()) == {"active=1i"}
        for h in range(HALLS):  # a disaster more: everything else moves down
            busy.ledger.press(f"b{h}-0", 60_000, 3, now_ms)
        now_ms += MINUTE
