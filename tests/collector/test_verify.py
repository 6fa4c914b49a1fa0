"""verify, root and export: a ledger that was touched is found out, and the first touched row is named."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manyi.core import export, root, verify
from manyi.core.days import DAY_MS, midnight_ms
from manyi.core.errors import InputError
from manyi.core.ledger import chain, facts, heads, reader, schema, writer
from manyi.core.ledger.asked import Asked
from manyi.core.record import PACKED_BYTES
from manyi.core.verify import Finding, Report
from manyi.words import apart

from tests.collector.box_double import BOX, K_CHAIN, BoxDouble

DAY = date(2026, 11, 20)
T0 = midnight_ms(DAY) + 9 * 3_600_000
KEYS = {BOX: K_CHAIN, "mb-other": bytes(32), "mb-clone": bytes(32)}


class Place:
    """A data folder with a ledger that has everything in it: two days, losses, a break, a fork, a roster."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.roots = folder, folder / "roots"
        self.path = folder / "ledger.db"
        self.conn = schema.open_for_writing(self.path)
        self.asked = Asked()
        self.at_ms = self.conn.execute("SELECT coalesce(max(at_ms), ?) FROM row", (T0,)).fetchone()[0]

    def talk(self, *boxes: BoxDouble) -> None:
        for box in boxes:
            for _ in range(12):
                batch = box.batch(10)
                again = frozenset([box.box] if self.asked.again(batch) else [])
                verdict = writer.commit(self.conn, writer.Work([batch], again=again), self.at_ms).verdicts[0]
                self.asked.answered(batch, verdict)
                box.take_ack(verdict.seq, verdict.tag)
                self.at_ms += 1000

    def verify(self, *, keys: bool = False) -> Report:
        return verify.ledger(self.conn, self.roots, KEYS if keys else None)

    def finding(self, *, keys: bool = False) -> Finding:
        found = self.verify(keys=keys).finding
        assert found is not None, "nothing was noticed"
        return found

    def open_hand(self) -> None:
        """What somebody with the file can do: the triggers are no obstacle to intent."""
        self.conn.executescript("DROP TRIGGER row_is_never_changed; DROP TRIGGER row_is_never_deleted;")
        self.conn.execute("PRAGMA foreign_keys = OFF")

    def rechain(self) -> None:
        """...and all hashes made anew, by somebody who has read chain.py."""
        before = chain.GENESIS
        for row in reader.rows_after(self.conn, 0, 100_000):
            before = chain.row_hash(before, row[:7], row.body)
            self.conn.execute("UPDATE row SET hash = ? WHERE id = ?", (before, row.id))

    def row(self, seq: int, box: str = BOX) -> reader.Row:
        rows = reader.rows_after(self.conn, 0, 100_000)
        return next(r for r in rows if r.kind == "record" and r.box == box and r.seq == seq and not r.branch)


def fill(place: Place) -> None:
    box, other, cloned = (
        BoxDouble(),
        BoxDouble("mb-other", k_chain=bytes(32)),
        BoxDouble("mb-clone", k_chain=bytes(32)),
    )
    facts.append_facts(
        place.conn, place.at_ms, [("office", {"id": "h1"}), ("staff", {"id": "s1", "name": "王"})]
    )
    box.press(1, 12)
    other.press(2, 6)
    cloned.press(1, 4)
    place.talk(box, other, cloned)
    place.at_ms += DAY_MS
    root.publish(place.conn, place.roots, place.at_ms)
    clone = cloned.clone()
    cloned.press(3, 2)
    clone.press(1, 2)
    box.press(3, 8)
    box.give_up(16)
    other.lose_tail(1)
    other.press(1, 3)
    place.talk(box, other, cloned, clone)
    root.write_latest(place.conn, place.roots, place.at_ms)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    place = Place(folder)
    fill(place)
    place.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    place.conn.close()
    return folder


@pytest.fixture
def place(filled: Path, tmp_path: Path) -> Place:
    shutil.copytree(filled, tmp_path / "data")
    return Place(tmp_path / "data")


def test_an_untouched_ledger_verifies_with_and_without_keys(place: Place) -> None:
    plain, keyed = place.verify(), place.verify(keys=True)
    assert (plain.finding, keyed.finding) == (None, None)
    (note,) = plain.notes
    assert "box mb-clone" in note
    assert "branch 1 is kept and not rated" in note
    assert {r.kind for r in reader.rows_after(place.conn, 0, 999)} == {
        "record", "loss", "break", "fork", "office", "staff",
    }  # fmt: skip
    assert plain.roots == 1
    assert (plain.tags, keyed.tags) == (0, keyed.records)
    assert keyed.records > 30


def test_a_service_that_goes_on_keeps_verifying(place: Place) -> None:
    new = BoxDouble("mb-other", "cc" * 8, bytes(32))
    new.press(1, 3)
    place.talk(new)
    assert place.verify(keys=True).finding is None


def test_one_edited_level_is_named_by_row_box_life_seq_and_time(place: Place) -> None:
    row = place.row(7)
    place.open_hand()
    body = bytearray(row.body)
    body[28] = 3
    place.conn.execute("UPDATE row SET body = ? WHERE id = ?", (bytes(body), row.id))
    found = place.finding()
    assert (found.row, found.box, found.life, found.seq, found.at_ms) == (row.id, BOX, row.life, 7, row.at_ms)
    for part in (f"row {row.id}", BOX, "seq 7", "2026-11-20 09:00"):
        assert part in found.text()


@pytest.mark.parametrize(
    "column", ["at_ms = at_ms + 1", "kind = 'break'", "seq = seq + 100", "head = NULL", "hash = zeroblob(32)"]
)
def test_any_edited_column_is_noticed(place: Place, column: str) -> None:
    row = place.row(5)
    place.open_hand()
    place.conn.execute(f"UPDATE row SET {column} WHERE id = ?", (row.id,))
    assert place.finding().row == row.id


def test_a_deleted_row_is_named(place: Place) -> None:
    row = place.row(5)
    place.open_hand()
    place.conn.execute("DELETE FROM row WHERE id = ?", (row.id,))
    found = place.finding()
    assert found.row == row.id + 1
    assert f"row {row.id} before it is missing" in found.what


def test_an_inserted_row_is_named(place: Place) -> None:
    row = place.row(5)
    place.open_hand()
    place.conn.execute("UPDATE row SET id = -id WHERE id >= ?", (row.id,))
    place.conn.execute("UPDATE row SET id = 1 - id WHERE id < 0")
    place.conn.execute(
        "INSERT INTO row SELECT ?, at_ms, kind, head, 777, body, hash FROM row WHERE id = 4", (row.id,)
    )
    assert place.finding().row == row.id


def test_two_rows_that_changed_places_are_named(place: Place) -> None:
    row = place.row(5)
    place.open_hand()
    place.conn.execute("UPDATE row SET id = -1 WHERE id = ?", (row.id,))
    place.conn.execute("UPDATE row SET id = ? WHERE id = ?", (row.id, row.id + 1))
    place.conn.execute("UPDATE row SET id = ? WHERE id = -1", (row.id + 1,))
    assert place.finding().row == row.id


def test_a_tail_that_was_cut_off_shows_by_latest(place: Place) -> None:
    last = reader.tail(place.conn)[0]
    place.open_hand()
    place.conn.execute("DELETE FROM row WHERE id > ?", (last - 3,))
    found = place.finding()
    assert found.row == last - 2
    assert "latest" in found.what


def test_a_tail_that_was_cut_off_and_grown_again_shows_by_latest(place: Place) -> None:
    last = reader.tail(place.conn)[0]
    place.open_hand()
    place.conn.execute("DELETE FROM row WHERE id = ?", (last,))
    facts.append_facts(place.conn, 7, [("office", {"id": "x"})] * 2)
    assert place.finding().row == last


def test_a_whole_chain_made_anew_still_shows_by_the_published_root(place: Place) -> None:
    row = place.row(7)
    place.open_hand()
    place.conn.execute("UPDATE row SET at_ms = at_ms + 5000 WHERE id = ?", (row.id,))
    place.rechain()
    (place.roots / root.LATEST).unlink()
    found = place.finding()
    assert "published" in found.what
    assert found.row >= row.id


def test_a_published_root_beyond_the_end_names_the_missing_rows(place: Place) -> None:
    place.open_hand()
    (place.roots / root.LATEST).unlink()
    place.conn.execute("DELETE FROM row WHERE id > 10")
    assert place.finding().row == 11


@pytest.mark.parametrize("at", [1, 12, 28, 40])
def test_a_record_edited_under_a_chain_made_anew_is_named_by_the_auditor(place: Place, at: int) -> None:
    row = place.row(7)
    place.open_hand()
    body = bytearray(row.body)
    body[at] ^= 1
    place.conn.execute("UPDATE row SET body = ? WHERE id = ?", (bytes(body), row.id))
    place.rechain()
    shutil.rmtree(place.roots)
    found = place.finding(keys=True)
    assert (found.row, found.box, found.seq) == (row.id, BOX, 7)


def _drop_record(place: Place) -> int:
    """Leaves a record out, closes the ids up, and makes every hash anew."""
    row = place.row(7)
    place.open_hand()
    place.conn.execute("DELETE FROM row WHERE id = ?", (row.id,))
    place.conn.execute("UPDATE row SET id = -id WHERE id > ?", (row.id,))
    place.conn.execute("UPDATE row SET id = -id - 1 WHERE id < 0")
    place.rechain()
    shutil.rmtree(place.roots)
    return row.id


def test_a_record_left_out_under_a_chain_made_anew_is_named_without_a_key(place: Place) -> None:
    row_id = _drop_record(place)
    found = place.finding()
    assert (found.row, found.seq) == (row_id, 8)
    assert "seq 7 should come here" in found.what


def test_a_made_up_loss_row_does_not_cover_a_record_left_out(place: Place) -> None:
    row = place.row(7)
    place.open_hand()
    body = json.dumps({"from": 7, "to": 7, "lost": [0, 0, 0]}).encode()
    place.conn.execute("UPDATE row SET kind = 'loss', body = ? WHERE id = ?", (body, row.id))
    place.rechain()
    shutil.rmtree(place.roots)
    found = place.finding()
    assert (found.seq, "the box's counts say" in found.what) == (8, True)


def _begin_anew(tmp_path: Path) -> Place:
    """7 green, 3 red and 2 green, all genuine, in a ledger that somebody is about to write anew, heads included."""
    (tmp_path / "anew").mkdir()
    place, box = Place(tmp_path / "anew"), BoxDouble()
    for level, times in ((1, 7), (3, 3), (1, 2)):
        box.press(level, times)
    place.talk(box)
    place.open_hand()
    return place


def test_reds_written_off_at_the_centre_are_noted_though_every_tag_is_right(tmp_path: Path) -> None:
    place = _begin_anew(tmp_path)
    body = json.dumps({"from": 8, "to": 10, "lost": [0, 0, 3]}).encode()
    place.conn.execute("DELETE FROM row WHERE seq IN (9, 10)")
    place.conn.execute("UPDATE row SET kind = 'loss', body = ? WHERE seq = 8", (body,))
    place.conn.execute("UPDATE row SET id = id - 2 WHERE seq = 11")
    place.conn.execute("UPDATE row SET id = id - 2 WHERE seq = 12")
    place.conn.execute("UPDATE head SET stored_d = 0, lost_d = 3")
    place.rechain()
    report = place.verify(keys=True)
    assert report.finding is None
    (note,) = report.notes
    zh, note = apart(note)
    assert zh.startswith(f"第 8 行：评价器 {BOX} 第 8 至 10 条")
    assert note.startswith(f"row 8: box {BOX}")
    assert "seq 8 to 10: 3 presses [0, 0, 3] were written off at the centre" in note


def test_reds_moved_to_a_side_branch_are_noted_though_every_tag_is_right(tmp_path: Path) -> None:
    place = _begin_anew(tmp_path)
    tag7, at_ms = place.row(7).body[-8:], place.row(8).at_ms
    place.conn.execute("UPDATE row SET id = -id - 1 WHERE seq >= 8")
    place.conn.execute("UPDATE row SET id = -id WHERE id < 0")
    place.conn.execute(
        "INSERT INTO head SELECT 99, box, life, 1, 8, seq, tag, n_s, n_b, n_d, 7, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0 FROM head"
    )
    place.conn.execute(
        "UPDATE head SET seq = 7, tag = ?, n_s = 7, n_d = 0, stored_s = 7, stored_d = 0 WHERE branch = 0",
        (tag7,),
    )
    place.conn.execute("UPDATE row SET head = 99 WHERE id > 8")
    body = b'{"of":0,"have":"","got":""}'
    place.conn.execute("INSERT INTO row VALUES (8, ?, 'fork', 99, 8, ?, x'00')", (at_ms, body))
    place.rechain()
    report = place.verify(keys=True)
    assert report.finding is None
    (note,) = report.notes
    assert "seq 8: from here branch 1 is kept and not rated" in note


def test_what_is_found_is_said_in_both_languages_with_its_place(place: Place) -> None:
    row = place.row(3)
    place.open_hand()
    place.conn.execute("UPDATE row SET at_ms = at_ms + 1 WHERE id = ?", (row.id,))
    zh, en = apart(place.finding().text())
    assert zh.startswith(f"第 {row.id} 行，评价器 {BOX}，第 3 条（{row.life}），2026-11-20 ")
    assert zh.endswith("：被改动、插入或移动过：与上一行接不上")
    assert en.startswith(f"row {row.id}, box {BOX}, life {row.life}, seq 3, time 2026-11-20 ")
    assert en.endswith(": its hash does not follow from the row before")


def test_a_row_put_in_below_the_first_is_named(place: Place) -> None:
    head = place.conn.execute("SELECT id FROM head LIMIT 1").fetchone()[0]
    body = b'{"from":1,"to":9,"lost":[0,0,9]}'
    place.conn.execute("INSERT INTO row VALUES (-5, 1, 'loss', ?, 1, ?, x'00')", (head, body))
    assert place.finding().row == -5


def test_a_touched_root_is_noticed_even_if_the_next_day_has_no_rows(tmp_path: Path) -> None:
    conn, roots = schema.open_for_writing(tmp_path / "l.db"), tmp_path / "roots"
    facts.append_facts(conn, T0, [("office", {})])
    root.publish(conn, roots, T0 + 3 * DAY_MS)
    path = roots / "2026-11-20.txt"
    path.write_text(re.sub(r"after \w+", "after " + "0" * 64, path.read_text()))
    found = verify.ledger(conn, roots).finding
    assert found is not None
    assert "2026-11-20" in found.what


def test_a_made_up_break_row_does_not_help_against_the_auditor(place: Place) -> None:
    row = place.row(12)
    place.open_hand()
    body = bytearray(row.body)
    body[PACKED_BYTES:] = b"\x01" * 16
    place.conn.execute("UPDATE row SET body = ? WHERE id = ?", (bytes(body), row.id))
    place.rechain()
    shutil.rmtree(place.roots)
    assert place.finding(keys=True).row == row.id


@pytest.mark.parametrize("column", ["stored_s", "lost_d", "forgot_b", "n_s", "seq", "start", "n0_d"])
def test_a_head_that_disagrees_with_its_rows_is_named(place: Place, column: str) -> None:
    place.conn.execute(f"UPDATE head SET {column} = {column} + 1 WHERE box = ?", (BOX,))
    found = place.finding()
    assert (found.box, "head" in found.what) == (BOX, True)


def test_a_head_without_rows_is_named(place: Place) -> None:
    head = heads.of_life(place.conn, BOX, "00112233445566ff")[0]
    heads.save(place.conn, "mb-ghost", "ee" * 8, type(head)(0, 0, 1, 1, b"x" * 8, (0, 0, 0), (0, 0, 0)))
    assert place.finding().box == "mb-ghost"


def test_a_box_that_the_auditor_has_no_key_for_is_named(place: Place) -> None:
    found = verify.ledger(place.conn, place.roots, {BOX: K_CHAIN}).finding
    assert found is not None
    assert "no key" in found.what


def test_a_wrong_auditors_key_is_noticed_at_the_first_record(place: Place) -> None:
    found = verify.ledger(place.conn, place.roots, KEYS | {BOX: bytes(32)}).finding
    assert found is not None
    assert (found.box, found.seq) == (BOX, 1)


@given(st.data())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_flipped_bit_in_any_row_is_noticed(filled: Path, data: st.DataObject) -> None:
    source = schema.open_for_reading(filled / "ledger.db")
    rows = reader.rows_after(source, 0, 9999)
    source.close()
    at = data.draw(st.integers(0, len(rows) - 1))
    body = bytearray(rows[at].body)
    body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    rows[at] = rows[at]._replace(body=bytes(body))
    checker = verify.Checker(roots=root.published(filled / "roots"))
    findings = [f for f in map(checker.feed, rows) if f]
    assert findings[0].row == rows[at].id


def test_a_ledger_set_back_to_a_backup_admits_it_once_and_verifies_again(
    place: Place, tmp_path: Path
) -> None:
    backup = sqlite3.connect(tmp_path / "backup.db")
    place.conn.backup(backup)
    backup.close()
    box = BoxDouble("mb-other", "cc" * 8, bytes(32))
    box.press(1, 5)
    place.talk(box)
    root.write_latest(place.conn, place.roots, place.at_ms)
    had = reader.tail(place.conn)[0]
    place.conn.close()
    for tail in ("", "-wal", "-shm"):
        place.path.with_name("ledger.db" + tail).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", place.path)
    place.conn = schema.open_for_writing(place.path)
    assert apart(place.finding().what)[1].startswith("is gone")
    assert root.admit_setback(place.conn, place.roots, place.at_ms)
    root.write_latest(place.conn, place.roots, place.at_ms)
    assert not root.admit_setback(place.conn, place.roots, place.at_ms)
    box.cursor = 1
    place.talk(box)
    report = place.verify(keys=True)
    assert report.finding is None
    assert any(f"set back from row {had}" in note for note in report.notes)


# ---- roots


def test_a_days_root_seals_exactly_its_rows(place: Place) -> None:
    first = root.of_day(place.conn, DAY, place.at_ms)
    second = root.of_day(place.conn, date(2026, 11, 21), place.at_ms)
    assert (first.first, first.before, first.closed) == (1, chain.GENESIS, True)
    assert (second.first, second.before, second.closed) == (first.last + 1, first.after, False)
    assert second.last == reader.tail(place.conn)[0]
    assert root.parse(first.text(), "x") == first
    assert (place.roots / "2026-11-20.txt").read_text() == first.text()


def test_the_day_changes_at_midnight_in_beijing(tmp_path: Path) -> None:
    conn = schema.open_for_writing(tmp_path / "l.db")
    midnight = midnight_ms(date(2026, 11, 21))
    assert midnight % DAY_MS == 16 * 3_600_000
    facts.append_facts(conn, midnight - 1, [("office", {})])
    facts.append_facts(conn, midnight, [("office", {})])
    assert root.of_day(conn, DAY, midnight).last == 1
    assert root.of_day(conn, date(2026, 11, 21), midnight).first == 2


def test_a_day_without_rows_has_a_root_too(tmp_path: Path) -> None:
    conn = schema.open_for_writing(tmp_path / "l.db")
    facts.append_facts(conn, T0, [("office", {})])
    facts.append_facts(conn, T0 + 2 * DAY_MS, [("office", {})])
    made = root.publish(conn, tmp_path / "roots", T0 + 3 * DAY_MS)
    assert [p.name for p in made] == ["2026-11-20.txt", "2026-11-21.txt", "2026-11-22.txt"]
    empty = root.of_day(conn, date(2026, 11, 21), T0 + 3 * DAY_MS)
    assert (empty.first, empty.last) == (2, 1)
    assert empty.before == empty.after
    assert verify.ledger(conn, tmp_path / "roots").finding is None


def test_a_clock_that_jumps_to_2099_seals_nothing_ahead_of_the_real_days(tmp_path: Path) -> None:
    conn, roots = schema.open_for_writing(tmp_path / "l.db"), tmp_path / "roots"
    facts.append_facts(conn, T0, [("office", {})])
    with pytest.raises(InputError, match=r"2099-01-01.*2026-11-20.*manyi root --day 2098-12-31"):
        root.publish(conn, roots, midnight_ms(date(2099, 1, 1)))
    made = root.publish(conn, roots, T0 + 2 * DAY_MS)
    assert [p.name for p in made] == ["2026-11-20.txt", "2026-11-21.txt"]


def test_rows_of_a_clock_that_stood_at_1970_make_no_twenty_thousand_roots(tmp_path: Path) -> None:
    conn, roots = schema.open_for_writing(tmp_path / "l.db"), tmp_path / "roots"
    facts.append_facts(conn, 5, [("office", {"id": "h1"})])
    assert root.publish(conn, roots, T0) == []
    facts.append_facts(conn, T0, [("office", {"id": "h2"})])
    made = root.publish(conn, roots, T0 + DAY_MS)
    assert [p.name for p in made] == ["2026-11-20.txt"]
    assert root.of_day(conn, DAY, T0 + DAY_MS).before == root.hash_of(conn, 1)  # row 1 is sealed all the same


def test_every_row_lies_in_one_day_even_if_the_clock_was_set_back(tmp_path: Path) -> None:
    conn = schema.open_for_writing(tmp_path / "l.db")
    for at_ms in (T0, T0 + DAY_MS, T0 - 5000, T0 + DAY_MS + 1, T0 + 2 * DAY_MS):
        facts.append_facts(conn, at_ms, [("office", {})])
    days = [root.of_day(conn, date(2026, 11, 20 + i), T0 + 9 * DAY_MS) for i in range(3)]
    assert [(d.first, d.last) for d in days] == [(1, 1), (2, 4), (5, 5)]


@pytest.mark.parametrize("step_ms", [3_600_000, 300_000])
def test_a_clock_that_was_set_back_is_noted_also_if_that_was_done_in_small_steps(
    tmp_path: Path, step_ms: int
) -> None:
    conn = schema.open_for_writing(tmp_path / "l.db")
    for back_ms in range(0, 3_600_001, step_ms):
        facts.append_facts(conn, T0 - back_ms, [("office", {})])
    facts.append_facts(conn, T0 + DAY_MS, [("office", {})])
    facts.append_facts(conn, T0 + DAY_MS - 5_000, [("office", {})])
    (said,) = verify.ledger(conn, tmp_path / "roots").notes
    assert "the collector's clock was set back" in said


def test_a_stamp_that_is_no_time_does_not_silence_the_check(place: Place) -> None:
    place.open_hand()
    place.conn.execute("UPDATE row SET at_ms = ? WHERE id = 7", (2**62,))
    found = place.verify().finding
    assert found is not None
    assert str(2**62) in found.text()


def test_a_root_once_written_is_never_touched(place: Place) -> None:
    path = place.roots / "2026-11-20.txt"
    before = path.stat().st_mtime_ns
    root.publish(place.conn, place.roots, place.at_ms + DAY_MS)
    assert path.stat().st_mtime_ns == before
    assert (place.roots / "2026-11-21.txt").exists()


def test_a_root_file_that_is_none_is_refused_by_name(place: Place) -> None:
    (place.roots / "2026-11-19.txt").write_text("hello")
    with pytest.raises(InputError, match="2026-11-19"):
        place.verify()


# ---- exports


@pytest.fixture
def out(place: Place, tmp_path: Path) -> Path:
    export.write(place.conn, place.roots, tmp_path / "out", (DAY, date(2026, 11, 21)))
    return tmp_path / "out"


def test_an_export_verifies_without_the_database_and_without_a_key(out: Path, place: Place) -> None:
    report = export.check(out)
    assert (report.finding, report.rows, report.roots) == (None, reader.tail(place.conn)[0], 1)
    assert export.check(out, KEYS).tags > 30


def test_an_export_of_one_day_in_the_middle_verifies(place: Place, tmp_path: Path) -> None:
    day = date(2026, 11, 21)
    done = export.write(place.conn, place.roots, tmp_path / "o", (day, day))
    assert done.first > 1
    assert export.check(tmp_path / "o", KEYS).finding is None


def test_an_export_withholds_persons_and_still_verifies(place: Place, out: Path, tmp_path: Path) -> None:
    assert "王" not in (out / "rows.jsonl").read_text() + bytes.fromhex(
        "".join(json.loads(line).get("body", "") for line in (out / "rows.jsonl").read_text().splitlines())
    ).decode(errors="replace")
    done = export.write(place.conn, place.roots, tmp_path / "all", (DAY, DAY), persons=True)
    assert done.withheld == 0
    assert export.check(tmp_path / "all").finding is None


def _edit(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("rows.jsonl", lambda x: [*x[:9], x[9].replace('"at_ms":1', '"at_ms":2'), *x[10:]]),
        ("rows.jsonl", lambda x: [*x[:9], *x[10:]]),
        ("rows.jsonl", lambda x: [*x[:9], x[10], x[9], *x[11:]]),
        ("rows.jsonl", lambda x: x[:-1]),
        ("records.csv", lambda x: [*x[:5], x[5].replace(",1,", ",2,", 1), *x[6:]]),
        ("records.csv", lambda x: [*x[:5], *x[6:]]),
        ("records.csv", lambda x: [*x, x[-1]]),
    ],
)
def test_an_export_that_was_touched_is_noticed(
    out: Path, file: str, change: Callable[[list[str]], list[str]]
) -> None:
    _edit(out / file, change)
    assert export.check(out).finding is not None


@pytest.mark.parametrize("forged", [True, False])
def test_an_export_whose_records_hide_behind_their_digests_is_noticed(out: Path, forged: bool) -> None:
    """The chain is right, because it goes over the digest; what people read is not, or is not there."""
    table = [(out / "records.csv").read_text().splitlines(keepends=True)[0]]
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    for row in rows:
        body = bytearray.fromhex(row.pop("body", ""))
        row.setdefault("digest", sha256(body).hexdigest())
        if forged and row["kind"] == "record":
            body[28] = 1
            row["body"] = body.hex()
            key = (row[k] for k in ("id", "at_ms", "kind", "box", "life", "branch", "seq"))
            table.append(export._spelled_out(reader.Row(*key, bytes(body))))
    (out / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (out / "records.csv").write_text("".join(table))
    found = export.check(out).finding
    assert found is not None
    assert "digest" in found.what or "withheld" in found.what


def test_an_export_that_does_not_fit_the_published_root_is_noticed(out: Path) -> None:
    path = out / "roots" / "2026-11-20.txt"
    path.write_text(path.read_text().replace("after ", "after 00").replace("after 00", "after ", 0))
    text = path.read_text().splitlines()
    text = [line if not line.startswith("after") else "after " + "0" * 64 for line in text]
    path.write_text("\n".join(text) + "\n")
    found = export.check(out).finding
    assert found is not None
    assert "published" in found.what


def test_what_is_no_export_is_refused_in_plain_words(out: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="manifest"):
        export.check(tmp_path / "nowhere")
    (out / "rows.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"rows\.jsonl:1"):
        export.check(out)
    (out / "manifest.txt").write_text("hello\n")
    with pytest.raises(InputError, match="not the manifest"):
        export.check(out)


def test_an_export_does_not_write_over_anything(place: Place, out: Path) -> None:
    with pytest.raises(InputError, match="not empty"):
        export.write(place.conn, place.roots, out, (DAY, DAY))
    with pytest.raises(InputError, match="before it begins"):
        export.write(place.conn, place.roots, out / "new", (date(2026, 11, 22), DAY))


def test_key_file_that_fits_no_box_accuses_nobody(tmp_path: Path) -> None:
    place = Place(tmp_path)
    box = BoxDouble()
    box.press(1, 3)
    place.talk(box)
    assert place.verify(keys=True).finding is None
    with pytest.raises(InputError, match="fits no box at all"):
        verify.ledger(place.conn, place.roots, {BOX: bytes(32)})


def test_an_export_that_cannot_be_written_says_so(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="it cannot be written"):
        export.write(place.conn, place.roots, tmp_path / "file", (DAY, DAY))
