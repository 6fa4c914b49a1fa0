"""Each golden vector made or read by the box's own code. Refuses pytest: MicroPython has none."""

import json
from binascii import hexlify, unhexlify
from hashlib import sha256

from box import command, pieces, record, settings, wire
from box.sheet import Sheet

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


def blank(body=b""):
    sheet = Sheet(bytearray(wire.BUFFER))
    sheet.begin(body)
    return sheet


# What a message tells of the journal.
class Book:
    def __init__(self, **figures):
        for name, figure in figures.items():
            setattr(self, name, figure)


def sealed(sheet, k_link, box, name):
    wire.seal(sheet, k_link, wire.topic(box, name))
    return bytes(sheet.text())


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
        sheet = blank()
        wire.batch(
            sheet, Book(life=life, boot=v["boot"], newest=v["first"] + len(slots) + v["depth"] - 1), v["up_ms"],
            v["base"], v["first"], unhexlify(v["prev"]),
            lambda seq, s=slots: seq in s and record.write(sheet, s[seq]),  # noqa: B023  asked at once
        )  # fmt: skip
        assert sealed(sheet, k_link, box, "record") == v["payload"].encode(), name


def case_state(here):
    box, life, _ = keys(here)
    v = load(here, "state")
    f = v["online"]["fields"]
    assert wire.topic(box, "state").decode() == v["online"]["topic"]
    fw = tuple([int(n) for n in f["fw"].split(".")])
    assert wire.online(fw, Book(life=life, boot=f["boot"]), f["reason"]) == v["online"]["payload"].encode()
    assert v["offline"]["payload"].encode() == wire.OFFLINE


def case_beat(here):
    box, life, k_link = keys(here)
    v = load(here, "beat")["busy"]
    f = v["fields"]
    book = Book(life=life, newest=f["seq"])
    for name in ("boot", "n", "lost", "unknown", "room", "erases", "faults"):
        setattr(book, name, f[name])
    names = "up_ms", "depth", "oldest_ms", "clock", "stuck", "heap", "rssi", "config"
    sheet = blank()
    wire.beat(sheet, book, *[f[name] for name in names])
    assert sealed(sheet, k_link, box, "beat") == v["payload"].encode()


def case_reply(here):
    box, _, k_link = keys(here)
    v = load(here, "reply")["done"]
    f = v["fields"]
    body = wire.reply(f["id"], f["ok"], f["text"])
    assert sealed(blank(body), k_link, box, "reply") == v["payload"].encode()


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
    assert settings.config(wire.opened(k_link, v["topic"].encode(), v["payload"].encode())) == v["fields"]


def case_cmd(here):
    _, _, k_link = keys(here)
    v = load(here, "cmd")["identify"]
    f = v["fields"]
    o = wire.opened(k_link, v["topic"].encode(), v["payload"].encode())
    assert command.cmd(o) == (f["id"], f["boot"], f["do"], f["arg"])


def case_fetch(here):
    box, _, k_link = keys(here)
    v = load(here, "fetch")["middle"]
    body = pieces.fetch(v["fields"]["id"], v["fields"]["at"])
    assert sealed(blank(body), k_link, box, "fetch") == v["payload"].encode()


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
