"""What a batch means to the ledger: "What the collector does with a batch" of docs/WIRE.md, as a pure
function.

Given the heads of the box's life and a way to look up what is stored, `judge` says which rows to append,
where the head then stands and what to answer. It refuses to write, to look at a clock, and to check tags by
key: the collector has none.

Three things go beyond the page's six lines, because nothing may block a box for ever, or be given up unasked:
- A head whose tag is not the box's own is no use to it. A batch that contradicts the ledger is answered with
  seq 0 ("start at your oldest"); and a batch that comes *again* gets the other answer: its own last tag if all
  of it is stored, else seq 0. A genuine box whose ack was merely lost is none the worse for it.
- Before anything is written off as lost, the box is asked once to go back: a rotten slot hides older good ones
  from `base`. The loss row is written when the same batch comes again.
- Records that turn up in a range already written off are kept as a branch, like any other second version.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from manyi.core.record import NO_LEVELS, Levels, own
from manyi.core.wire import Batch, Sealed

# Branches of one life. A real clone makes one; beyond this a hostile box gets answers but no new rows.
BRANCHES_MAX: Final = 64
# Lives of one box. A life is minted where a journal is empty: once in a box's years, or whenever somebody wants one.
LIVES_MAX: Final = 64


class Head(Struct, frozen=True):
    """Where one branch of one life stands, and its counters, all per level.

    `start` is the seq of its first own record, `n0` the box's count before that, `n` the newest record's
    count. `stored` presses in rows, `lost` in loss rows, `forgot`: presses stored that the box's own count
    has lost since. Unless a box lies, n - n0 + forgot = stored + lost.
    """

    id: int
    branch: int
    start: int
    seq: int
    tag: bytes
    n: Levels
    n0: Levels
    stored: Levels = NO_LEVELS
    lost: Levels = NO_LEVELS
    forgot: Levels = NO_LEVELS


class NewRow(Struct, frozen=True, gc=False):
    """A row to append: `body` as reader.Row describes."""

    kind: str
    seq: int
    body: bytes


class Verdict(Struct, frozen=True):
    """`rows` belong to `head`, whose id is 0 if the branch is new. `seq` and `tag` are the answer."""

    rows: tuple[NewRow, ...]
    head: Head | None
    seq: int
    tag: bytes


Stored: TypeAlias = Callable[[Head, int, int], Mapping[int, bytes]]
"""(branch, first, last) to the tags of its own stored records in that range."""


def judge(
    heads: Sequence[Head], batch: Batch, stored: Stored, *, again: bool = False, is_full: bool = False
) -> Verdict:
    """`heads` of the batch's life in branch order; `again`: this very batch was answered without being stored; `is_full`:
    the box has had LIVES_MAX others, and no new one is taken in.
    """
    records = batch.records
    if records:
        for head in heads:  # nearly every batch: it continues a branch
            if batch.first == head.seq + 1 and batch.prev == head.tag:
                return _extend(head, batch.prev, records)
    if not heads:
        return _answer(0, b"") if is_full else _new_life(batch, again)
    branch, matched = _belongs(heads, batch, stored)
    if branch is None:
        return _unmatched(heads, batch, stored, again)
    rest = records[max(0, matched - batch.first + 1) :]
    if rest and branch.seq == matched:
        return _extend(branch, branch.tag, rest)
    if rest and len(heads) < BRANCHES_MAX:
        return _fork(heads, branch, batch, rest, stored)
    own_end = records[-1].tag if records else batch.prev
    return _answer(matched, own_end) if again and not rest else _answer(branch.seq, branch.tag)


def _new_life(batch: Batch, again: bool) -> Verdict:
    if not batch.records or batch.first > batch.base or (batch.base > 1 and not again):
        return _answer(0, b"")
    nothing = Head(0, 0, batch.first, 0, b"", NO_LEVELS, NO_LEVELS)
    return _after_gap(nothing, batch) if batch.base > 1 else _extend(nothing, batch.prev, batch.records)


def _belongs(heads: Sequence[Head], batch: Batch, stored: Stored) -> tuple[Head | None, int]:
    """The branch that shares the most with the batch, and the last seq that they share."""
    best: Head | None = None
    matched = -1
    for head in heads:
        have = stored(head, batch.first - 1, batch.first + len(batch.records) - 1)
        shared = -1
        if have.get(batch.first - 1) == batch.prev:
            shared = batch.first - 1
        for r in batch.records:
            if have.get(r.seq) == r.tag:
                shared = r.seq
        if shared > matched:
            best, matched = head, shared
    return best, matched


def _unmatched(heads: Sequence[Head], batch: Batch, stored: Stored, again: bool) -> Verdict:
    """No tag in common with any branch: by the main branch."""
    main = heads[0]
    cannot_go_back = bool(batch.records) and batch.first == batch.base
    if batch.first > main.seq + 1:
        if not again:
            return _answer(main.seq, main.tag)
        return _after_gap(main, batch) if cannot_go_back else _answer(0, b"")
    if batch.first == main.seq + 1 and cannot_go_back:
        body = _json({"have": main.tag.hex(), "prev": batch.prev.hex()})
        return _extend(main, batch.prev, batch.records, NewRow("break", batch.first, body))
    if batch.first <= main.seq and cannot_go_back and len(heads) < BRANCHES_MAX:
        return _fork(heads, main, batch, batch.records, stored)
    return _answer(0, b"")


def _after_gap(head: Head, batch: Batch) -> Verdict:
    """What lies between the head and the batch is gone: a loss row, exact by the difference of the box's
    counts.
    """
    first = batch.records[0]
    before = _minus(first.n, own(first.kind, first.level))
    lost, forgot = _split(_minus(before, head.n))
    body = _json({"from": head.seq + 1, "to": batch.first - 1, "lost": lost})
    after = Head(
        head.id, head.branch, head.start, head.seq, head.tag, before, head.n0, head.stored,
        _plus(head.lost, lost), _plus(head.forgot, forgot),
    )  # fmt: skip
    return _extend(after, batch.prev, batch.records, NewRow("loss", head.seq + 1, body))


def _fork(
    heads: Sequence[Head], parent: Head, batch: Batch, rest: Sequence[Sealed], stored: Stored
) -> Verdict:
    first = rest[0]
    have = stored(parent, first.seq, first.seq).get(first.seq, b"")
    body = _json({"of": parent.branch, "have": have.hex(), "got": first.tag.hex()})
    before = _minus(first.n, own(first.kind, first.level))
    prev = batch.prev if first.seq == batch.first else batch.records[first.seq - batch.first - 1].tag
    branch = Head(0, heads[-1].branch + 1, first.seq, first.seq - 1, prev, before, before)
    return _extend(branch, prev, rest, NewRow("fork", first.seq, body))


def _extend(head: Head, prev: bytes, records: Sequence[Sealed], *rows: NewRow) -> Verdict:
    """All `records` behind `head`; counts as it goes."""
    made = list(rows)
    n, stored, forgot = head.n, head.stored, head.forgot
    for r in records:
        made.append(NewRow("record", r.seq, r.packed + prev + r.tag))
        prev = r.tag
        adds = own(r.kind, r.level)
        if adds is not NO_LEVELS:
            stored = _plus(stored, adds)
            n = _plus(n, adds)
        if r.n != n:
            forgot = _plus(forgot, _split(_minus(r.n, n))[1])
            n = r.n
    last = records[-1]
    after = Head(head.id, head.branch, head.start, last.seq, last.tag, n, head.n0, stored, head.lost, forgot)
    return Verdict(tuple(made), after, last.seq, last.tag)


def _answer(seq: int, tag: bytes) -> Verdict:
    return Verdict((), None, seq, tag)


def _json(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def _plus(a: Levels, b: Levels) -> Levels:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def _minus(a: Levels, b: Levels) -> Levels:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def _split(change: Levels) -> tuple[Levels, Levels]:
    """A difference of counts as (what is missing here, what the box has forgotten); both at least 0."""
    s, b, d = change
    return (max(s, 0), max(b, 0), max(d, 0)), (max(-s, 0), max(-b, 0), max(-d, 0))
