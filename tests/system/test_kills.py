"""Anything may be killed at any time, and no figure changes: pressed == ledger == InfluxDB == wall."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.influx import Influx
from tests.system.city import City, until

SEED = 20261121
KILLS = 30
pytestmark = pytest.mark.slow

MakeCity = Callable[..., City]


def test_box_killed_in_mid_press(make_city: MakeCity, influx: Influx) -> None:
    city, dice = make_city(boxes=2, influx=influx), random.Random(SEED)
    for _ in range(8):
        for box in city.boxes:
            box.say(f"tap {dice.randint(1, 3)} 40")
        time.sleep(dice.uniform(0, 0.06))  # anywhere between the key and its light
        for box in city.boxes:
            box.restart()
    city.boxes[0].tap(1)
    city.settle()
    assert city.lit()


def test_mosquitto_killed(make_city: MakeCity, influx: Influx) -> None:
    city = make_city(boxes=2, influx=influx)
    for round_no in range(4):
        for box in city.boxes:
            box.tap(1)
        city.broker.kill()
        for box in city.boxes:
            box.tap(3)
        if round_no % 2:
            for box in city.boxes:
                box.restart()
        city.broker.start()
        for box in city.boxes:
            box.tap(2)
    city.settle()
    assert len(city.lit()) == 4 * 2 * 3


def test_collector_dies_between_commit_and_ack(make_city: MakeCity, influx: Influx) -> None:
    city = make_city(boxes=2, influx=influx)
    city.boxes[0].tap(1)
    city.settle()
    mark = city.folder / "died"
    city.serve_with(Path(__file__).parent / "serve_and_die.py", "1", str(mark))
    city.collector.start()
    for box in city.boxes:
        box.tap(3)
    until("the collector dies after its commit", lambda: not city.collector.running)
    assert mark.exists()
    stored = len(city.ledger())
    assert stored > 1, "the commit came before the death"
    for box in city.boxes:
        box.tap(2)
    city.collector.start()
    city.settle()


def test_influxd_killed_and_frozen(make_city: MakeCity, own_influx: Influx) -> None:
    city = make_city(boxes=2, influx=own_influx)
    for level in (1, 2, 3):
        own_influx.kill()
        for box in city.boxes:
            box.tap(level)
        until("the wall goes on without InfluxDB", lambda: city.shown() == len(city.truth()))
        own_influx.start()
        own_influx.freeze()
        city.boxes[0].tap(1)
        own_influx.thaw()
    city.settle()


def test_everything_killed_at_random(make_city: MakeCity, own_influx: Influx) -> None:
    """At least 30 kills with a fixed seed, presses going on all the time."""
    city, dice = make_city(boxes=4, influx=own_influx), random.Random(SEED)
    victims = [
        *(box.restart for box in city.boxes),
        city.broker.restart,
        city.collector.restart,
        own_influx.restart,
    ]
    for _ in range(KILLS):
        for _ in range(dice.randint(0, 4)):
            dice.choice(city.boxes).say(f"tap {dice.randint(1, 3)} 30")
            time.sleep(dice.uniform(0, 0.05))
        dice.choice(victims)()
    for box in city.boxes:
        box.tap(1)
    city.settle(180)
    assert len(city.truth()) > len(city.boxes), "presses in between, too"
