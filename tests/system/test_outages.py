"""What happens when a part is away for long, comes back with less, or lies."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.services.influx import Influx
from tests.system import flashread
from tests.system.city import City, SimBox, until
from tests.system.wiretap import Echo, publish

SMALL_KIB = 16  # four blocks: a ring that is full after some 200 records
MANY = 240  # presses, more than that
OFTEN = {"beat_s": 2}  # with each beat a box asks the collector where it is

pytestmark = pytest.mark.slow

MakeCity = Callable[..., City]


def backup(city: City, name: str) -> None:
    with (
        closing(sqlite3.connect(city.ledger_file)) as live,
        closing(sqlite3.connect(city.folder / name)) as copy,
    ):
        live.backup(copy)


def put_back(city: City, name: str) -> None:
    for tail in ("", "-wal", "-shm"):
        city.ledger_file.with_name("ledger.db" + tail).unlink(missing_ok=True)
    shutil.copy(city.folder / name, city.ledger_file)


def account(city: City) -> dict[str, int]:
    done = city.manyi("account", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    total: dict[str, int] = json.loads(done.stdout)["total"]
    return total


def test_collector_away_for_an_hour_of_presses(make_city: MakeCity, influx: Influx) -> None:
    city = make_city(boxes=2, influx=influx)
    city.collector.kill()
    for level in (1, 1, 2, 1, 3) * 12:  # 60 presses: an hour of a busy window
        city.tap(level)
    assert city.ledger() == []
    city.collector.start()
    city.settle()


def test_ledger_replaced_by_yesterdays_backup(make_city: MakeCity, influx: Influx) -> None:
    city = make_city(boxes=2, influx=influx, **OFTEN)
    city.tap(1)
    city.settle()
    backup(city, "yesterday.db")
    for level in (3, 2, 1):
        city.tap(level)
    city.settle()
    city.collector.stop()
    put_back(city, "yesterday.db")
    assert len(city.ledger()) == 2
    city.collector.start()
    city.settle()  # nobody presses: the boxes notice by themselves
    assert account(city)["lost"] == 0


def test_what_a_backup_lost_and_no_box_has_any_more_is_a_loss_row(make_city: MakeCity) -> None:
    city = make_city(boxes=2, flash_kib=SMALL_KIB, **OFTEN)
    box, other = city.boxes
    box.tap(1)
    other.tap(1)
    city.settle()
    backup(city, "yesterday.db")
    press_many(box, MANY)  # more than the ring holds, so the oldest are gone although nobody gave up anything
    until("all are stored", lambda: len(city.ledger()) == MANY + 2)
    city.collector.stop()
    put_back(city, "yesterday.db")
    city.collector.start()
    held = city.truth()
    until("the boxes have filled it again", lambda: held <= set(city.ledger()))
    losses = rows(city, "loss")
    assert len(losses) == 1
    assert sum(losses[0]["lost"]) == MANY + 2 - len(city.ledger())
    total = account(city)
    assert (total["pressed"], total["stored"] + total["lost"]) == (MANY + 2, MANY + 2)
    assert total["lost"] > 0
    assert total["lost_centre"] == total["lost"], "the box was told that it was stored"


def test_journal_that_runs_full_admits_its_loss(make_city: MakeCity, influx: Influx) -> None:
    city = make_city(boxes=2, influx=influx, flash_kib=SMALL_KIB)
    full, other = city.boxes
    full.tap(1)
    other.tap(1)
    city.settle()
    city.collector.kill()
    other.tap(2)
    pressed = press_many(full, MANY)
    pressed[0] += 1
    city.collector.start()
    kept = city.truth()  # not counted: the ledger has presses that the ring has dropped
    until("what is left arrives", lambda: kept <= set(city.ledger()))
    until("the wall shows it", lambda: city.shown() == len(city.ledger()))
    total = account(city)
    assert total["pressed"] == MANY + 3
    assert total["lost"] == MANY + 3 - len(city.ledger()) > 0
    admitted = [sum(loss["lost"][i] for loss in rows(city, "loss")) for i in range(3)]
    stored = [sum(1 for p in city.ledger() if p[0] == full.name and p[3] == i) for i in (1, 2, 3)]
    assert [a + s for a, s in zip(admitted, stored, strict=True)] == pressed, "exact per colour"
    done = city.manyi("verify", "--keys", str(city.folder / "auditor.keys"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_cloned_box_is_kept_alarmed_and_not_rated(make_city: MakeCity) -> None:
    city = make_city(boxes=2)
    box, other = city.boxes
    box.tap(1)
    other.tap(1)
    city.settle()
    clone = city.clone(box)
    box.tap(3)
    city.settle()
    clone.start()
    clone.tap(1)
    clone.tap(2)
    until("the clone's presses are kept", lambda: len(city.ledger(branch=1)) == 2)
    box.tap(3)  # the real one is undisturbed, with the clone still there
    until("the real one goes on", lambda: len(city.ledger()) == 4)
    until("rated are only the real one's", lambda: city.shown() == 4)
    until(
        "the wall says so at its next look",
        lambda: ("fork", box.name) in {(a["kind"], a["box"]) for a in city.get("/api/wall")["alarms"]},
    )
    assert [fork["of"] for fork in rows(city, "fork")] == [0]
    assert city.shown() == 4, "and it stays so"
    clone.kill()
    assert city.lit() == city.truth() == set(city.ledger())


def test_wiped_box_begins_a_new_life_and_the_old_one_is_not_zero(make_city: MakeCity) -> None:
    city = make_city(boxes=2)
    box = city.boxes[0]
    box.tap(1)
    city.settle()
    city.collector.kill()
    box.tap(2)
    box.tap(3)
    box.kill()
    box.image.unlink()
    box.start()
    box.tap(1)
    city.collector.start()
    until("the new life is stored", lambda: len({(p[0], p[1]) for p in city.ledger()}) == 2)
    done = city.manyi("account", "--json")
    lost_life = next(b for b in json.loads(done.stdout)["boxes"] if b["box"] == box.name)
    assert lost_life["unknown"] >= 2, "what the box held is unknown, never zero"


def test_box_that_lies_about_its_identity(make_city: MakeCity) -> None:
    city = make_city(boxes=2)
    victim, liar = city.boxes
    victim.tap(1)
    liar.tap(1)
    city.settle()
    liar.kill()
    liar.facts["box"] = victim.name  # another's topic, its own key
    liar.start()
    liar.say("tap 3 60")
    until("it is kept aside", lambda: "mac" in asides(city))
    victim.tap(2)
    until("the victim goes on", lambda: len(city.ledger()) == 3)
    assert not [p for p in city.ledger() if p[3] == 3]


def test_forged_acknowledgement_frees_nothing(make_city: MakeCity) -> None:
    city = make_city(boxes=1)
    box = city.boxes[0]
    until("the box has found the collector", lambda: box.heard("ack"))
    city.collector.kill()
    box.tap(3)
    life, seq, _ = next(iter(box.lights))
    tag = next(r.tag for r in flashread.records(box.image) if r.seq == seq)
    forged = f'{{"v":1,"life":"{life}","seq":{seq},"tag":"{tag}","boot":1,"up_ms":1,"now":1795000000000,"mac":"{"0" * 32}"}}'
    publish(city.broker.port, f"manyi/1/{box.name}/ack", forged)
    until("the box refuses it", lambda: box.heard("refused"))
    before = box.heard("ack")  # those that were on their way when the collector was killed
    box.tap(2)
    assert box.heard("ack") == before
    city.collector.start()
    city.settle()


def test_message_delivered_twice_and_out_of_order(make_city: MakeCity, influx: Influx) -> None:
    """A malicious broker's bridge: every batch comes again, later, and in the wrong order."""
    city = make_city(boxes=2, influx=influx)
    with Echo(city.broker.port):
        for level in (1, 2, 3, 1, 2, 3):
            for box in city.boxes:
                box.tap(level)
        city.settle()
    assert len(city.truth()) == 12


def rows(city: City, kind: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{city.ledger_file}?mode=ro", uri=True)) as conn:
        return [
            json.loads(body)
            for (body,) in conn.execute("SELECT body FROM row WHERE kind = ? ORDER BY id", (kind,))
        ]


def asides(city: City) -> str:
    with closing(sqlite3.connect(f"file:{city.ledger_file}?mode=ro", uri=True)) as conn:
        return " ".join(why for (why,) in conn.execute("SELECT why FROM aside"))


def press_many(box: SimBox, count: int) -> list[int]:
    """Presses as fast as the box lights; how many of each level."""
    pressed = [0, 0, 0]
    for i in range(count):
        level = (1, 1, 2, 1, 3)[i % 5]
        box.tap(level)
        pressed[level - 1] += 1
    return pressed
