"""Anything may be published on any topic: the collector stays up, counts it, keeps it aside, and nobody else notices."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from manyi.core.inbox import BOX_BURST

from tests.system.city import City, until
from tests.system.wiretap import Speaker

pytestmark = pytest.mark.slow

NAMES = st.sampled_from(["record", "state", "beat", "reply", "ack", "config", "cmd", "prompt", "nonsense"])
BOXES = st.sampled_from(["sim-001", "sim-999", "UPPER", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
ENVELOPE = st.fixed_dictionaries(
    {
        "v": st.integers(0, 2), "life": st.text("0123456789abcdefg", min_size=15, max_size=17), "boot": st.integers(-1, 70000),
        "up_ms": st.integers(-1, 2**65), "base": st.integers(-1, 9), "first": st.integers(-1, 9), "prev": st.just("0" * 16),
        "depth": st.integers(-1, 2**33), "records": st.lists(JSON, max_size=3), "mac": st.just("0" * 32),
    }
)  # fmt: skip
PAYLOADS = (
    st.binary(max_size=200)
    | JSON.map(lambda tree: json.dumps(tree).encode())
    | ENVELOPE.map(lambda tree: json.dumps(tree, separators=(",", ":")).encode())
    | st.integers(4000, 9000).map(lambda n: b"x" * n)
)


def test_garbage_on_every_topic(make_city: Callable[..., City]) -> None:
    city = make_city(boxes=2)
    with Speaker(city.broker.port) as speaker:

        @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(BOXES, NAMES, PAYLOADS)
        def shout(box: str, name: str, payload: bytes) -> None:
            speaker.say(f"manyi/1/{box}/{name}", payload)

        shout()
    for box in city.boxes:
        box.tap(3)
    city.settle()
    assert city.collector.running
    until("what could not be read is kept", lambda: kept(city) > 50)


def test_flood_of_one_topic_does_not_hold_the_others_up(make_city: Callable[..., City]) -> None:
    city = make_city(boxes=2)
    over = threading.Event()
    said = 0

    def flood() -> None:
        nonlocal said
        with Speaker(city.broker.port) as speaker:
            while not over.is_set():
                speaker.say("manyi/1/sim-001/record", b"%d" % said)
                said += 1

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        until("the flood is beyond every measure", lambda: said > 3 * BOX_BURST)
        city.boxes[1].tap(1)
        until("a press passes while it goes on", lambda: city.shown() == 1)
        assert flooding.is_alive()
    finally:
        over.set()
        flooding.join()
    city.settle()


def kept(city: City) -> int:
    with closing(sqlite3.connect(f"file:{city.ledger_file}?mode=ro", uri=True)) as conn:
        return int(conn.execute("SELECT count(*) FROM aside").fetchone()[0])
