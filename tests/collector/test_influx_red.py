"""Dissatisfied ratings, alarms, the collector and certificates on a real influxd: as the ledger has them, whatever is
corrected, moved, renamed, marked, lost and rebuilt."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import pytest
from manyi.broker import ca
from manyi.core import config, known, projector, stores
from manyi.core.checking import Checking
from manyi.core.duty.intake import Intake
from manyi.core.influx.red import REASONS
from manyi.core.pipeline import unix_ms
from manyi.core.ratings.rating import Rating
from manyi.core.roster.model import Leader, Roster
from manyi.core.roster.names import named
from manyi.core.roster.rows import fact_rows
from manyi.core.told.sources import Source
from manyi.core.workings import Workings

from tests.collector.paper_ledger import LIFE, MINUTE, office, placed
from tests.collector.test_influx_whole import LONG_S, NOON, Whole, whole

__all__ = ["whole"]  # a fixture

HOUR = 60 * MINUTE
FIELDS = (
    "hall_name", "hall_name_en", "window_name", "window_name_en", "phone", "leader", "leader_phone", "reason",
    "known", "known_ms", "known_by", "flagged",
)  # fmt: skip


def a_week(whole: Whole) -> None:
    """Reds with and without a reason, at a window and at none, by day and by leader."""
    whole.history()
    hall = (
        "office",
        {"id": "h2", "tier": "hall", "parent": "t2", "zh": '二号"大厅', "en": "Hall 2", "tel": "0531-2"},
    )
    whole.ledger.fact(
        hall,
        ("leader", {"hall": "h2", "from_ms": 0, "to_ms": None, "zh": "李主任", "tel": "1390000"}),
        ("leader", {"hall": "h2", "from_ms": NOON + 10 * MINUTE, "to_ms": None, "zh": "王主任", "tel": "1380000"}),
        at_ms=NOON + 2,
    )  # fmt: skip
    whole.ledger.clock("box-8", 0, NOON, NOON)
    whole.ledger.press("box-8", MINUTE, 3, NOON + MINUTE)
    whole.ledger.press("box-8", MINUTE + 900, 2, NOON + MINUTE, reason=2)


def expected(whole: Whole, told: Leader | None = None) -> dict[tuple[str, ...], dict[str, Any]]:
    """`told`: whom a system has in charge of h2 since noon."""
    with sqlite3.connect(whole.ledger.path) as conn:
        roster = Roster.from_facts(fact_rows(conn))
    conn.close()
    return {
        _at(r): _fields(r, roster, told if told and r.hall == "h2" and r.time_ms >= NOON else None)
        for r in whole.ratings()
        if r.level == 3
    }


def _at(r: Rating) -> tuple[str, ...]:
    return (str(r.time_ms), r.county or "-", r.township or "-", r.hall or "-", r.window or "-", r.box)


def _fields(r: Rating, roster: Roster, told: Leader | None) -> dict[str, Any]:
    hall, window = roster.units.get(r.hall), roster.units.get(r.window)
    leader = told or roster.leader(r.hall, r.time_ms)
    said = (
        *(named(roster, r.hall) if hall else ("", "")), window.zh if window else "",
        window.en if window else "", hall.tel if hall else "", leader.zh if leader else "",
        leader.tel if leader else "", REASONS.get(r.reason, ""), int(bool(r.known_ms)), r.known_ms,
        r.known_role, int(r.flags > 0),
    )  # fmt: skip
    return dict(zip(FIELDS, said, strict=True))


def reds(whole: Whole) -> dict[tuple[str, ...], dict[str, Any]]:
    rows = whole.ask("manyi_wall", "SELECT * FROM red WHERE live = 1")
    tags = ("county", "township", "hall", "window", "box")
    return {(str(r["time"]), *(r[t] for t in tags)): {f: r[f] for f in FIELDS} for r in rows}


def test_reds_are_the_ledgers_through_corrections_moves_marks_and_any_loss(whole: Whole) -> None:
    a_week(whole)
    whole.rebuild()
    assert reds(whole) == expected(whole)
    said = list(reds(whole).values())
    assert {r["leader"] for r in said} == {"", "李主任", "王主任"}
    assert {r["reason"] for r in said} >= {""}
    lines = {r["text_zh"]: r["text_en"] for r in whole.ask("manyi_wall", "SELECT * FROM red WHERE live = 1")}
    assert '未知悉　c2二号"大厅 w3　0531-2 李主任 1390000' in lines
    assert lines['未知悉　c2二号"大厅 w3　0531-2 李主任 1390000'].startswith("Not seen - C2, Hall 2, W3 - ")
    assert lines["未知悉　未分配 box-8（效率）"] == "Not seen - Unassigned, box-8 (speed)"
    assert all(r["leader_phone"] in "".join(lines) for r in said)

    whole.ledger.press("box-3", 30 * MINUTE + 1_000, 1, NOON + 31 * MINUTE)  # corrected away
    whole.ledger.fact(placed("box-3", "w1", NOON + 5 * MINUTE), at_ms=NOON + 3)  # moved
    whole.ledger.fact(office("window", "w3", "h2", "三号窗口"), at_ms=NOON + 4)  # renamed
    seq = next(r.seq for r in whole.ratings() if r.level == 3 and r.box == "box-3")
    known.mark(whole.ledger.path, "box-3", LIFE, seq, "值班员甲", NOON + HOUR, role="centre")
    seq = next(r.seq for r in whole.ratings() if r.level == 3 and r.box == "box-8")
    known.mark(whole.ledger.path, "box-8", LIFE, seq, "周建国", NOON + HOUR)
    step_by_step(whole)
    followed = reds(whole)
    assert followed == expected(whole)
    assert sorted(r["known_by"] for r in followed.values() if r["known"]) == ["", "centre"]
    every = str(whole.ask("manyi_wall", "SELECT * FROM red"))
    assert "周建国" not in every, "what somebody typed stays in the ledger"
    assert "值班员甲" not in every
    assert "三号窗口" in {r["window_name"] for r in followed.values()}
    for seen in whole.ask("manyi_wall", "SELECT text_zh, text_en FROM red WHERE live = 1 AND known = 1"):
        assert (seen["text_zh"][:3], seen["text_en"][:4]) == ("已知悉", "Seen")

    told = {"id": "L1", "hall": "h2", "name": "赵主任", "telephone": "1370000", "from_ms": NOON}
    system = Source("hr_city", "0" * 64, tells=frozenset({"leaders"}))
    with closing(Intake(whole.folder)) as intake:
        assert intake.take(system, json.dumps(told).encode(), NOON + HOUR).taken == 1
    zhao = Leader("赵主任", "1370000")
    step_by_step(whole, zhao)
    followed = reds(whole)
    assert followed == expected(whole, zhao)
    assert {r["leader"] for r in followed.values()} == {"", "赵主任"}

    whole.drop("manyi_wall")
    (whole.folder / "influx_red.db").unlink()
    whole.init()
    whole.rebuild()
    assert reds(whole) == followed
    assert whole.ask("manyi_wall", "SELECT live FROM red WHERE live = 0") == []


def step_by_step(whole: Whole, told: Leader | None = None) -> None:
    """As the service follows, not as a rebuild does."""
    stop, wake = Event(), Event()
    thread = Thread(target=projector.run, args=(stop, wake, whole.config))
    thread.start()
    try:
        deadline = time.monotonic() + LONG_S
        while reds(whole) != expected(whole, told):
            assert time.monotonic() < deadline, (reds(whole), expected(whole, told))
            time.sleep(0.1)
    finally:
        stop.set()
        wake.set()
        thread.join(LONG_S)


@pytest.fixture
def served(whole: Whole) -> Iterator[Whole]:
    """The projector beside a service that began a minute ago, with a root of 40 days and a rotten certificate."""
    ca.create(whole.folder / "ca", "test", ["broker.example"], None, _now())
    ca.issue(whole.folder / "ca", ["broker.example"], whole.folder / "server", None, _now())
    rotten = whole.folder / "rotten.pem"
    rotten.write_text("nothing")
    named = (
        ("ca", whole.folder / "ca"),
        ("broker", whole.folder / "server" / "server.pem"),
        ("box", rotten),
    )
    whole.config = replace(
        whole.config, certificates=named, alarms=config.Alarms(certificate_days=400, red_minutes=15)
    )
    workings = Workings(started_ms=unix_ms() - MINUTE)
    workings.fails("influx day", "it is away", unix_ms() - HOUR)
    stop, wake = Event(), Event()
    thread = Thread(target=projector.run, args=(stop, wake, whole.config, workings))
    thread.start()
    yield whole
    stop.set()
    wake.set()
    thread.join(LONG_S)
    assert not thread.is_alive()


def _now() -> Any:
    from datetime import UTC, datetime  # noqa: PLC0415

    return datetime.now(UTC)


def test_alarms_the_collector_and_certificates_are_points_of_the_wall(served: Whole) -> None:
    served.history()
    checking = Checking(served.config.data)
    while not checking.slice(served.ledger.conn):
        pass  # the hashes of a ledger on paper are no chain
    deadline = time.monotonic() + LONG_S
    while not served.ask("manyi_wall", "SELECT last(up_ms) FROM collector"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    (line,) = served.ask("manyi_wall", "SELECT * FROM collector WHERE up_ms > 0 ORDER BY time DESC LIMIT 1")
    assert line["up_ms"] >= MINUTE
    assert line["ledger_bytes"] > 0
    assert 0 < line["disk_free_ratio"] <= 1
    for name in ("records", "batches", "aside", "queue", "live_lag_ms", "disk_free_bytes"):
        assert line[name] >= 0
    lags = {
        r["feed"]: r
        for r in served.ask(
            "manyi_wall", "SELECT last(lag) AS lag, last(failing) AS failing FROM collector GROUP BY feed"
        )
        if r["feed"]
    }
    assert {"ratings", "wall", "influx", "influx wall", "influx red", "influx rollup", "influx day"} <= set(
        lags
    )
    ends = {
        r["name"]: r["days_left"]
        for r in served.ask(
            "manyi_wall", 'SELECT last(days_left) AS days_left FROM certificate GROUP BY "name"'
        )
    }
    assert ends.keys() >= {"ca", "broker", "ca:broker.example"}
    assert ends["broker"] == ends["ca:broker.example"] > 0

    asked = (
        "SELECT last(active) AS active, last(text_zh) AS text, last(since_ms) AS since FROM alarm"
        ' GROUP BY kind, subject, county, "name", name_en'
    )
    while True:
        now = {(r["kind"], r["subject"]): r for r in served.ask("manyi_wall", asked)}
        if {("certificate", "box"), ("chain", "-")} <= now.keys():
            break
        assert time.monotonic() < deadline, now
        time.sleep(0.2)
    assert now["certificate", "box"]["active"] == now["chain", "-"]["active"] == 1
    assert "行与写入时不符" in now["chain", "-"]["text"]
    assert "读不出来" in now["certificate", "box"]["text"]
    wall = stores.open_reader(served.config.data.wall)
    told = stores.get(wall, "health")
    wall.close()
    assert '"kind": "certificate", "subject": "box"' in told
