"""A box whose radio is dead: its flash, read by esptool, goes into the ledger by the way that batches go.

The flash is written by the box's own journal (firmware/box/journal.py, on NOR flash as unkind as the part); what comes out
of the ledger is compared with every press that got its light.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from box.journal import Journal
from box.record import PRESS
from manyi.box.flashing import journal, rescue
from manyi.box.words import BoxError
from manyi.cli import app
from manyi.core import record
from manyi.core.ledger import reader, schema, writer
from manyi.core.ledger.writer import Work
from typer.testing import CliRunner

from tests.firmware.flash import BLOCK, NorFlash, PowerCut
from tests.firmware.simbox import BOX, K_CHAIN

NOW = 1_795_000_000_000
LIFE = b"life0001"


class Dead:
    """A box that lived, and its flash."""

    def __init__(self, blocks: int = 8) -> None:
        self.flash = NorFlash(blocks)
        self.lit: dict[int, int] = {}
        self.boot()

    def boot(self) -> None:
        self.flash.power_on()
        self.book = Journal(self.flash, K_CHAIN, BOX, lambda: LIFE)
        self.book.begin(1, (1, 0, 0))

    def press(self, times: int) -> None:
        for i in range(times):
            level = 1 + i % 3
            self.lit[self.book.append(PRESS, 1000 * i, level=level)] = level
            self.book.tidy(1000 * i)

    def acked(self, seq: int) -> None:
        slot = bytearray(64)
        assert self.book.read(seq, slot)
        self.book.ack(seq, bytes(slot[53:61]))

    def dump(self) -> bytes:
        return bytes(self.flash.cells)


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return schema.open_for_writing(tmp_path / "ledger.db")


def stored(conn: sqlite3.Connection) -> dict[int, int]:
    """seq to level of every press in the ledger."""
    rows = [record.unpack(row.body) for row in reader.rows_after(conn, 0, 100_000) if row.kind == "record"]
    return {r.seq: r.level for r in rows if r.kind == record.PRESS}


def kinds(conn: sqlite3.Connection) -> set[str]:
    return {row.kind for row in reader.rows_after(conn, 0, 100_000)}


def deliver(conn: sqlite3.Connection, raw: bytes, upto: int) -> None:
    """What the box itself had sent before it died."""
    (life,) = journal.lives(raw)
    cursor, question = 1, 10_000
    while cursor <= upto:
        batch = life.batch(BOX, cursor, question)
        keep = batch.records[: upto - cursor + 1]
        (verdict,) = writer.commit(conn, Work([batch.__replace__(records=keep)]), NOW).verdicts
        cursor, question = verdict.seq + 1, question + 1


def test_a_box_that_never_reached_the_collector_loses_nothing(conn: sqlite3.Connection) -> None:
    box = Dead()
    box.press(200)
    (life,) = journal.lives(box.dump())
    assert (life.wrong_tags(K_CHAIN, BOX), life.waiting) == ([], 201)
    brought = rescue.bring(conn, BOX, life, NOW)
    assert (brought.new, brought.whole) == (201, True)
    assert stored(conn) == box.lit
    assert kinds(conn) == {"record"}


def test_what_the_ledger_has_is_not_taken_twice(conn: sqlite3.Connection) -> None:
    box = Dead()
    box.press(60)
    deliver(conn, box.dump(), 40)
    box.acked(30)  # the last ten acks never came
    (life,) = journal.lives(box.dump())
    assert rescue.bring(conn, BOX, life, NOW).new == 21
    assert stored(conn) == box.lit
    again = rescue.bring(conn, BOX, life, NOW)
    assert (again.new, again.whole) == (0, True)
    assert kinds(conn) == {"record"}


def test_a_ledger_from_yesterday_s_backup_gets_back_what_was_acknowledged(conn: sqlite3.Connection) -> None:
    box = Dead()
    box.press(100)
    deliver(conn, box.dump(), 10)
    box.acked(90)
    (life,) = journal.lives(box.dump())
    assert rescue.bring(conn, BOX, life, NOW).whole
    assert stored(conn) == box.lit


def test_a_ring_that_has_gone_round_keeps_what_it_still_has(conn: sqlite3.Connection) -> None:
    box = Dead(4)
    for _ in range(8):
        box.press(50)
        box.acked(max(box.lit))
    deliver_to = box.book.newest
    box.press(20)
    (life,) = journal.lives(box.dump())
    assert life.oldest > 1
    brought = rescue.bring(conn, BOX, life, NOW)
    assert brought.whole
    assert all(stored(conn)[seq] == box.lit[seq] for seq in box.lit if seq > deliver_to)
    assert kinds(conn) == {
        "record",
        "loss",
    }  # a ledger that had nothing: what is gone from the ring is admitted


@pytest.mark.parametrize("gone", [1, 5, 63, 64, 65, 120])
def test_a_slot_that_rotted_is_admitted_and_the_rest_is_kept(conn: sqlite3.Connection, gone: int) -> None:
    box = Dead()
    box.press(130)
    where = next(at for at in range(0, box.flash.size, 64) if box.dump()[at + 4 : at + 8] == gone.to_bytes(4, "little")
                 and at % BLOCK)  # fmt: skip
    box.flash.rot(where + 40, 0x10)
    (life,) = journal.lives(box.dump())
    assert rescue.bring(conn, BOX, life, NOW).whole
    assert stored(conn) == {seq: level for seq, level in box.lit.items() if seq != gone}
    assert kinds(conn) == {"record", "loss"}


def test_a_rotten_header_costs_nothing(conn: sqlite3.Connection) -> None:
    box = Dead()
    box.press(130)
    box.flash.rot(BLOCK + 20, 0xFF)
    (life,) = journal.lives(box.dump())
    assert rescue.bring(conn, BOX, life, NOW).whole
    assert stored(conn) == box.lit


def test_the_power_went_at_the_last_press(conn: sqlite3.Connection) -> None:
    for cut in range(1, 4):
        box = Dead()
        box.press(20)
        box.flash.cuts = [[cut, "front"]]
        with contextlib.suppress(PowerCut):
            box.press(3)
        (life,) = journal.lives(box.dump())
        rescue.bring(conn, BOX, life, NOW + cut)
        assert box.lit.items() <= stored(conn).items()


def test_another_box_s_file_and_a_changed_one_are_refused_whole(conn: sqlite3.Connection) -> None:
    box = Dead()
    box.press(20)
    found = journal.lives(box.dump())
    with pytest.raises(BoxError, match="does not know this life"):
        rescue.check(conn, BOX, found, None)
    with pytest.raises(BoxError, match="a tag of other-box"):
        rescue.check(conn, "other-box", found, K_CHAIN)
    rescue.check(conn, BOX, found, K_CHAIN)
    deliver(conn, box.dump(), 5)
    rescue.check(conn, BOX, found, None)
    with pytest.raises(BoxError, match=f"--box {BOX}"):
        rescue.check(conn, "other-box", found, None)
    packed, tag = found[0].slots[7]
    found[0].slots[7] = packed[:28] + b"\1" + packed[29:], tag  # somebody made a red one green
    with pytest.raises(BoxError, match="the first is 7"):
        rescue.check(conn, BOX, found, K_CHAIN)
    assert len(stored(conn)) == 4


def test_the_command_as_it_is_typed(tmp_path: Path) -> None:
    box = Dead()
    box.press(30)
    (tmp_path / "x.journal").write_bytes(box.dump())
    (tmp_path / "data").mkdir()
    for name, text in (("link.keys", f"{BOX} {'aa' * 32}\n"), ("auditor.keys", f"{BOX} {K_CHAIN.hex()}\n")):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text)
    (tmp_path / "manyi.toml").write_text(
        '[city]\nname = "岱州市"\nname_en = "Daizhou"\n[data]\ndir = "data"\n[broker]\nhost = "127.0.0.1"\nport = 1\n'
        'plain = true\n[keys]\nlink_file = "link.keys"\n[web]\nport = 1\n'
    )

    def typed(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["--config", str(tmp_path / "manyi.toml"), "box", "rescue", *words])
        return done.exit_code, done.output + (str(done.exception) if done.exception else "")

    assert "--box" in typed(str(tmp_path / "x.journal"))[1]
    known = [str(tmp_path / "x.journal"), "--box", BOX]
    assert "--auditor" in typed(*known)[1]
    code, said = typed(*known, "--auditor", str(tmp_path / "auditor.keys"))
    assert (code, "31 条" in said, "every tag was checked" in said) == (0, True, True), said
    conn = schema.open_for_reading(tmp_path / "data" / "ledger.db")
    assert stored(conn) == box.lit
    (tmp_path / "noise").write_bytes(b"\x55" * 8192)
    assert "no box's flash" in typed(str(tmp_path / "noise"))[1]
