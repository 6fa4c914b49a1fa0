"""wire.decode: every kind of bad input has its reason, and nothing at all makes it raise."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manyi.core.wire import PAYLOAD_MAX_BYTES, Batch, Beat, Message, Reply, State, Unreadable, decode

from tests.collector.box_double import BOX, LIFE, BoxDouble
from tests.collector.speaking import OneKey, beat, sealed, spoken

KEYS = OneKey(strangers=("mb-stranger",))
RECORD = f"manyi/1/{BOX}/record"


def why(message: Message) -> str:
    assert isinstance(message, Unreadable), message
    return message.why


def batch_body(**changes: object) -> str:
    box = BoxDouble()
    box.press(1, 2)
    _, payload = spoken(box.batch())
    fields = json.loads(payload)
    del fields["mac"]
    fields |= changes
    return json.dumps({k: v for k, v in fields.items() if v is not None}, separators=(",", ":"))[:-1]


def refused(body: str | bytes) -> str:
    return why(decode(*sealed(RECORD, body), KEYS))


def record_with(**changes: object) -> str:
    first = json.loads(batch_body() + "}")["records"]
    return batch_body(records=[first[0] | changes, first[1]])


def test_what_the_helpers_make_is_right_as_it_is() -> None:
    assert isinstance(decode(*sealed(RECORD, batch_body()), KEYS), Batch)
    assert isinstance(decode(*sealed(RECORD, record_with(kind=77, level=9)), KEYS), Batch)
    assert isinstance(decode(*beat(BOX, LIFE, (1, 2, 3), 6), KEYS), Beat)


def test_a_field_that_nobody_knows_is_ignored() -> None:
    assert isinstance(decode(*sealed(RECORD, batch_body(colour="blue")), KEYS), Batch)


@pytest.mark.parametrize(
    "topic", ["", "manyi/1", f"manyi/2/{BOX}/record", f"manyi/1/{BOX}/ack", f"{RECORD}/x", "/" * 99]
)
def test_unknown_topic(topic: str) -> None:
    assert why(decode(topic, b"{}", KEYS)) == "topic"


def test_unknown_box() -> None:
    assert why(decode("manyi/1/mb-stranger/record", b"{}", KEYS)) == "box"
    assert why(decode("manyi/1/mb-stranger/state", b'{"v":1,"state":"offline"}', KEYS)) == "box"


def test_oversize() -> None:
    body = batch_body(padding="x" * PAYLOAD_MAX_BYTES)
    assert why(decode(*sealed(RECORD, body), KEYS)) == "oversize"


def test_wrong_mac_key_topic_or_body() -> None:
    topic, payload = sealed(RECORD, batch_body())
    assert why(decode(topic, payload.replace(b'"depth":0', b'"depth":1'), KEYS)) == "mac"
    assert why(decode("manyi/1/mb-another/record", payload, KEYS)) == "mac"
    assert why(decode(*sealed(RECORD, batch_body(), bytes(32)), KEYS)) == "mac"
    assert why(decode(RECORD, batch_body().encode() + b"}", KEYS)) == "mac"


def test_a_beat_moved_to_the_topic_of_replies_is_refused() -> None:
    _, payload = beat(BOX, LIFE, (0, 0, 0), 0)
    assert why(decode(f"manyi/1/{BOX}/reply", payload, KEYS)) == "mac"


@pytest.mark.parametrize("text", [b"\xff\xfe", b'{"v":"\xc3\x28"}'])
def test_invalid_utf8(text: bytes) -> None:
    assert why(decode(RECORD, text, KEYS)) == "utf8"
    assert refused(batch_body().encode().replace(b'"depth"', b'"\xff":1,"depth"')) == "utf8"


@pytest.mark.parametrize("text", [b"", b"hello", b"{", b'{"v":1,}', b"\x00"])
def test_not_json(text: bytes) -> None:
    assert why(decode(RECORD, text, KEYS)) == "json"


@pytest.mark.parametrize("version", [0, 2, 99])
def test_unknown_version(version: int) -> None:
    assert refused(batch_body(v=version)) == "version"
    assert refused(f'{{"v":{version},"all":"different"') == "version"


@pytest.mark.parametrize(
    "changes",
    [
        {"v": None}, {"v": "1"}, {"life": None}, {"life": "00"}, {"life": "00112233445566FF"}, {"life": 7},
        {"boot": -1}, {"boot": 65536}, {"boot": True}, {"boot": 1.0}, {"up_ms": -1}, {"up_ms": 2**64},
        {"base": 0}, {"base": 2}, {"first": 0}, {"first": 2}, {"first": 2**32}, {"prev": ""},
        {"prev": "0 11223344556677"}, {"depth": -1}, {"records": {}}, {"records": [1]}, {"records": None},
    ],
    ids=str,
)  # fmt: skip
def test_wrong_shape_type_or_range_of_a_batch(changes: dict[str, object]) -> None:
    if changes == {"records": None}:
        assert refused(batch_body(records=None)) == "shape"
    else:
        assert refused(batch_body(**changes)) == "shape"


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": 3}, {"seq": 0}, {"seq": 2}, {"fmt": 256}, {"kind": -1}, {"boot": 65536}, {"up_ms": 2**64}, {"n": [1, 2]},
        {"n": [1, 2, 3, 4]}, {"n": [-1, 0, 0]}, {"n": [2**32, 0, 0]}, {"level": 256}, {"held": 65536}, {"flags": 256},
        {"data": "0"}, {"data": "xy"}, {"data": "AB"}, {"data": "00" * 21}, {"tag": ""}, {"tag": "0" * 15}, {"tag": "G" * 16},
    ],
    ids=str,
)  # fmt: skip
def test_wrong_shape_type_or_range_of_a_record(changes: dict[str, object]) -> None:
    assert refused(record_with(**changes)) == "shape"


def test_seq_going_backwards_and_jumping() -> None:
    two = json.loads(batch_body() + "}")["records"]
    assert refused(batch_body(records=two[::-1])) == "shape"
    assert refused(batch_body(records=[two[0], two[1] | {"seq": 9}])) == "shape"


def test_the_longest_uptime_fits() -> None:
    assert isinstance(decode(*sealed(RECORD, record_with(up_ms=2**64 - 1)), KEYS), Batch)


def test_deeply_nested_json_is_no_way_in() -> None:
    assert refused('{"v":1,"records":' + "[" * 2000 + "]" * 2000) in ("shape", "json")


@pytest.mark.parametrize(
    "text",
    [
        '{"v":1,"state":"maybe"}',
        '{"v":1,"state":"online"}',
        '{"v":1}',
        "[]",
        '{"v":1,"state":"online","life":"zz"}',
    ],
)
def test_states_of_the_wrong_shape(text: str) -> None:
    assert why(decode(f"manyi/1/{BOX}/state", text.encode(), KEYS)) == "shape"


def test_state_needs_no_mac_and_reply_does() -> None:
    assert decode(f"manyi/1/{BOX}/state", b'{"v":1,"state":"offline"}', KEYS) == State(BOX, False)
    reply = f"manyi/1/{BOX}/reply"
    assert decode(*sealed(reply, '{"v":1,"id":"k1","ok":0,"text":"busy"'), KEYS) == Reply(
        BOX, "k1", False, "busy"
    )
    assert why(decode(*sealed(reply, '{"v":1,"id":"k1","ok":2,"text":""'), KEYS)) == "shape"


@pytest.mark.parametrize(
    "strange", ["\\u001b[2J", "\\n", "\\u202e", "\\ud800", "<b>\\u0000", "请", "\\u007f"]
)
def test_no_word_of_a_box_can_steer_a_terminal_or_begin_a_line(strange: str) -> None:
    """Its owner has its key. What it says is printed for a technician and written to logs."""
    life = '"life":"0011223344556677"'
    topic, payload = beat(BOX, LIFE, (1, 2, 3), 6)
    body = payload[: payload.rindex(b',"mac"')].replace(b'"config":""', f'"config":"{strange}"'.encode())
    messages = [
        (f"manyi/1/{BOX}/state", f'{{"v":1,"state":"online",{life},"fw":"{strange}"}}'.encode()),
        sealed(f"manyi/1/{BOX}/reply", f'{{"v":1,"id":"k1","ok":0,"text":"{strange}"'),
        sealed(f"manyi/1/{BOX}/reply", f'{{"v":1,"id":"{strange}","ok":0,"text":""'),
        sealed(f"manyi/1/{BOX}/fetch", f'{{"v":1,"id":"{strange}","at":0'),
        sealed(topic, body),
    ]
    assert {why(decode(*message, KEYS)) for message in messages} <= {"shape", "json"}


def test_beats_that_sqlite_could_not_hold_are_refused() -> None:
    topic, payload = beat(BOX, LIFE, (1, 2, 3), 6, up_ms=2**63)
    assert why(decode(topic, payload, KEYS)) == "shape"


names = st.sampled_from(["record", "beat", "state", "reply", "ack", ""])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=8), v, max_size=4),
    max_leaves=12,
)


@given(st.text(max_size=40), st.binary(max_size=300))
def test_garbage_on_any_topic_is_only_unreadable(topic: str, payload: bytes) -> None:
    assert isinstance(decode(topic, payload, KEYS), Unreadable)


@given(names, st.binary(max_size=300))
def test_garbage_with_a_right_mac_never_raises(name: str, body: bytes) -> None:
    decode(*sealed(f"manyi/1/{BOX}/{name}", body), KEYS)


@given(
    names,
    st.dictionaries(st.sampled_from(["v", "life", "records", "seq", "n", "state", "first", "base"]), values),
)
def test_json_of_any_shape_with_a_right_mac_never_raises(name: str, fields: dict[str, object]) -> None:
    body = json.dumps(fields, allow_nan=True)[:-1]
    decode(*sealed(f"manyi/1/{BOX}/{name}", body), KEYS)


@given(st.data())
def test_one_changed_byte_is_always_noticed(data: st.DataObject) -> None:
    topic, payload = sealed(RECORD, batch_body())
    at = data.draw(st.integers(0, len(payload) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != payload[at]))
    assert isinstance(decode(topic, payload[:at] + bytes([byte]) + payload[at + 1 :], KEYS), Unreadable)
