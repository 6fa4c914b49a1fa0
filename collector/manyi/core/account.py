"""The account: does every press that a box reports lie in the ledger, wait in the box, or stand as an admitted loss?

    pressed = stored + waiting + lost            per box, over all its lives and branches

pressed   what the box counts: n of its newest record in the ledger, or of its last beat if that is ahead, plus
          what it has forgotten since (a rotten tail that the ledger has).
stored    presses in the ledger's rows. `forked` of them lie on side branches (a clone) and are never rated.
waiting   counted in the last beat and not in the ledger yet; they lie in the box's journal.
lost      in the ledger's loss rows, exact per level: the box's own where its `loss` records admit the range,
          otherwise the centre's (acknowledged once, and the ledger lost it).
unknown   "at most": presses of which nobody can say whether they were made. Three sources:
          - slots that the box admits as torn or rotten without a count, where the ledger lacks the record;
          - a life that has ended (the box reported another since): what waited then never comes, plus what may
            have been pressed between its last beat (or record) and the first word of the next life;
          - a box that is silent: what may have been pressed since its last beat (what waits in it, waits).
          What may have been pressed is at least 1, at most one a second and what the journal had room for.

A box does not add up (`ok` False) if its own count does not equal what lies in rows and loss rows: a row was added or
removed, or the box lies. Pure but for `read`; refuses to round anything away.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, NamedTuple

from manyi.core.ledger import heads
from manyi.core.ledger.ingest import Head
from manyi.core.record import LOSS, Admitted, Levels, loss_of, unpack

SILENT_MS: Final = 180_000  # three beats missed at the default of 60 s
PRESS_EVERY_MS: Final = 1_000  # nobody keeps pressing faster than this for minutes on end
ROOM_MAX: Final = 8_064  # records in a journal of 512 KiB: 128 blocks of 63 slots

_BEATS: Final = "SELECT box, life, at_ms, n_s, n_b, n_d, depth, room FROM beat ORDER BY at_ms"
_LOSSES: Final = """
SELECT box, head, rows FROM (SELECT head, count(*) AS rows FROM row WHERE kind <> 'record' AND kind = 'loss'
GROUP BY head) JOIN head h ON h.id = head"""
_LOSSES_OF: Final = "SELECT body FROM row WHERE kind <> 'record' AND kind = 'loss' AND head = ?"


@dataclass(frozen=True, slots=True)
class Gap:
    """A loss row."""

    first: int
    last: int
    lost: Levels


@dataclass(frozen=True, slots=True)
class LastBeat:
    at_ms: int
    n: Levels
    depth: int
    room: int


@dataclass(slots=True)
class Life:
    """All that the account needs to know of one life. `seen_ms`: its first and newest row (0: none)."""

    box: str
    life: str
    heads: list[Head] = field(default_factory=list)
    gaps: list[tuple[int, Gap]] = field(default_factory=list)  # with the head's id
    admitted: list[Admitted] = field(default_factory=list)
    beat: LastBeat | None = None
    first_ms: int = 0
    newest_ms: int = 0


class Line(NamedTuple):
    """One box's account, in presses."""

    box: str
    pressed: int
    stored: int
    forked: int
    waiting: int
    lost_box: int
    lost_centre: int
    unknown: int
    lives: int
    ok: bool

    @property
    def lost(self) -> int:
        return self.lost_box + self.lost_centre


@dataclass(frozen=True, slots=True)
class Account:
    lines: tuple[Line, ...]
    total: Line

    @property
    def ok(self) -> bool:
        return self.total.ok


class Told(NamedTuple):
    """Rows of the ledger, as they are, of which one box's line is made."""

    heads: list[tuple[Any, ...]]
    beats: list[tuple[Any, ...]]
    losses: list[tuple[str, int, int]]
    """Box, head, number of loss rows; not the rows: what is in them never changes."""


@dataclass(slots=True)
class Memory:
    """What whoever looks often keeps beside its connection. Of each box: what was told, the line made of that, and until
    when it holds if nothing else is told: most boxes have said nothing new since the last look. And the boxes' own loss
    records of lives with loss rows, by head, and up to which seq they were looked for: a county that was once cut off has
    millions of records, and they never change.
    """

    boxes: dict[str, tuple[Told, int, Line]] = field(default_factory=dict)
    upto: dict[int, int] = field(default_factory=dict)
    admitted: dict[int, list[Admitted]] = field(default_factory=dict)


def read(
    conn: sqlite3.Connection, now_ms: int, silent_ms: int = SILENT_MS, memory: Memory | None = None
) -> Account:
    """The account of everything in the ledger, from one snapshot of it. `memory`: of this ledger and no other, and
    always with the same `silent_ms`."""
    memory = Memory() if memory is None else memory
    lines = []
    conn.execute("BEGIN")
    try:
        for box, told in sorted(_told(conn).items()):
            known = memory.boxes.get(box)
            if known is None or now_ms > known[1] or known[0] != told:
                lives = _lives(conn, box, told, memory)
                known = told, _holds_until(lives, silent_ms), _line(box, lives, now_ms, silent_ms)
                memory.boxes[box] = known
            lines.append(known[2])
    finally:
        conn.execute("COMMIT")
    return Account(tuple(lines), added("", lines))


def account(lives: Iterable[Life], now_ms: int, silent_ms: int = SILENT_MS) -> Account:
    """`lives` of a box in the order in which they were first seen."""
    by_box: dict[str, list[Life]] = {}
    for life in lives:
        by_box.setdefault(life.box, []).append(life)
    lines = tuple(_line(box, of_box, now_ms, silent_ms) for box, of_box in sorted(by_box.items()))
    return Account(lines, added("", lines))


def _line(box: str, lives: Sequence[Life], now_ms: int, silent_ms: int) -> Line:
    following = [*lives[1:], None]
    lines = [_of_life(life, after, now_ms, silent_ms) for life, after in zip(lives, following, strict=True)]
    return lines[0] if len(lines) == 1 else added(box, lines, len(lines))


def _holds_until(lives: Sequence[Life], silent_ms: int) -> int:
    """The last moment at which the line of a box is what it is now if it says nothing: then its silence counts."""
    if not all(_first_word(life) for life in lives[1:]):
        return 0  # a life that ended, and nobody knows when: that it is not later than now counts
    return _last_word(lives[-1]) + silent_ms


def _of_life(life: Life, after: Life | None, now_ms: int, silent_ms: int) -> Line:
    stored = sum(sum(h.stored) for h in life.heads)
    forked = sum(sum(h.stored) for h in life.heads if h.branch)
    known = [max((h.n[i] for h in life.heads), default=0) for i in range(3)]
    counted = sum(sum(h.n) - sum(h.n0) + sum(h.forgot) for h in life.heads)
    ahead = sum(max(0, life.beat.n[i] - known[i]) for i in range(3)) if life.beat else 0
    lost_box, lost_centre = _blame(life)
    unknown = _uncounted(life)
    if after is not None:
        end_ms = _first_word(after) or now_ms
        unknown += ahead + _may_have_been(life, end_ms)
        waiting = 0
    else:
        waiting = ahead
        if now_ms - _last_word(life) > silent_ms:
            unknown += _may_have_been(life, now_ms)
    ok = all(h.n[i] - h.n0[i] + h.forgot[i] == h.stored[i] + h.lost[i] for h in life.heads for i in range(3))
    return Line(
        life.box, counted + waiting, stored, forked, waiting, lost_box, lost_centre, unknown, 1, ok
    )  # fmt: skip


def _blame(life: Life) -> tuple[int, int]:
    """Presses in loss rows as (the box's, the centre's). A row that is covered only in part is the box's as far
    as its own records count presses in it, at most the row."""
    ours = theirs = 0
    for _, gap in life.gaps:
        lost = sum(gap.lost)
        touching = [a for a in life.admitted if a.first <= gap.last and a.last >= gap.first]
        if covers(touching, gap):
            theirs += lost
        else:
            part = min(lost, sum(sum(a.lost) for a in touching))
            theirs += part
            ours += lost - part
    return theirs, ours


def covers(admitted: Iterable[Admitted], gap: Gap) -> bool:
    """Whether the box's own loss records speak for every seq of the gap."""
    upto = gap.first
    for a in sorted(admitted, key=lambda a: a.first):
        if a.first <= upto:
            upto = max(upto, a.last + 1)
    return upto > gap.last


def _uncounted(life: Life) -> int:
    """Slots that the box admits without a count, as far as they lie in a gap of the ledger."""
    return sum(
        max(0, min(a.last, gap.last) - max(a.first, gap.first) + 1)
        for a in life.admitted
        if not a.counted
        for _, gap in life.gaps
    )


def _may_have_been(life: Life, end_ms: int) -> int:
    last_word, room = (life.beat.at_ms, life.beat.room) if life.beat else (life.newest_ms, ROOM_MAX)
    return max(1, min(room, -(-(end_ms - last_word) // PRESS_EVERY_MS)))


def _first_word(life: Life) -> int:
    times = [t for t in (life.first_ms, life.beat.at_ms if life.beat else 0) if t]
    return min(times, default=0)


def _last_word(life: Life) -> int:
    return max(life.beat.at_ms if life.beat else 0, life.newest_ms)


def added(box: str, lines: Sequence[Line], lives: int | None = None) -> Line:
    figures = [sum(map(itemgetter(at), lines)) for at in range(1, len(Line._fields) - 1)]
    total = Line._make((box, *figures, all(line.ok for line in lines)))
    return total if lives is None else total._replace(lives=lives)


def _told(conn: sqlite3.Connection) -> dict[str, Told]:
    """What every box's line is made of."""
    found: dict[str, Told] = defaultdict(lambda: Told([], [], []))
    for row in conn.execute(heads.ALL):
        found[row[0]].heads.append(row)
    for row in conn.execute(_BEATS):
        found[row[0]].beats.append(row)
    for row in conn.execute(_LOSSES):
        found[row[0]].losses.append(row)
    return found


def _lives(conn: sqlite3.Connection, box: str, told: Told, memory: Memory) -> list[Life]:
    """In the order in which they were first seen."""
    found: dict[str, Life] = {}
    of_head: dict[int, Life] = {}
    for _, life, *head in told.heads:
        entry = found.setdefault(life, Life(box, life))
        entry.heads.append(heads.head(tuple(head)))
        of_head[entry.heads[-1].id] = entry
    for _, head_id, _ in told.losses:
        for (body,) in conn.execute(_LOSSES_OF, (head_id,)):
            fields = json.loads(body)
            of_head[head_id].gaps.append((head_id, Gap(fields["from"], fields["to"], tuple(fields["lost"]))))
    for entry in found.values():
        if entry.gaps:
            entry.admitted = _admitted(conn, entry.heads, memory)
        _times(conn, entry)
    for _, life, at_ms, s, b, d, depth, room in told.beats:
        found.setdefault(life, Life(box, life)).beat = LastBeat(at_ms, (s, b, d), depth, room)
    return sorted(found.values(), key=_first_word)


def _admitted(conn: sqlite3.Connection, branches: Sequence[Head], memory: Memory) -> list[Admitted]:
    """The box's own loss records. Asked only where there are loss rows: the first time it reads the life's records."""
    query = "SELECT body FROM row WHERE head = ? AND kind = 'record' AND seq > ? AND substr(body, 2, 1) = ? ORDER BY seq"
    found = []
    for h in branches:
        known = memory.admitted.setdefault(h.id, [])
        rows = conn.execute(query, (h.id, memory.upto.get(h.id, -1), bytes([LOSS])))
        known += [loss_of(unpack(body)) for (body,) in rows]
        memory.upto[h.id] = h.seq
        found += known
    return found


def _times(conn: sqlite3.Connection, life: Life) -> None:
    query = "SELECT at_ms FROM row WHERE kind = 'record' AND head = ? AND seq = ?"
    main = life.heads[0]
    for name, seq in (("first_ms", main.start), ("newest_ms", main.seq)):
        found = conn.execute(query, (main.id, seq)).fetchone()
        setattr(life, name, found[0] if found else 0)
