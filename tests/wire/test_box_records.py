"""The golden records, made by the box's own code: packed, tagged and as JSON, on both interpreters, byte for byte."""

import json
from pathlib import Path

import pytest
from box.chain import first_tag, next_tag
from box.record import pack, unpack, write
from box.sheet import Sheet

HERE = Path(__file__).parent
RECORDS = json.loads((HERE / "records.json").read_text())
KEYS = json.loads((HERE / "keys.json").read_text())
FIELDS = ("kind", "boot", "seq", "up_ms", "n", "level", "reason", "held", "flags")

# Runs under both: prints what the box makes of the vectors' fields, in the vectors' own form.
MAKE = """
import json, sys
from binascii import hexlify, unhexlify
from box.chain import first_tag, next_tag
from box.record import pack, write
from box.sheet import Sheet
keys, records = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
key = unhexlify(keys["k_chain"])
prev = first_tag(key, keys["box"], unhexlify(keys["life"]))
print(hexlify(prev).decode())
for r in records:
    f = r["fields"]
    slot = bytearray(64)
    pack(slot, *[f[k] for k in ("kind", "boot", "seq", "up_ms", "n", "level", "reason", "held", "flags")],
         data=unhexlify(f["data"]))
    slot[53:61] = prev = next_tag(key, prev, slot[:53])
    sheet = Sheet(bytearray(600))
    sheet.begin(b"")
    write(sheet, slot)
    print(hexlify(slot[:53]).decode(), hexlify(prev).decode(), bytes(sheet.text()).decode())
"""


@pytest.mark.parametrize("vector", RECORDS, ids=lambda v: f"seq {v['fields']['seq']}")
def test_the_box_packs_tags_and_writes_the_golden_record(vector):
    f, slot = vector["fields"], bytearray(64)
    pack(slot, *(f[k] for k in FIELDS), data=bytes.fromhex(f["data"]))
    assert slot[:53].hex() == vector["packed"]
    tag = next_tag(bytes.fromhex(KEYS["k_chain"]), bytes.fromhex(vector["prev"]), slot[:53])
    assert tag.hex() == vector["tag"]
    slot[53:61] = tag
    sheet = Sheet(bytearray(600))
    sheet.begin(b"")
    assert write(sheet, slot)
    assert bytes(sheet.text()).decode() == vector["json"]


@pytest.mark.parametrize("vector", RECORDS, ids=lambda v: f"seq {v['fields']['seq']}")
def test_the_box_reads_the_golden_record(vector):
    f = vector["fields"]
    fmt, kind, boot, seq, up_ms, n1, n2, n3, level, reason, held, flags, data = unpack(
        bytes.fromhex(vector["packed"])
    )
    assert (fmt, kind, boot, seq, up_ms) == (f["fmt"], f["kind"], f["boot"], f["seq"], f["up_ms"])
    assert ([n1, n2, n3], level, reason, held) == (f["n"], f["level"], f["reason"], f["held"])
    assert (flags, data) == (f["flags"], bytes.fromhex(f["data"]).ljust(20, b"\0"))


def test_the_first_tag_is_over_box_and_life():
    tag = first_tag(bytes.fromhex(KEYS["k_chain"]), KEYS["box"], bytes.fromhex(KEYS["life"]))
    assert tag.hex() == KEYS["first_tag"] == RECORDS[0]["prev"]


def test_micropython_makes_the_same_bytes(run_micropython):
    done = run_micropython(MAKE, args=(str(HERE / "keys.json"), str(HERE / "records.json")))
    assert done.returncode == 0, done.stderr
    expected = [KEYS["first_tag"]] + [f"{r['packed']} {r['tag']} {r['json']}" for r in RECORDS]
    assert done.stdout.splitlines() == expected
