"""An identity is written over the serial line: whole or not at all, at whatever flash operation the power fails.

The blank box's own desk and shelf, on the real MicroPython, on a real littlefs whose block device dies on command; every
program and erase of a provisioning is cut once, in its middle.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from box import talk

from tests.firmware.conftest import FIRMWARE, RunMicropython

VECTORS = json.loads((Path(__file__).parents[1] / "wire" / "console.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["lines"])
def test_lines_are_as_the_vectors_say(vector: dict[str, str]) -> None:
    assert talk.line(vector["text"]) == vector["line"]
    number, words = talk.opened(vector["line"].encode())
    assert f"@{number} {' '.join(words)}" == vector["text"]
    assert talk.opened(b"\xffnoise" + vector["line"].encode()) == (number, words)


@pytest.mark.parametrize("vector", VECTORS["codes"])
def test_codes_are_as_the_vectors_say(vector: dict[str, str]) -> None:
    made = talk.code(bytes.fromhex(vector["k_link"]), vector["box"], bytes.fromhex(vector["nonce"]))
    assert made == vector["code"]


@pytest.mark.parametrize(
    "raw", [b"@1 hello", b"@1 hello *00000000", b"@x hello *", b"@ *12345678", b"@\xff\xfe *zzzzzzzz"]
)
def test_a_harmed_line_is_said_to_be_harmed(raw: bytes) -> None:
    assert talk.opened(raw) == (0, [])


def test_noise_is_nobody_s() -> None:
    assert talk.opened(b"rst:0x1 (POWERON_RESET)") is None


def test_the_power_fails_at_every_flash_operation_of_provisioning(run_micropython: RunMicropython) -> None:
    done = run_micropython(CUTS + IDENTITIES, heap="2048wK", path=FIRMWARE)
    assert done.returncode == 0, done.stdout + done.stderr
    operations, blank, whole = (int(n) for n in done.stdout.split()[-3:])
    assert operations * 2 == blank + whole  # each is cut twice: done, and half done
    assert blank > 10
    assert whole > 0


def test_the_power_fails_at_every_flash_operation_of_a_renewal(run_micropython: RunMicropython) -> None:
    done = run_micropython(CUTS + RENEWALS, heap="2048wK", path=FIRMWARE)
    assert done.returncode == 0, done.stdout + done.stderr
    operations, old, new = (int(n) for n in done.stdout.split()[-3:])
    assert operations * 2 == old + new
    assert old > 10
    assert new > 3  # what the box no longer needs is removed after the new identity counts


CUTS = """
import asyncio, binascii, hashlib, os, vfs
from box import talk
from ports.shelf import Shelf
from tasks.blank import Desk

BLOCKS, BLOCK = 24, 4096

class Cut(Exception):
    pass

class Disk:
    def __init__(self):
        self.cells = bytearray(b"\\xff" * (BLOCKS * BLOCK))
        self.left, self.done, self.dead, self.part = -1, 0, False, 2
    def _step(self):
        if self.dead:
            raise Cut
        self.done += 1
        self.left -= 1
        if self.left == 0:
            self.dead = True
        return self.dead
    def readblocks(self, n, buf, off=0):
        if self.dead:
            raise Cut
        at = n * BLOCK + off
        buf[:] = self.cells[at : at + len(buf)]
    def writeblocks(self, n, buf, off=0):
        cut = self._step()
        at, size = n * BLOCK + off, len(buf) // self.part if cut else len(buf)
        self.cells[at : at + size] = buf[:size]
        if cut:
            raise Cut
    def ioctl(self, op, arg):
        if op == 6:
            cut = self._step()
            size = BLOCK // self.part if cut else BLOCK
            self.cells[arg * BLOCK : arg * BLOCK + size] = b"\\xff" * size
            if cut:
                raise Cut
            return 0
        return {4: BLOCKS, 5: BLOCK}.get(op, 0)

class Port:
    board, mac = "sim", "00"
    class flash:
        size = 0
    def __init__(self):
        self.shelf = Shelf("/f")

CA, WHO = os.urandom(600), b'{"box":"hall-1","tls":{"ca":"/ca-00000000.der"}}' * 12
NAMES = (("ca-00000000.der", CA), ("box.json", WHO))

def sha(data):
    return binascii.hexlify(hashlib.sha256(data).digest()).decode()

def lines():
    for name, data in NAMES:
        yield "take %s %d %s" % (name, len(data), sha(data))
        for at in range(0, len(data), 64):
            yield "more %d %s" % (at, binascii.hexlify(data[at : at + 64]).decode())
        yield "keep"

async def give():
    desk = Desk(Port(), "1.0.0")
    for i, words in enumerate(lines()):
        said = await desk.hear(talk.line("@%d %s" % (i + 1, words)).encode())
        assert " ok" in said, (words, said)

def holds(name, data):
    try:
        with open("/f/" + name, "rb") as f:
            return f.read() == data
    except OSError:
        return None

def run(cut, part=2):
    disk = Disk()
    vfs.VfsLfs2.mkfs(disk)
    vfs.mount(disk, "/f")
    disk.left, disk.done, disk.part = cut, 0, part
    died = False
    try:
        asyncio.run(give())
    except Cut:
        died = True
    try:
        vfs.umount("/f")
    except Exception:
        pass
    disk.left, disk.dead = -1, False
    return disk, died, disk.done
"""

IDENTITIES = """
disk, died, total = run(0)
assert not died
blank = whole = 0
for cut, part in [(c, p) for c in range(1, total + 1) for p in (1, 2)]:  # all of it was done, or half
    disk, died, _ = run(cut, part)
    vfs.mount(disk, "/f")  # it still mounts
    who = holds("box.json", WHO)
    assert who in (None, True), cut
    if who:
        assert holds("ca-00000000.der", CA), cut  # never an identity without what it names
        whole += 1
    else:
        blank += 1
        asyncio.run(give())  # and it can be given again
        assert holds("box.json", WHO) and holds("ca-00000000.der", CA), cut
    vfs.umount("/f")
print(total, blank, whole)
"""

RENEWALS = """
import json
from tasks.renew import Renewal

OLD = {"box": "hall-1", "k_link": "ab" * 32, "tls": {"ca": "/ca-00000000.der", "name": "a"}, "password": "old", "pin": "1"}
CHANGE = {"tls": {"ca": "/ca-11111111.der", "name": "b"}, "password": "new"}
NEW = dict(OLD)
NEW.update(CHANGE)
ROOT = os.urandom(700)
NAMES = (("ca-11111111.der", ROOT), ("renew.json", json.dumps(CHANGE).encode()))

class Box:
    root = "/f"
    def load(self, name):
        return holds_any(name)
    def save(self, name, data):
        with open("/f/" + name, "wb") as f:
            f.write(data)

def holds_any(name):
    try:
        with open("/f/" + name, "rb") as f:
            return f.read()
    except OSError:
        return None

def start():
    disk = Disk()
    vfs.VfsLfs2.mkfs(disk)
    vfs.mount(disk, "/f")
    for name, data in (("ca-00000000.der", CA), ("box.json", json.dumps(OLD).encode()), ("address", b"10.0.0.1")):
        with open("/f/" + name, "wb") as f:
            f.write(data)
    return disk

def renew():
    desk = Renewal(Box())
    for words in list(lines()) + ["renew", "start"]:
        said = desk.obey(words.split())
        assert said.startswith("ok"), (words, said)
    assert desk.done

def one(cut, part):
    disk = start()
    disk.left, disk.done, disk.part = cut, 0, part
    died = False
    try:
        renew()
    except Cut:
        died = True
    try:
        vfs.umount("/f")
    except Exception:
        pass
    disk.left, disk.dead = -1, False
    return disk, died, disk.done

disk, died, total = one(0, 2)
assert not died
old = new = 0
for cut, part in [(c, p) for c in range(1, total + 1) for p in (1, 2)]:
    disk, died, _ = one(cut, part)
    vfs.mount(disk, "/f")
    who = json.loads(holds_any("box.json"))
    assert who in (OLD, NEW), (cut, who)
    assert holds_any(who["tls"]["ca"][1:]) == (CA if who == OLD else ROOT), cut  # with the root that it names
    old += who == OLD
    new += who == NEW
    if who == OLD:
        renew()  # and it can be asked again
        assert json.loads(holds_any("box.json")) == NEW
    vfs.umount("/f")
print(total, old, new)
"""
