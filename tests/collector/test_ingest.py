"""ledger/ingest.py: what a batch means, first case by case, then in any order that hypothesis can think of."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manyi.core.ledger import chain, heads, reader, schema, writer
from manyi.core.ledger.asked import Asked
from manyi.core.ledger.ingest import BRANCHES_MAX, LIVES_MAX, Verdict
from manyi.core.ledger.reader import Row
from manyi.core.record import unpack
from manyi.core.wire import Batch

from tests.collector.box_double import BOX, LIFE, BoxDouble

Rows = list[Row]


class Ledger:
    """The real writer on a ledger in memory, and what the pipeline remembers of batches that were only answered."""

    def __init__(self) -> None:
        self.conn = schema.open_for_writing(Path(":memory:"))
        self.asked = Asked()

    def take(self, batch: Batch) -> Verdict:
        work = writer.Work([batch], again=frozenset([batch.box] if self.asked.again(batch) else []))
        verdict = writer.commit(self.conn, work, 1000).verdicts[0]
        self.asked.answered(batch, verdict)
        return verdict

    def rows(self, kind: str | None = None, branch: int | None = None) -> Rows:
        found = reader.rows_after(self.conn, 0, 1_000_000)
        return [r for r in found if kind in (None, r.kind) and branch in (None, r.branch)]

    def seqs(self, branch: int = 0) -> list[int]:
        return [r.seq for r in self.rows("record", branch)]

    def adds_up(self) -> bool:
        return all(
            h.n[i] - h.n0[i] + h.forgot[i] == h.stored[i] + h.lost[i]
            for _, _, h in heads.all_heads(self.conn)
            for i in range(3)
        )

    def copy(self) -> Ledger:
        other = Ledger()
        other.conn = sqlite3.connect(":memory:", isolation_level=None)
        self.conn.backup(other.conn)
        return other


def talk(box: BoxDouble, ledger: Ledger, rounds: int = 400) -> int:
    """Box and ledger in turn, nothing lost on the way, until the box has nothing to send; gives the rounds it took."""
    for done in range(rounds):
        batch = box.batch()
        verdict = ledger.take(batch)
        took = box.take_ack(verdict.seq, verdict.tag)
        if took and not batch.records and box.cursor > box.newest:
            return done
    raise AssertionError("the box is blocked")


def body(row: Row) -> dict[str, object]:
    value = json.loads(row.body)
    assert isinstance(value, dict)
    return value


def test_a_new_life_is_stored_from_its_first_record() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(3)
    assert ledger.take(box.batch()).seq == 1
    assert [(r.kind, r.box, r.life, r.branch, r.seq) for r in ledger.rows()] == [("record", BOX, LIFE, 0, 1)]
    assert unpack(ledger.rows()[0].body).level == 3


def test_a_life_never_seen_that_asks_first_is_told_nothing_is_here() -> None:
    box, ledger = BoxDouble(), Ledger()
    verdict = ledger.take(box.batch())
    assert (verdict.seq, verdict.tag, verdict.rows) == (0, b"", ())


def test_a_life_never_seen_is_sent_back_to_its_oldest_record() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 30)
    box.cursor = 11
    assert ledger.take(box.batch()).seq == 0
    assert ledger.rows() == []
    assert talk(box, ledger) < 10
    assert ledger.seqs() == list(range(1, 31))


def test_what_came_before_the_base_of_a_new_life_is_an_exact_loss() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 4)
    box.press(3, 2)
    box.give_up(6)
    talk(box, ledger)
    assert body(ledger.rows("loss")[0]) == {"from": 1, "to": 5, "lost": [4, 0, 1]}
    assert ledger.adds_up()


def test_the_same_batch_again_is_answered_again_and_stored_once() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 3)
    batch = box.batch()
    first, second = ledger.take(batch), ledger.take(batch)
    assert (first.seq, first.tag) == (second.seq, second.tag)
    assert second.rows == ()
    assert ledger.seqs() == [1, 2, 3]


def test_a_batch_that_overlaps_is_stored_from_where_the_ledger_stands() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 3)
    ledger.take(box.batch())
    box.press(2, 3)
    assert ledger.take(box.batch()).seq == 6
    assert ledger.seqs() == [1, 2, 3, 4, 5, 6]


def test_an_old_batch_is_answered_with_the_head_and_the_second_time_with_its_own_end() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 10)
    old = box.batch(3)
    talk(box, ledger)
    assert ledger.take(old).seq == 10
    assert ledger.take(old).seq == 10, "the broker delivered it twice"
    assert ledger.take(msgspec.structs.replace(old, up_ms=old.up_ms + 1)).seq == 3, "the box sent it again"


def test_ledger_from_a_backup_is_filled_again_by_the_box() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 10)
    talk(box, ledger)
    backup = ledger.copy()
    box.press(2, 40)
    talk(box, ledger)
    talk(box, backup)
    assert backup.seqs() == ledger.seqs() == list(range(1, 51))
    assert backup.rows("loss") == backup.rows("fork") == []


def test_what_the_box_has_overwritten_since_the_backup_is_an_exact_loss() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 10)
    talk(box, ledger)
    backup = ledger.copy()
    box.press(2, 40)
    talk(box, ledger)
    box.give_up(31)
    box.press(3)
    talk(box, backup)
    assert [body(r) for r in backup.rows("loss")] == [{"from": 11, "to": 30, "lost": [0, 20, 0]}]
    assert backup.adds_up()


def test_good_records_behind_a_rotten_slot_are_asked_for_before_anything_is_written_off() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 6)
    box.rot(4)
    box.cursor = 5
    first = ledger.take(box.batch())
    assert (first.seq, first.rows) == (0, ())
    box.take_ack(first.seq, first.tag)
    talk(box, ledger)
    assert ledger.seqs() == [1, 2, 3, 5, 6]
    assert [body(r)["lost"] for r in ledger.rows("loss")] == [[1, 0, 0]]


def test_a_gap_delivered_twice_by_the_broker_is_not_written_off_before_the_box_was_asked() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 6)
    box.rot(4)
    box.cursor = 5
    batch = box.batch()
    ledger.take(batch)
    ledger.take(batch)
    assert ledger.rows() == []


def test_a_loss_with_no_press_in_it_is_still_a_row() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1)
    talk(box, ledger)
    box.write(2)
    box.press(1)
    box.rot(2)
    talk(box, ledger)
    assert body(ledger.rows("loss")[0]) == {"from": 2, "to": 2, "lost": [0, 0, 0]}


def test_a_rotten_slot_between_good_ones_is_a_loss_of_exactly_that_press() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 2)
    box.press(3)
    box.press(1, 2)
    box.rot(3)
    talk(box, ledger)
    assert ledger.seqs() == [1, 2, 4, 5]
    assert body(ledger.rows("loss")[0]) == {"from": 3, "to": 3, "lost": [0, 0, 1]}
    assert ledger.adds_up()


def test_a_rotten_tail_that_the_ledger_never_had_is_skipped_and_the_box_goes_on() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 5)
    box.lose_tail(2)
    box.press(2)
    talk(box, ledger)
    assert ledger.seqs() == [1, 2, 3, 6, 7]
    assert ledger.adds_up()


def test_a_rotten_tail_that_the_ledger_has_is_a_break_and_the_count_is_kept_right() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 5)
    talk(box, ledger)
    before = box.tag
    box.lose_tail(1)
    box.press(2)
    talk(box, ledger)
    assert ledger.seqs() == [1, 2, 3, 4, 5, 6, 7]
    row = ledger.rows("break")[0]
    assert row.seq == 6
    assert body(row)["have"] == before.hex()
    (head,) = heads.of_life(ledger.conn, BOX, LIFE)
    assert (head.stored, head.forgot, head.n) == ((5, 1, 0), (1, 0, 0), (4, 1, 0))
    assert ledger.adds_up()


def test_a_cloned_box_is_kept_apart_and_neither_is_blocked() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 10)
    talk(box, ledger)
    clone = box.clone()
    box.press(1, 5)
    clone.press(3, 7)
    talk(box, ledger)
    talk(clone, ledger)
    box.press(1)
    clone.press(3)
    talk(clone, ledger)
    talk(box, ledger)
    assert ledger.seqs(0) == list(range(1, 17))
    assert ledger.seqs(1) == list(range(11, 19))
    (fork,) = ledger.rows("fork")
    assert (fork.branch, fork.seq, body(fork)["of"]) == (1, 11, 0)
    assert ledger.adds_up()


def test_a_clone_whose_branch_a_backup_has_forgotten_is_not_blocked() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 40)
    talk(box, ledger)
    clone = box.clone()
    backup = ledger.copy()
    clone.press(3, 60)
    talk(clone, ledger)
    box.press(1, 30)
    talk(box, backup)
    clone.press(3)
    talk(clone, backup)
    assert backup.seqs(0) == list(range(1, 71))
    assert backup.seqs(1) == list(range(41, 102))


def test_a_clone_of_a_clone_is_a_third_branch() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 2)
    second = box.clone()
    box.press(1, 2)
    second.press(2, 2)
    third = second.clone()
    second.press(2, 2)
    third.press(3, 3)
    for b in (box, second, third):
        talk(b, ledger)
    assert [ledger.seqs(k) for k in range(3)] == [[1, 2, 3, 4], [3, 4, 5, 6], [5, 6, 7]]
    assert body(ledger.rows("fork")[1])["of"] == 1


def test_a_second_box_with_the_same_life_from_the_first_record_is_a_branch() -> None:
    ledger = Ledger()
    one, two = BoxDouble(), BoxDouble()
    one.press(1, 3)
    two.press(3, 2)
    talk(one, ledger)
    talk(two, ledger)
    assert ledger.seqs(1) == [1, 2]
    assert ledger.adds_up()


def test_a_wiped_box_begins_a_life_of_its_own() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 3)
    talk(box, ledger)
    wiped = box.wipe("aaaaaaaaaaaaaaaa")
    wiped.press(2)
    talk(wiped, ledger)
    assert [(r.life, r.seq) for r in ledger.rows("record")][-1] == ("aaaaaaaaaaaaaaaa", 1)


def test_unknown_kind_level_and_format_are_stored_as_they_are() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.write(200, level=9, data=b"\xff" * 20, fmt=0x77)
    box.press(1)
    talk(box, ledger)
    r = unpack(ledger.rows("record")[0].body)
    assert (r.kind, r.level, r.fmt) == (200, 9, 0x77)
    assert ledger.adds_up()


def test_a_box_that_counts_a_press_it_never_wrote_does_not_add_up() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1)
    box.n = (5, 0, 0)
    box.press(1)
    talk(box, ledger)
    assert not ledger.adds_up()


def test_a_batch_behind_the_ledger_whose_base_says_it_cannot_go_back_is_kept_as_a_branch() -> None:
    """Delivered late, after its range was written off as lost: kept, never counted as a rating."""
    box, ledger = BoxDouble(), Ledger()
    box.press(1, 10)
    stale = box.batch(5)
    box.give_up(6)
    talk(box, ledger)
    verdict = ledger.take(stale)
    assert [r.kind for r in verdict.rows] == ["fork"] + ["record"] * 5


def test_a_hostile_box_cannot_make_branches_without_end() -> None:
    ledger = Ledger()
    for i in range(BRANCHES_MAX + 3):
        box = BoxDouble(k_chain=bytes([i]) * 32)
        box.press(1 + i % 3)
        ledger.take(box.batch())
    assert len(heads.of_life(ledger.conn, BOX, LIFE)) == BRANCHES_MAX


def test_a_hostile_box_cannot_have_lives_without_end_and_its_others_go_on() -> None:
    """Each is a line of every account, and a box that mints one a message has a million a day."""
    ledger, genuine = Ledger(), BoxDouble()
    genuine.press(1)
    talk(genuine, ledger)
    for i in range(LIVES_MAX + 3):
        box = BoxDouble(life=f"{i:016x}")
        box.press(1)
        verdict = ledger.take(box.batch())
    assert (verdict.rows, verdict.seq, verdict.tag) == ((), 0, b"")
    assert heads.lives(ledger.conn, BOX) == LIVES_MAX
    genuine.press(3, 2)
    talk(genuine, ledger)
    other = BoxDouble(box="mb-other")
    other.press(2)
    talk(other, ledger)
    assert {len(ledger.rows("record")), heads.lives(ledger.conn, "mb-other")} == {LIVES_MAX + 3, 1}


# ---- any order


steps = st.lists(
    st.one_of(
        st.tuples(st.just("press"), st.integers(1, 3)),
        st.tuples(st.just("send"), st.integers(1, 6)),
        st.tuples(st.just("deliver"), st.integers(0, 30)),
        st.tuples(st.just("answer"), st.integers(0, 30)),
    ),
    max_size=60,
)


@given(steps)
@settings(max_examples=300, deadline=None)
def test_any_order_any_duplication_any_dropping_ends_in_exactly_the_boxs_records(
    plan: list[tuple[str, int]],
) -> None:
    """Messages and answers are never taken out of the air: each may come late, again, or not at all."""
    box, ledger = BoxDouble(), Ledger()
    air: list[Batch] = []
    answers: list[Verdict] = []
    for what, value in plan:
        if what == "press":
            box.press(value)
        elif what == "send":
            air.append(box.batch(value))
        elif what == "deliver" and air:
            answers.append(ledger.take(air[value % len(air)]))
        elif what == "answer" and answers:
            v = answers[value % len(answers)]
            box.take_ack(v.seq, v.tag)
    talk(box, ledger)
    assert [r.body for r in ledger.rows("record")] == [
        s.packed + s.prev + s.tag for s in box.journal.values()
    ]
    assert ledger.rows("fork") == ledger.rows("loss") == ledger.rows("break") == []
    assert ledger.adds_up()


troubles = st.lists(
    st.one_of(
        st.tuples(st.just("press"), st.integers(1, 3)),
        st.tuples(st.just("other"), st.sampled_from([2, 3, 4, 77])),
        st.tuples(st.just("exchange"), st.integers(1, 6)),
        st.tuples(st.just("lost answer"), st.integers(1, 6)),
        st.tuples(st.just("full"), st.integers(1, 8)),
        st.tuples(st.just("rot"), st.integers(1, 40)),
        st.tuples(st.just("tail"), st.integers(1, 3)),
        st.tuples(st.just("backup"), st.just(0)),
        st.tuples(st.just("restore"), st.just(0)),
    ),
    max_size=60,
)


@given(troubles)
@settings(max_examples=400, deadline=None)
def test_full_rings_rotten_slots_and_restored_ledgers_lose_only_what_they_say(
    plan: list[tuple[str, int]],
) -> None:
    box, ledger = BoxDouble(), Ledger()
    backup = ledger.copy()
    for what, value in plan:
        if what == "press":
            box.press(value)
        elif what == "other":
            box.write(value)
        elif what in ("exchange", "lost answer"):
            v = ledger.take(box.batch(value))
            # Rot, a restored backup and a lost request to go back, all three at once, cost an admitted loss.
            if what == "exchange" or v.head is None:
                box.take_ack(v.seq, v.tag)
        elif what == "full" and len(box.journal) > value + 1:
            box.give_up(sorted(box.journal)[value])
        elif what == "rot" and value in box.journal and value != box.newest:
            box.rot(value)
        elif what == "tail" and len(box.journal) > value:
            box.lose_tail(value)
        elif what == "backup":
            backup = ledger.copy()
        elif what == "restore":
            ledger = backup.copy()
    box.write(2)
    talk(box, ledger)
    stored = {r.seq: r.body for r in ledger.rows("record", 0)}
    for seq, slot in box.journal.items():
        assert stored[seq] == slot.packed + slot.prev + slot.tag
    gaps = [(body(r)["from"], body(r)["to"]) for r in ledger.rows("loss", 0)]
    covered = sorted([*stored, *(s for a, b in gaps for s in range(a, b + 1))])  # type: ignore[arg-type]
    assert covered == list(range(1, box.newest + 1))
    assert ledger.rows("fork") == []
    assert ledger.adds_up()


@given(troubles, st.integers(0, 40), troubles)
@settings(max_examples=200, deadline=None)
def test_a_clone_never_blocks_a_box_and_never_mixes_with_it(
    before: list[tuple[str, int]], presses: int, after: list[tuple[str, int]]
) -> None:
    box, ledger = BoxDouble(), Ledger()
    for what, value in before:
        if what == "press":
            box.press(value)
        elif what == "exchange":
            v = ledger.take(box.batch(value))
            box.take_ack(v.seq, v.tag)
    clone = box.clone()
    for what, value in after:
        who = box if value % 2 else clone
        if what == "press":
            who.press(value)
        elif what in ("exchange", "lost answer"):
            v = ledger.take(who.batch(value))
            if what == "exchange":
                who.take_ack(v.seq, v.tag)
    clone.press(3, presses + 1)
    for _ in range(60):  # both at once, so that what the ledger remembers of one is not wiped by the other
        for who in (box, clone):
            v = ledger.take(who.batch())
            who.take_ack(v.seq, v.tag)
    talk(box, ledger, 2)
    talk(clone, ledger, 2)
    both = [r.body for r in ledger.rows("record")]
    assert len(both) == len(set(both))
    for who in (box, clone):
        assert {s.packed + s.prev + s.tag for s in who.journal.values()} <= set(both)
    assert ledger.adds_up()


def test_rows_are_chained_over_several_transactions() -> None:
    ledger = Ledger()
    box = BoxDouble()
    for _ in range(3):
        box.press(1, 2)
        ledger.take(box.batch())
    before = chain.GENESIS
    for row in ledger.rows():
        assert row.hash == chain.row_hash(before, row[:7], row.body)
        before = row.hash
    assert len(ledger.rows()) == 6


def test_rows_cannot_be_edited_or_deleted_by_a_slip_of_the_hand() -> None:
    box, ledger = BoxDouble(), Ledger()
    box.press(1)
    talk(box, ledger)
    for slip in ("UPDATE row SET at_ms = 0", "DELETE FROM row"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            ledger.conn.execute(slip)
