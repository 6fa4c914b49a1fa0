"""Each golden vector made or read by the box's own code. Refuses pytest: MicroPython has none."""

import json
from binascii import hexlify, unhexlify
from hashlib import sha256

from box import asked, pieces, record, wire

# Every vector of these files must be named here, so that a new one is not forgotten (test_box_messages.py).
USED = {
    "record": ("live", "backlog", "empty", "unknown_kind"),
    "state": ("online", "offline"),
    "beat": ("busy",),
    "reply": ("done",),
    "ack": ("head", "nothing"),
    "config": ("whole",),
    "cmd": ("identify",),
    "fetch": ("middle",),
    "chunk": ("whole",),
    "update": ("small",),
    "prompt": ("visit",),
}


def load(here, name):
    with open(here + "/" + name + ".json") as f:
        return json.load(f)


def keys(here):
    k = load(here, "keys")
    return k["box"], unhexlify(k["life"]), unhexlify(k["k_link"])


def case_record(here):
    box, life, k_link = keys(here)
    for name in USED["record"]:
        v = load(here, "record")[name]
        slots = {
            r["fields"]["seq"]: unhexlify(r["packed"]) + unhexlify(r["tag"]) + bytes(3) for r in v["records"]
        }
        buf = bytearray(wire.BUFFER)
        start, end, _ = wire.batch(
            buf, k_link, wire.topic(box, "record"), life, v["boot"], v["up_ms"], v["base"], v["first"],
            unhexlify(v["prev"]), v["first"] + len(slots) + v["depth"] - 1,
            lambda seq, s=slots: record.to_json(s[seq]) if seq in s else None,
        )  # fmt: skip
        assert bytes(buf[start:end]) == v["payload"].encode(), name


def case_state(here):
    box, life, _ = keys(here)
    v = load(here, "state")
    f = v["online"]["fields"]
    assert wire.topic(box, "state").decode() == v["online"]["topic"]
    assert wire.online(f["fw"], life, f["boot"], f["reason"]) == v["online"]["payload"].encode()
    assert v["offline"]["payload"].encode() == wire.OFFLINE


def case_beat(here):
    box, life, k_link = keys(here)
    v = load(here, "beat")["busy"]
    f = v["fields"]
    names = (
        "boot", "up_ms", "seq", "n", "depth", "oldest_ms", "lost", "unknown", "room", "clock", "stuck", "heap",
        "rssi", "erases", "faults", "config",
    )  # fmt: skip
    body = wire.beat(life, *[f[name] for name in names])
    assert wire.sealed(k_link, wire.topic(box, "beat"), body) == v["payload"].encode()


def case_reply(here):
    box, _, k_link = keys(here)
    v = load(here, "reply")["done"]
    f = v["fields"]
    body = wire.reply(f["id"], f["ok"], f["text"])
    assert wire.sealed(k_link, wire.topic(box, "reply"), body) == v["payload"].encode()


def case_ack(here):
    _, life, k_link = keys(here)
    for name in USED["ack"]:
        v = load(here, "ack")[name]
        f = v["fields"]
        o = wire.opened(k_link, v["topic"].encode(), v["payload"].encode())
        expected = (life, f["seq"], unhexlify(f["tag"]), f["boot"], f["up_ms"], f["now"])
        assert wire.ack(o) == expected, name


def case_config(here):
    _, _, k_link = keys(here)
    v = load(here, "config")["whole"]
    assert asked.config(wire.opened(k_link, v["topic"].encode(), v["payload"].encode())) == v["fields"]


def case_cmd(here):
    _, _, k_link = keys(here)
    v = load(here, "cmd")["identify"]
    f = v["fields"]
    o = wire.opened(k_link, v["topic"].encode(), v["payload"].encode())
    assert asked.cmd(o) == (f["id"], f["boot"], f["do"], f["arg"])


def case_fetch(here):
    box, _, k_link = keys(here)
    v = load(here, "fetch")["middle"]
    body = pieces.fetch(v["fields"]["id"], v["fields"]["at"])
    assert wire.sealed(k_link, wire.topic(box, "fetch"), body) == v["payload"].encode()


def case_chunk(here):
    _, _, k_link = keys(here)
    v = load(here, "chunk")["whole"]
    f = v["fields"]
    o = wire.opened(k_link, v["topic"].encode(), v["payload"].encode())
    assert pieces.chunk(o) == (f["id"], f["at"], unhexlify(f["data"]))


def case_update(here):
    box, _, k_link = keys(here)
    v = load(here, "update")["small"]
    digest = sha256(v["manifest"].encode()).digest()
    assert pieces.signature(k_link, box, digest) == v["signature"].encode()


def case_prompt(here):
    v = load(here, "prompt")["visit"]
    data = wire.prompt(v["payload"].encode())
    assert hexlify(data).decode() == v["fields"]["visit"] + "0c00"
