"""The account, from lives on paper and from a ledger: it adds up, or says so, and never says zero for not knowing."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from manyi.core import account
from manyi.core.account import Gap, LastBeat, Life, Line, Memory
from manyi.core.ledger import schema, writer
from manyi.core.ledger.asked import Asked
from manyi.core.ledger.ingest import Head
from manyi.core.record import LOSS, LOSS_FULL, Admitted, Levels
from manyi.core.wire import Beat

from tests.collector.box_double import BOX, LIFE, BoxDouble

NOW = 1_795_000_000_000
NONE: Levels = (0, 0, 0)


def head(n: Levels, **changes: object) -> Head:
    fields = {"stored": n, "n0": NONE} | changes
    return Head(1, 0, 1, 50, b"t" * 8, n, **fields)  # type: ignore[arg-type]


def line(*lives: Life, now: int = NOW) -> Line:
    found = account.account(lives, now)
    assert len(found.lines) == 1
    return found.lines[0]


def beat(n: Levels, at_ms: int = NOW, room: int = 100) -> LastBeat:
    return LastBeat(at_ms, n, 0, room)


def life(n: Levels = (5, 1, 1), name: str = LIFE, **fields: object) -> Life:
    return Life(BOX, name, [head(n)], newest_ms=NOW, first_ms=NOW - 9_000, **fields)  # type: ignore[arg-type]


def test_all_is_stored() -> None:
    found = line(life(beat=beat((5, 1, 1))))
    assert (found.pressed, found.stored, found.waiting, found.lost, found.unknown, found.ok) == (
        7,
        7,
        0,
        0,
        0,
        True,
    )


def test_a_beat_that_is_ahead_is_waiting_in_the_box() -> None:
    found = line(life(beat=beat((7, 1, 2))))
    assert (found.pressed, found.stored, found.waiting) == (10, 7, 3)


def test_an_older_beat_changes_nothing() -> None:
    assert line(life(beat=beat((2, 0, 0)))).waiting == 0


def test_a_box_that_has_only_sent_a_beat() -> None:
    found = line(Life(BOX, LIFE, beat=beat((2, 0, 0))))
    assert (found.pressed, found.stored, found.waiting, found.ok) == (2, 0, 2, True)


def test_what_the_box_forgot_is_still_pressed() -> None:
    kept = Head(1, 0, 1, 9, b"t" * 8, (4, 1, 0), NONE, stored=(5, 1, 0), forgot=(1, 0, 0))
    found = line(Life(BOX, LIFE, [kept], newest_ms=NOW))
    assert (found.pressed, found.stored, found.ok) == (6, 6, True)


def test_a_row_too_many_or_too_few_does_not_add_up() -> None:
    for stored in ((4, 1, 1), (6, 1, 1), (5, 2, 0)):
        liar = Life(BOX, LIFE, [head((5, 1, 1), stored=stored)], newest_ms=NOW)
        assert not line(liar).ok


def test_two_wrongs_of_different_colours_do_not_make_a_right() -> None:
    found = account.account([Life(BOX, LIFE, [head((5, 1, 1), stored=(6, 0, 1))], newest_ms=NOW)], NOW)
    assert not found.ok
    assert not found.total.ok


@pytest.mark.parametrize(
    ("admitted", "box", "centre"),
    [
        ([], 0, 10),
        ([Admitted(11, 20, (5, 5, 0), True)], 10, 0),
        ([Admitted(1, 40, (5, 5, 9), True)], 10, 0),
        ([Admitted(11, 15, (3, 0, 0), True), Admitted(16, 20, (2, 5, 0), True)], 10, 0),
        ([Admitted(15, 20, (0, 4, 0), True)], 4, 6),
        ([Admitted(11, 12, (1, 0, 0), True), Admitted(19, 20, (1, 0, 0), True)], 2, 8),
        ([Admitted(30, 40, (9, 9, 9), True)], 0, 10),
    ],
)
def test_whose_loss_it_is(admitted: list[Admitted], box: int, centre: int) -> None:
    lost = Life(
        BOX, LIFE, [head((10, 10, 0), stored=(5, 5, 0), lost=(5, 5, 0))], newest_ms=NOW, admitted=admitted,
        gaps=[(1, Gap(11, 20, (5, 5, 0)))],
    )  # fmt: skip
    found = line(lost)
    assert (found.lost_box, found.lost_centre, found.pressed, found.ok) == (box, centre, 20, True)


def test_torn_slots_are_unknown_only_where_the_ledger_lacks_them() -> None:
    torn = [Admitted(4, 6, NONE, False)]
    lacking = life(admitted=torn, gaps=[(1, Gap(5, 9, NONE))])
    having = life(admitted=torn)
    assert (line(lacking).unknown, line(having).unknown) == (2, 0)


def test_a_silent_box_is_unknown_by_time_and_room_and_never_zero() -> None:
    silent = life(beat=beat((5, 1, 1), room=100))
    silent.newest_ms = NOW
    assert line(silent, now=NOW + account.SILENT_MS).unknown == 0
    assert line(silent, now=NOW + account.SILENT_MS + 1).unknown == 100
    roomy = life(beat=beat((5, 1, 1), room=7800))
    assert line(roomy, now=NOW + 600_000).unknown == 600
    full = life(beat=beat((5, 1, 1), room=0))
    assert line(full, now=NOW + 600_000).unknown == 1


def test_a_wiped_box_leaves_what_waited_and_what_may_have_been() -> None:
    old = life((5, 1, 1), "a" * 16, beat=beat((7, 1, 1), at_ms=NOW - 60_000, room=7800))
    old.first_ms, old.newest_ms = NOW - 900_000, NOW - 70_000
    new = life((1, 0, 0), "b" * 16, beat=beat((1, 0, 0)))
    new.first_ms = NOW - 30_000
    found = line(old, new)
    assert (found.pressed, found.stored, found.waiting, found.unknown, found.lives) == (8, 8, 0, 2 + 30, 2)


def test_a_life_that_ended_without_a_beat_is_not_zero_either() -> None:
    old, new = life(name="a" * 16), life((1, 0, 0), "b" * 16)
    old.newest_ms, new.first_ms = NOW - 5_000, NOW - 5_000
    assert line(old, new).unknown == 1


def test_a_clones_presses_are_stored_and_said_to_be_forked() -> None:
    side = Head(2, 1, 40, 45, b"f" * 8, (9, 1, 1), (5, 1, 1), stored=(4, 0, 0))
    found = line(Life(BOX, LIFE, [head((6, 1, 1)), side], newest_ms=NOW, beat=beat((10, 1, 1))))
    assert (found.pressed, found.stored, found.forked, found.waiting, found.ok) == (13, 12, 4, 1, True)


def test_from_a_ledger(tmp_path: Path) -> None:
    conn = schema.open_for_writing(tmp_path / "ledger.db")
    asked, box = Asked(), BoxDouble()

    def exchange() -> None:
        for _ in range(4):
            batch = box.batch()
            again = frozenset([BOX] if asked.again(batch) else [])
            verdict = writer.commit(conn, writer.Work([batch], again=again), NOW).verdicts[0]
            asked.answered(batch, verdict)
            box.take_ack(verdict.seq, verdict.tag)

    box.press(1, 3)
    exchange()
    box.press(3, 20)
    box.give_up(14)  # 4 to 13 never acknowledged
    exchange()
    box.press(2, 2)
    last = Beat(
        box=BOX, life=LIFE, boot=1, up_ms=1, seq=box.newest, n=box.n, depth=2, oldest_ms=1, lost=(0, 0, 10),
        unknown=0, room=7000, clock=1, stuck=0, heap=1, rssi=0, erases=0, faults=0, config="",
    )  # fmt: skip
    writer.commit(conn, writer.Work(beats=[last]), NOW)
    found = account.read(conn, NOW).total
    assert (found.pressed, found.stored, found.waiting, found.lost_box, found.lost_centre) == (
        25,
        13,
        2,
        10,
        0,
    )
    assert found.ok
    conn.execute("UPDATE head SET stored_s = stored_s + 1")
    assert not account.read(conn, NOW).ok


def test_a_second_look_reads_what_came_since_and_finds_the_same(tmp_path: Path) -> None:
    conn = schema.open_for_writing(tmp_path / "ledger.db")
    asked, box, memory = Asked(), BoxDouble(), Memory()
    steps: list[int] = []

    def exchange() -> None:
        while box.cursor <= box.newest:
            batch = box.batch()
            again = frozenset([BOX] if asked.again(batch) else [])
            verdict = writer.commit(conn, writer.Work([batch], again=again), NOW).verdicts[0]
            asked.answered(batch, verdict)
            box.take_ack(verdict.seq, verdict.tag)

    def look() -> int:
        """SQLite's steps, in hundreds; whatever is remembered, the account is that of a fresh look."""
        steps.clear()
        conn.set_progress_handler(lambda: steps.append(1), 100)
        found = account.read(conn, NOW, memory=memory)
        conn.set_progress_handler(None, 100)
        assert found == account.read(conn, NOW)
        return len(steps)

    box.press(1, 3)
    exchange()
    assert look() < 10
    for kept in (2_000, 1, 0):
        box.press(3, 5)
        box.give_up(box.newest)
        box.press(1, kept)
        exchange()
        spent = look()
        assert (spent > 40) == (kept == 2_000), (kept, spent)
    total = account.read(conn, NOW, memory=memory).total
    assert (total.lost_box, total.lost_centre, total.ok) == (
        12,
        0,
        True,
    )  # each time 4 of 5: the newest is kept


def test_what_is_remembered_of_a_box_holds_until_it_says_something_or_is_silent_too_long(
    tmp_path: Path,
) -> None:
    conn = schema.open_for_writing(tmp_path / "ledger.db")
    asked, memory, boxes = Asked(), Memory(), [BoxDouble("box-1"), BoxDouble("box-2")]

    def exchange(box: BoxDouble, at_ms: int) -> None:
        batch = box.batch()
        again = frozenset([box.box] if asked.again(batch) else [])
        verdict = writer.commit(conn, writer.Work([batch], again=again), at_ms).verdicts[0]
        asked.answered(batch, verdict)
        box.take_ack(verdict.seq, verdict.tag)

    def beat_of(box: BoxDouble, at_ms: int, more: int) -> None:
        said = Beat(
            box=box.box, life=box.life, boot=1, up_ms=1, seq=box.newest, n=(box.n[0] + more, *box.n[1:]), depth=more,
            oldest_ms=1, lost=(0, 0, 0), unknown=0, room=500, clock=1, stuck=0, heap=1, rssi=0, erases=0, faults=0,
            config="",
        )  # fmt: skip
        writer.commit(conn, writer.Work(beats=[said]), at_ms)

    def look(now_ms: int) -> account.Account:
        found = account.read(conn, now_ms, memory=memory)
        assert found == account.read(conn, now_ms)
        return found

    for box in boxes:
        box.press(1, 3)
        exchange(box, NOW)
    assert look(NOW).total.stored == 6
    beat_of(boxes[0], NOW + 1, 2)
    assert look(NOW + 1).total.waiting == 2
    made = memory.boxes["box-2"]
    assert look(NOW + account.SILENT_MS).total.unknown == 0
    assert memory.boxes["box-2"] is made, "nothing was said, and yet it was worked out again"
    assert [x.unknown for x in look(NOW + account.SILENT_MS + 1).lines] == [0, 181]
    assert [x.unknown for x in look(NOW + account.SILENT_MS + 9_001).lines] == [189, 190]
    boxes[0].press(2, 1)
    exchange(boxes[0], NOW + account.SILENT_MS + 9_002)
    late = look(NOW + account.SILENT_MS + 9_002)
    assert [x.unknown for x in late.lines] == [0, 190]
    again = BoxDouble("box-1", life="f" * 16)  # its flash was wiped: what waited never comes
    again.press(3, 1)
    exchange(again, NOW + account.SILENT_MS + 9_003)
    wiped = look(NOW + account.SILENT_MS + 9_003)
    assert (wiped.lines[0].lives, wiped.lines[0].waiting, wiped.lines[0].unknown > 2) == (2, 0, True)


def test_a_loss_record_is_read_as_the_box_wrote_it(tmp_path: Path) -> None:
    box = BoxDouble()
    box.write(LOSS, reason=LOSS_FULL, data=struct.pack("<5I", 1, 9, 4, 3, 2))
    conn = schema.open_for_writing(tmp_path / "ledger.db")
    writer.commit(conn, writer.Work([box.batch()]), NOW)
    (head_row,) = conn.execute("SELECT id FROM head").fetchall()
    assert account._admitted(conn, [head((0, 0, 0))], Memory()) == [Admitted(1, 9, (4, 3, 2), True)]
    assert head_row == (1,)
