"""The golden vectors, as the collector reads them and writes them. It must agree byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from manyi.core import record, wire
from manyi.core.orders.bundle import pack
from manyi.core.wire import Batch, Beat, Fetch, Reply, State, write_chunk

HERE = Path(__file__).parent


def load(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


KEYS = load("keys")
BOX, LIFE = KEYS["box"], KEYS["life"]
K_LINK, K_CHAIN = bytes.fromhex(KEYS["k_link"]), bytes.fromhex(KEYS["k_chain"])


class Keys:
    def link(self, box: str) -> bytes | None:
        return K_LINK if box == BOX else None


def read(vector: Any) -> wire.Message:
    return wire.decode(vector["topic"], vector["payload"].encode(), Keys())


@pytest.mark.parametrize("vector", load("records"), ids=lambda v: f"seq{v['fields']['seq']}")
def test_record_is_packed_unpacked_and_tagged(vector: Any) -> None:
    f = vector["fields"]
    packed = bytes.fromhex(vector["packed"])
    r = record.unpack(packed)
    assert record.pack(r) == packed
    assert (r.seq, r.fmt, r.kind, r.boot, r.up_ms) == (f["seq"], f["fmt"], f["kind"], f["boot"], f["up_ms"])
    assert (list(r.n), r.level, r.reason) == (f["n"], f["level"], f["reason"])
    assert (r.held, r.flags, r.data) == (f["held"], f["flags"], bytes.fromhex(f["data"]).ljust(20, b"\0"))
    assert record.next_tag(K_CHAIN, bytes.fromhex(vector["prev"]), packed).hex() == vector["tag"]


def test_first_tag_of_a_life() -> None:
    assert record.first_tag(K_CHAIN, BOX, LIFE).hex() == KEYS["first_tag"]


@pytest.mark.parametrize("name", load("record"))
def test_batch_is_read_to_the_packed_bytes(name: str) -> None:
    vector = load("record")[name]
    batch = read(vector)
    assert isinstance(batch, Batch)
    assert (batch.box, batch.life, batch.boot, batch.up_ms) == (BOX, LIFE, vector["boot"], vector["up_ms"])
    assert (batch.base, batch.first, batch.depth) == (vector["base"], vector["first"], vector["depth"])
    assert batch.prev.hex() == vector["prev"]
    assert [r.packed.hex() for r in batch.records] == [r["packed"] for r in vector["records"]]
    assert [r.tag.hex() for r in batch.records] == [r["tag"] for r in vector["records"]]


@pytest.mark.parametrize("name", load("ack"))
def test_ack_is_written_byte_for_byte(name: str) -> None:
    vector = load("ack")[name]
    f = vector["fields"]
    batch = Batch(BOX, f["life"], f["boot"], f["up_ms"], 1, 1, bytes(8), 0, ())
    topic, payload = wire.write_ack(batch, K_LINK, f["seq"], bytes.fromhex(f["tag"]), f["now"])
    assert (topic, payload.decode()) == (vector["topic"], vector["payload"])


@pytest.mark.parametrize("name", load("beat"))
def test_beat_is_read(name: str) -> None:
    vector = load("beat")[name]
    beat = read(vector)
    assert isinstance(beat, Beat)
    for field, value in vector["fields"].items():
        found = getattr(beat, field)
        assert (list(found) if isinstance(found, tuple) else found) == value, field


def test_states_are_read() -> None:
    vectors = load("state")
    assert read(vectors["online"]) == State(BOX, True, "1.0.0", LIFE, 1, 1)
    assert read(vectors["offline"]) == State(BOX, False)


def test_reply_is_read() -> None:
    assert read(load("reply")["done"]) == Reply(BOX, "k1", True, "")


def test_config_and_cmd_are_written_byte_for_byte() -> None:
    whole, identify = load("config")["whole"], load("cmd")["identify"]
    topic, payload = wire.write_config(BOX, K_LINK, whole["fields"])
    assert (topic, payload.decode()) == (whole["topic"], whole["payload"])
    f = identify["fields"]
    topic, payload = wire.write_cmd(BOX, K_LINK, f["id"], f["boot"], f["do"], arg=f["arg"])
    assert (topic, payload.decode()) == (identify["topic"], identify["payload"])


def test_fetch_is_read() -> None:
    assert read(load("fetch")["middle"]) == Fetch(BOX, "k2", 2816)


def test_chunk_is_written() -> None:
    vector = load("chunk")["whole"]
    f = vector["fields"]
    topic, payload = write_chunk(BOX, K_LINK, f["id"], f["at"], bytes.fromhex(f["data"]))
    assert (topic, payload.decode()) == (vector["topic"], vector["payload"])


def test_the_stream_of_an_update_is_packed() -> None:
    vector = load("update")["small"]
    files = {name: bytes.fromhex(body) for name, body in vector["files"].items()}
    assert pack(files, vector["version"], BOX, K_LINK).hex() == vector["stream"]
