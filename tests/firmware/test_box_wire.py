"""What the box makes of messages that are wrong, and how it fills a batch. Runs on MicroPython too: no pytest here.

The golden vectors are in tests/wire/test_box_messages.py.
"""

import json

from box import mqtt, settings, wire
from box.sheet import Sheet

KEY = bytes(range(32))
TOPIC = wire.topic("mb-1", "config")
LIFE = bytes(range(8))
CONFIG = (
    '{"v":1,"id":"c1","beat_s":60,"bright":80,"volume":60,"mode":"always","second":"correct",'
    '"visit_ms":5000,"open":"08:30-17:30"'
)


def sealed(key, topic, body):
    sheet = Sheet(bytearray(wire.BUFFER + wire.HEAD_MAX))  # all of it behind the front
    sheet.begin(body)
    wire.seal(sheet, key, topic)
    return bytes(sheet.text())


def why(call, *args):
    try:
        call(*args)
    except wire.Unreadable as e:
        return str(e)
    return None


def changed(name, value):
    o = json.loads(CONFIG + "}")
    if value is None:
        del o[name]
    else:
        o[name] = value
    return o


def test_a_sealed_message_opens_only_with_its_key_on_its_topic_and_unchanged():
    payload = sealed(KEY, TOPIC, CONFIG.encode())
    assert wire.opened(KEY, TOPIC, payload)["id"] == "c1"
    assert why(wire.opened, bytes(32), TOPIC, payload) == "mac"
    assert why(wire.opened, KEY, wire.topic("mb-2", "config"), payload) == "mac"
    assert why(wire.opened, KEY, wire.topic("mb-1", "cmd"), payload) == "mac"
    for i in range(0, len(payload), 7):
        wrong = payload[:i] + bytes((payload[i] ^ 1,)) + payload[i + 1 :]
        assert why(wire.opened, KEY, TOPIC, wrong) in ("mac", "shape")


def test_what_is_no_message_has_no_shape():
    whole = sealed(KEY, TOPIC, CONFIG.encode())
    for payload in (b"", b"{}", b"\xff" * 60, whole[:-1], whole + b" ", whole[-42:], b"x" * 5000):
        assert why(wire.opened, KEY, TOPIC, payload) == "shape"


def test_sealed_nonsense_is_refused_after_its_mac():
    for body in (b'{"v":2', b'{"v":"1"', b'["v",1', b'{"v":1,"a":"\xff"', b'{"v":1}', b"null", b'{"a":1'):
        assert why(wire.opened, KEY, TOPIC, sealed(KEY, TOPIC, body)) == "json"


def test_one_setting_out_of_range_refuses_all():
    assert why(settings.config, json.loads(CONFIG + "}")) is None
    for name, values in {
        "id": (None, "", "x" * 17, "UPPER", 7, 'a"b'),
        "beat_s": (None, 9, 601, "60", 60.0, True, -1),
        "bright": (None, -1, 101),
        "volume": (None, -1, 101),
        "mode": (None, "never", 1, ["always"]),
        "second": (None, "", "both"),
        "visit_ms": (None, 1999, 15001, 1 << 70),
        "open": (
            None,
            "8:30-17:30",
            "08:30-24:00",
            "17:30-08:30",
            "08:30-08:30",
            "08:60-09:00",
            "ab:cd-ef:gh",
            5,
        ),
    }.items():
        for value in values:
            assert why(settings.config, changed(name, value)) == name, (name, value)
    assert settings.config(changed("open", ""))["open"] == ""


def test_an_ack_of_the_wrong_shape_names_its_field():
    good = {"life": "00112233445566ff", "seq": 2, "tag": "2f949c1b86ae2f21", "boot": 1, "up_ms": 5, "now": 6}
    assert wire.ack(good) == (
        b"\x00\x11\x22\x33\x44\x55\x66\xff",
        2,
        b"\x2f\x94\x9c\x1b\x86\xae\x2f\x21",
        1,
        5,
        6,
    )
    assert wire.ack(dict(good, seq=0, tag=""))[1:3] == (0, b"")
    for name, values in {
        "life": ("", "00112233445566FF", "0011", 3, "0011223344556 ff"),
        "seq": (-1, 1 << 32, "2", 2.0, True),
        "tag": ("", "2f", None),
        "boot": (-1, 65536),
        "up_ms": (-1, 1 << 64),
        "now": (-1, None),
    }.items():
        for value in values:
            assert why(wire.ack, dict(good, **{name: value})) == name, (name, value)


def test_a_prompt_becomes_the_data_of_a_press():
    assert wire.prompt(b'{"v":1,"visit":"0102030405060708","biz":4711}') == bytes(range(1, 9)) + b"\x67\x12"
    assert why(wire.prompt, b'{"v":1,"visit":"0102030405060708","biz":65536}') == "biz"
    assert why(wire.prompt, b'{"v":1,"visit":"01020304050607","biz":1}') == "visit"
    assert why(wire.prompt, b'{"v":1,"visit":"0102030405060708","biz":1' + b" " * 100 + b"}") == "shape"
    for junk in (b"", b"[" * 120, b"\xff" * 20, b"[]", b"1"):
        assert why(wire.prompt, junk) == "json"


class Book:
    life = LIFE

    def __init__(self, newest, boot=1):
        self.newest, self.boot = newest, boot


def batch(count, size=200, rotten=0, first=1):
    sheet = Sheet(bytearray(wire.BUFFER))

    def write(seq):
        return (
            seq != rotten
            and sheet.add(b'{"seq":%d,' % seq)
            and sheet.add(b'"pad":"%s"}' % (b"x" * (size - 20)))
        )

    last = wire.batch(sheet, Book(first + count - 1), 5, 1, first, LIFE, write)
    wire.seal(sheet, KEY, wire.topic("mb-1", "record"))
    return bytes(sheet.text()), last, sheet.start


def test_a_batch_holds_what_fits_and_says_how_many_wait():
    payload, last, _ = batch(100)
    assert 3800 < len(payload) <= wire.PAYLOAD_MAX
    o = json.loads(payload)
    assert [r["seq"] for r in o["records"]] == list(range(1, last + 1))
    assert o["depth"] == 100 - last
    assert payload == sealed(KEY, wire.topic("mb-1", "record"), payload[: -wire._MAC_END])


def test_no_size_of_record_makes_a_batch_too_long_or_stuck():
    for size in range(100, 330, 7):
        payload, last, start = batch(100, size)
        assert last >= 1
        assert len(payload) <= wire.PAYLOAD_MAX
        assert start >= 48  # room for MQTT's head


def test_a_batch_ends_before_a_rotten_slot():
    payload, last, _ = batch(9, rotten=5)
    assert last == 4
    assert json.loads(payload)["depth"] == 5


def test_an_empty_batch_asks():
    payload, last, _ = batch(0, first=7)
    assert last == 6
    o = json.loads(payload)
    assert (o["first"], o["records"], o["depth"]) == (7, [], 0)


def test_the_longest_head_there_can_be_fits_its_room():
    sheet = Sheet(bytearray(wire.BUFFER))
    big = (1 << 32) - 1
    wire.batch(sheet, Book(big, 65535), (1 << 64) - 1, big, big, LIFE, lambda seq: False)
    assert sheet.start >= 48
    mqtt.publish(sheet, wire.topic("x" * 24, "record"), 65535)
