"""The pipeline's one transaction: everything that has come in goes into the ledger, or none of it.

Answers are given back only after the commit has returned, which with synchronous=FULL is after the fsync.
Refuses to decide what a batch means (ingest.py), to send anything, and to remember the chain's end between
transactions: roster imports append rows too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from manyi.core import stores
from manyi.core.ledger import chain, heads, reader
from manyi.core.ledger.ingest import LIVES_MAX, Head, Verdict, judge
from manyi.core.record import BODY_BYTES, TAG_BYTES
from manyi.core.wire import Batch, Beat, Reply, State, Unreadable

ASIDE_MAX: Final = 10_000  # messages kept aside, oldest out first: 40 MB at most, weeks of ordinary noise
ASIDE_TOPIC_MAX: Final = 256  # characters; a topic may be 64 KiB long
ASIDE_PAYLOAD_MAX: Final = 4096  # bytes; the longest payload that could have been right

_ROW: Final = "INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?)"
_TAGS: Final = "SELECT seq, body FROM row WHERE head = ? AND kind = 'record' AND seq BETWEEN ? AND ?"
# A beat played again may neither take the place of a newer one nor say that a box lives: the account counts from
# its time. Boots are compared too: seq may fall behind when a box forgets a rotten tail, and then only after a new
# boot. A boot that wrote nothing begins its up_ms again under the same number; its clock record, one ack later, tells.
_BEAT: Final = """
INSERT INTO beat VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (box, life) DO UPDATE SET at_ms = excluded.at_ms, boot = excluded.boot, up_ms = excluded.up_ms,
  seq = excluded.seq, n_s = excluded.n_s, n_b = excluded.n_b, n_d = excluded.n_d, depth = excluded.depth,
  oldest_ms = excluded.oldest_ms, lost_s = excluded.lost_s, lost_b = excluded.lost_b,
  lost_d = excluded.lost_d, unknown = excluded.unknown, room = excluded.room, clock = excluded.clock,
  stuck = excluded.stuck, heap = excluded.heap, rssi = excluded.rssi, erases = excluded.erases,
  faults = excluded.faults, config = excluded.config
WHERE excluded.boot > beat.boot OR excluded.seq > beat.seq
  OR (excluded.seq = beat.seq AND excluded.up_ms > beat.up_ms)"""
_OTHER_BEATS: Final = "SELECT count(*) FROM beat WHERE box = ? AND life <> ?"
_ONLINE: Final = "INSERT OR REPLACE INTO state VALUES (?, ?, 1, ?, ?, ?, ?)"
_OFFLINE: Final = """
INSERT INTO state VALUES (?, ?, 0, '', '', 0, 0)
ON CONFLICT (box) DO UPDATE SET at_ms = excluded.at_ms, online = 0"""
_REPLY: Final = "INSERT OR REPLACE INTO reply VALUES (?, ?, ?, ?, ?)"
_ASIDE: Final = "INSERT INTO aside (at_ms, topic, why, payload) VALUES (?, ?, ?, ?)"
_ASIDE_TRIM: Final = "DELETE FROM aside WHERE id <= (SELECT max(id) FROM aside) - ?"


class Work(NamedTuple):
    """What one transaction takes in. `again` holds the boxes whose batch was answered before, unstored."""

    batches: Sequence[Batch] = ()
    beats: Sequence[Beat] = ()
    states: Sequence[State] = ()
    replies: Sequence[Reply] = ()
    asides: Sequence[Unreadable] = ()
    again: frozenset[str] = frozenset()


class Done(NamedTuple):
    """One verdict per batch, in order, and how many rows were appended."""

    verdicts: list[Verdict]
    rows: int


def commit(conn: sqlite3.Connection, work: Work, now_ms: int) -> Done:
    """Takes `work` in. Raises sqlite3.Error if it could not be committed; then nothing of it is stored."""
    with stores.transaction(conn):
        verdicts, rows = _batches(conn, work.batches, work.again, now_ms)
        for b in work.beats:
            if conn.execute(_OTHER_BEATS, (b.box, b.life)).fetchone()[0] >= LIVES_MAX:
                continue
            conn.execute(
                _BEAT,
                (
                    b.box, b.life, now_ms, b.boot, b.up_ms, b.seq, *b.n, b.depth, b.oldest_ms, *b.lost,
                    b.unknown, b.room, b.clock, b.stuck, b.heap, b.rssi, b.erases, b.faults, b.config,
                ),
            )  # fmt: skip
        for s in work.states:
            if s.online:
                conn.execute(_ONLINE, (s.box, now_ms, s.fw, s.life, s.boot, s.reason))
            else:
                conn.execute(_OFFLINE, (s.box, now_ms))
        for r in work.replies:
            conn.execute(_REPLY, (r.box, now_ms, r.id, r.ok, r.text))
        if work.asides:
            conn.executemany(_ASIDE, [_aside(a, now_ms) for a in work.asides])
            conn.execute(_ASIDE_TRIM, (ASIDE_MAX,))
    return Done(verdicts, rows)


def _batches(
    conn: sqlite3.Connection, batches: Sequence[Batch], again: frozenset[str], now_ms: int
) -> tuple[list[Verdict], int]:
    def stored(head: Head, first: int, last: int) -> Mapping[int, bytes]:
        found = conn.execute(_TAGS, (head.id, first, last))
        return {seq: body[BODY_BYTES - TAG_BYTES :] for seq, body in found}

    row_id, before = reader.tail(conn)
    start = row_id
    verdicts: list[Verdict] = []
    for batch in batches:
        box, life = batch.box, batch.life
        known = heads.of_life(conn, box, life)
        is_full = not known and heads.lives(conn, box) >= LIVES_MAX
        verdict = judge(known, batch, stored, again=box in again, is_full=is_full)
        verdicts.append(verdict)
        if verdict.head is None:
            continue
        head_id, branch = heads.save(conn, box, life, verdict.head), verdict.head.branch
        made = []
        for row in verdict.rows:
            row_id += 1
            before = chain.row_hash(before, (row_id, now_ms, row.kind, box, life, branch, row.seq), row.body)
            made.append((row_id, now_ms, row.kind, head_id, row.seq, row.body, before))
        conn.executemany(_ROW, made)
    return verdicts, row_id - start


def _aside(a: Unreadable, now_ms: int) -> tuple[int, str, str, bytes]:
    why = f"{a.why}: {a.detail}" if a.detail else a.why
    topic = (
        a.topic[:ASIDE_TOPIC_MAX].encode(errors="replace").decode()
    )  # a lone surrogate is no text to SQLite
    return (now_ms, topic, why, a.payload[:ASIDE_PAYLOAD_MAX])
