"""The fold from ledger rows to ratings: settle, dating and attribution put together, in the rows' order.

Each row is taken once. What must be remembered between rows lies in tables of ratings.db (`life`,
`undated`, `badge`, `tested`, `fact`), read when first needed and written by flush(). It refuses to look at a clock,
and at rows of branches other than the main one: those presses are kept in the ledger and alarmed, never
rated. Longer than 300 lines: a rating's whole way is in one file.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable

import msgspec

from manyi.core import known, stores
from manyi.core import record as rec
from manyi.core.days import day_begin
from manyi.core.duty import stay as duty
from manyi.core.ledger.reader import Row
from manyi.core.ratings import signed
from manyi.core.ratings.dating import (
    BY_BOUNDS,
    BY_CLOCK,
    UP_MAX_MS,
    Dating,
    bounds,
    date,
    learn,
    observe,
    plausible,
    reach,
    within,
)
from manyi.core.ratings.lives import Life, Lives
from manyi.core.ratings.rating import COLUMNS, Rating
from manyi.core.ratings.settle import LEVELS, Press, Visit, settle
from manyi.core.ratings.sums import Sums
from manyi.core.roster.attribution import Touched, staff_of, touched
from manyi.core.roster.facts import KEYS, Change, Facts
from manyi.core.roster.model import Roster
from manyi.core.roster.policy import VISIT_MS, visit_ms_of

PACKING_MASK, PACKING_1 = 0x0F, 0x01  # low half of `fmt`: how the record is packed
NO_VISIT = bytes(10)  # `data` of a press without visit id and business type
NOTABLE = frozenset({"loss", "break", "fork"})  # rows that somebody should hear of
KEYTEST_PASSED = 1  # `reason` of a key test; a third is one that was abandoned
KEYTEST_FAILED = 2  # somebody was there and an asked key did not come
DETAIL_CHARS = 200  # of a row's body kept with an alarm; the ledger has it whole
_MARKS = ",".join("?" * len(COLUMNS))
_NAMES = ",".join(COLUMNS)
_ONE = f"SELECT {_NAMES} FROM rating WHERE box = ? AND life = ? AND seq = ?"
_OF_SPAN = f"""
SELECT {_NAMES} FROM rating INDEXED BY rating_time WHERE time_ms >= ? AND time_ms < ? AND window = ?"""
_NEWEST_BADGE = """
SELECT badge FROM badge WHERE box = ? AND time_ms BETWEEN ? AND ?
ORDER BY time_ms DESC, life DESC, seq DESC LIMIT 1"""

_TESTED = (
    "INSERT INTO tested VALUES (?, ?) ON CONFLICT DO UPDATE SET time_ms = max(time_ms, excluded.time_ms)"
)

Key = tuple[str, str, int]


class Fold:
    """Takes rows, then flushes. Belongs to one transaction at a time; after a rollback it must be thrown
    away.
    """

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._facts = Facts()
        for row_id, kind, body in conn.execute("SELECT id, kind, body FROM fact ORDER BY id"):
            self._facts.apply(Row(row_id, 0, kind, "", "", 0, 0, body))
        self._roster = Roster(self._facts)
        self._visit_ms = self._policy()
        self._badged = {box for (box,) in conn.execute("SELECT DISTINCT box FROM badge")}
        self._spoken = signed.windows(conn)
        self._lives = Lives(conn)
        self._fresh: dict[Key, Rating] = {}
        self._superseded: list[Rating] = []
        self._sums = Sums()
        self._import: list[Change] = []
        self._import_row: Row | None = None
        self._counts: Counter[str] = Counter()

    def take(self, row: Row) -> None:
        """The next row of the ledger."""
        if self._import_row is not None and (row.kind not in KEYS or row.at_ms != self._import_row.at_ms):
            self._end_of_import()
        if row.kind == "record":
            if row.branch == 0:
                self._record(row)
        elif row.kind in KEYS:
            self._fact(row)
        elif row.kind == known.KIND:
            if row.branch == 0:  # else it is of a fork, and no rating
                self._known(row)
        elif row.kind == duty.KIND:
            self._signin(row)
        elif row.kind in NOTABLE:
            self._alarm(row, row.kind, row.body[:DETAIL_CHARS].decode(errors="replace"))

    def flush(self) -> None:
        """Writes what the rows taken so far have changed."""
        self._end_of_import()
        self._write()

    def _write(self) -> None:
        conn, rating = self._conn, msgspec.structs.astuple
        conn.executemany(f"INSERT INTO version VALUES ({_MARKS})", map(rating, self._superseded))
        conn.executemany(
            f"INSERT OR REPLACE INTO rating VALUES ({_MARKS})", map(rating, self._fresh.values())
        )
        conn.executemany("INSERT INTO change VALUES (NULL, ?, ?, ?)", self._fresh)
        self._sums.write(conn)
        self._lives.write()
        for name, more in self._counts.items():
            stores.add(conn, name, more)
        self._superseded.clear()
        self._fresh.clear()
        self._counts.clear()

    # -- records

    def _record(self, row: Row) -> None:
        fmt, kind, boot, _, up_ms, _, _, _, level, reason, _, flags, data = rec.PACKED.unpack_from(row.body)
        if fmt & PACKING_MASK != PACKING_1:
            self._counts["unread"] += 1  # a packing of the future: kept in the ledger, not guessed at
            self._counts["unread_presses"] += sum(rec.own(kind, level))  # as the ledger counts what it stores
            return
        up_ms = min(up_ms, UP_MAX_MS)
        life = self._lives.get(row.box, row.life, row.id)
        if life.dating.clock is None or life.dating.boot != boot:
            life.dating = observe(life.dating, boot, up_ms, row.at_ms)
            self._lives.changed.add((row.box, row.life))
        if kind == rec.PRESS:
            if level not in LEVELS:
                self._counts["unrated"] += 1
                return
            visit, biz = ("", 0) if data.startswith(NO_VISIT) else rec.visit_of(rec.unpack(row.body))
            prompted = bool(flags & rec.FLAG_PROMPTED)
            self._press(
                row, life, Press(row.seq, boot, up_ms, level, reason, prompted, visit, biz, row.at_ms)
            )
        elif kind == rec.CLOCK:
            self._clock(row, life, up_ms, rec.clock_of(rec.unpack(row.body))[0])
        elif kind == rec.KEYTEST and reason in (KEYTEST_PASSED, KEYTEST_FAILED):
            clock = life.dating.clock
            time_ms = (
                row.at_ms if clock is None else _sane(date(clock, up_ms), row.at_ms, life.dating.reached_ms)
            )
            self._conn.execute(_TESTED, (row.box, time_ms))
            if reason == KEYTEST_FAILED:
                self._alarm(row, "keytest", data.hex())
        elif kind == rec.DUTY and reason in (rec.DUTY_IN, rec.DUTY_OUT, rec.DUTY_CLOSING):
            badge = rec.badge_of(rec.unpack(row.body)) if reason == rec.DUTY_IN else ""
            if life.dating.clock is None:
                self._wait(row, boot, 0, msgspec.msgpack.encode((up_ms, badge, row.at_ms)))
            else:
                time_ms = _sane(date(life.dating.clock, up_ms), row.at_ms, life.dating.reached_ms)
                self._sign(row, row.life, row.seq, time_ms, badge)

    def _press(self, row: Row, life: Life, press: Press) -> None:
        visit = life.newest = settle(life.newest, press, self._visit_ms)
        self._lives.changed.add((row.box, row.life))
        clock = life.dating.clock
        if clock is None:
            self._wait(row, visit.boot, visit.presses, msgspec.msgpack.encode(visit), visit.seq)
        elif visit.seq == press.seq:
            self._release(row, row.life, visit, date(clock, visit.up_ms), BY_CLOCK, life.dating.reached_ms)
            life.dating = reach(life.dating, press.up_ms, row.at_ms)
        else:
            self._revise(row, visit)

    def _clock(self, row: Row, life: Life, up_ms: int, unix_ms: int) -> None:
        if not plausible(life.dating, unix_ms, row.at_ms):
            self._alarm(row, "clock", str(unix_ms))
            return
        since_ms = life.dating.since_ms
        life.dating, begins = learn(life.dating, up_ms, unix_ms)
        self._lives.changed.add((row.box, row.life))
        if not begins:
            return
        self._date(row, row.life, begins, life.dating.boot, since_ms)
        before_ms = min(begins.values())
        older = "SELECT life, born FROM life WHERE box = ? AND born < ? ORDER BY born DESC"
        for name, born in self._conn.execute(older, (row.box, life.born)).fetchall():
            earlier = self._lives.get(row.box, name, born)
            if earlier.dating.spans:
                begins = bounds(earlier.dating.spans, before_ms)
                since_ms = earlier.dating.since_ms
                earlier.dating = Dating(earlier.dating.boot, None, (), since_ms, earlier.dating.reached_ms)
                self._lives.changed.add((row.box, name))
                self._date(row, name, begins, None, since_ms)
                before_ms = min(before_ms, *begins.values())

    # -- what waits for a date

    def _wait(self, row: Row, boot: int, presses: int, body: bytes, seq: int = 0) -> None:
        values = (row.box, row.life, seq or row.seq, boot, presses, body)
        self._conn.execute("INSERT OR REPLACE INTO undated VALUES (?, ?, ?, ?, ?, ?)", values)

    def _date(self, row: Row, life: str, begins: dict[int, int], by_clock: int | None, since_ms: int) -> None:
        """Dates what waits in these boots of a life, in its order; `by_clock` is the boot that knows the time, and
        `since_ms` how far the box had got before them.
        """
        query = "SELECT seq, boot, presses, body FROM undated WHERE box = ? AND life = ? ORDER BY seq"
        for seq, boot, presses, body in self._conn.execute(query, (row.box, life)).fetchall():
            if boot not in begins:
                continue
            if presses:
                visit = msgspec.msgpack.decode(body, type=Visit)
                how = BY_CLOCK if boot == by_clock else BY_BOUNDS
                self._release(row, life, visit, begins[boot] + visit.up_ms, how, since_ms)
            else:
                up_ms, badge, at_ms = msgspec.msgpack.decode(body, type=tuple[int, str, int])
                self._sign(row, life, seq, _sane(begins[boot] + up_ms, at_ms, since_ms), badge)
            self._conn.execute(
                "DELETE FROM undated WHERE box = ? AND life = ? AND seq = ?", (row.box, life, seq)
            )

    # -- ratings

    def _release(self, row: Row, life: str, v: Visit, time_ms: int, dated: str, since_ms: int) -> None:
        dated = dated if within(time_ms, v.at_ms, since_ms) else BY_BOUNDS
        time_ms = _sane(time_ms, v.at_ms, since_ms)
        place = self._roster.where(row.box, time_ms)
        staff = self._staff(row.box, place.window, time_ms)
        new = Rating(
            row.box, life, v.seq, 1, row.id, row.at_ms, v.boot, v.up_ms, time_ms, dated, v.level, v.first,
            v.presses, int(v.prompted), v.flags, v.reason, v.visit, v.biz,
            max(0, v.at_ms - time_ms), *place, staff,
        )  # fmt: skip
        self._fresh[row.box, life, v.seq] = new
        self._sums.add(new)

    def _revise(self, row: Row, v: Visit) -> None:
        """A further press of a visit that is out already."""
        old = self._rating((row.box, row.life, v.seq))
        assert old is not None
        self._supersede(row, old, level=v.level, presses=v.presses, prompted=int(v.prompted), flags=v.flags,
                        reason=v.reason, visit=v.visit, biz=v.biz)  # fmt: skip

    def _known(self, row: Row) -> None:
        old, said = self._rating((row.box, row.life, row.seq)), known.said(row.body)
        if old is not None and not old.known_ms and said is not None:  # the first word stands
            self._supersede(row, old, known_ms=row.at_ms, known_by=said[0], known_role=said[1])

    def _rating(self, key: Key) -> Rating | None:
        found = self._fresh.get(key) or self._conn.execute(_ONE, key).fetchone()
        return found if found is None or isinstance(found, Rating) else Rating(*found)

    def _supersede(self, row: Row, old: Rating, **new: int | str) -> None:
        self._superseded.append(old)
        fresh = msgspec.structs.replace(old, version=old.version + 1, row_id=row.id, at_ms=row.at_ms, **new)
        self._fresh[old.box, old.life, old.seq] = fresh
        self._sums.add(old, -1)
        self._sums.add(fresh)

    def _staff(self, box: str, window: str, time_ms: int) -> str:
        badge: str | None = None
        if box in self._badged:
            found = self._conn.execute(_NEWEST_BADGE, (box, day_begin(time_ms), time_ms)).fetchone()
            badge = None if found is None else found[0]
        told = None
        if badge is None and window in self._spoken:
            told = signed.who(self._conn, self._roster, window, time_ms)
        return staff_of(self._roster, window, time_ms, badge, told)

    def _sign(self, row: Row, life: str, seq: int, time_ms: int, badge: str) -> None:
        self._badged.add(row.box)
        values = (row.box, time_ms, life, seq, badge)
        self._conn.execute("INSERT OR REPLACE INTO badge VALUES (?, ?, ?, ?, ?)", values)

    def _signin(self, row: Row) -> None:
        """Whom a system told of, from then on to midnight; a correction re-attributes that day's ratings."""
        source, stays = duty.said(row.body)
        spans: set[signed.Span] = set()
        for stay in stays:
            spans.update(signed.put(self._conn, row.id, source, stay))
        self._spoken.update(window for window, _, _ in spans)
        self._of_spans(row, spans)

    def _of_spans(self, row: Row, spans: Iterable[signed.Span]) -> None:
        since: dict[tuple[str, int], int] = {}
        for window, begin_ms, end_ms in spans:
            since[window, end_ms] = min(begin_ms, since.get((window, end_ms), begin_ms))
        if not since:
            return
        self._write()
        for (window, end_ms), begin_ms in since.items():
            for values in self._conn.execute(_OF_SPAN, (begin_ms, end_ms, window)).fetchall():
                self._judge_again(row, Rating(*values))
        self._write()

    # -- the roster

    def _fact(self, row: Row) -> None:
        self._conn.execute("INSERT INTO fact VALUES (?, ?, ?, ?)", (row.id, row.at_ms, row.kind, row.body))
        change = self._facts.apply(row)
        if row.kind == "policy":
            self._visit_ms = self._policy()
        elif change is not None:
            self._import.append(change)
            self._import_row = row

    def _end_of_import(self) -> None:
        """Re-attributes what the rows of one import together have changed."""
        if self._import_row is None:
            return
        row, changes = self._import_row, self._import
        self._import_row, self._import = None, []
        before, self._roster = self._roster, Roster(self._facts)
        what = touched(changes, before, self._roster)
        if what:
            self._write()
            for one in what:
                self._reattribute(row, one)

    def _reattribute(self, row: Row, what: Touched) -> None:
        if what.staff:
            self._of_spans(row, signed.of_staff(self._conn, what.staff))
            return
        if not what.box:
            query: str = "SELECT DISTINCT box, 0 FROM life"
            values: tuple[str, ...] = ()
            if what.badge:
                query = "SELECT box, min(time_ms) FROM badge WHERE badge = ? GROUP BY box"
                values = (what.badge,)
            for box, since_ms in self._conn.execute(query, values).fetchall():
                self._reattribute(row, Touched(box, "", since_ms))
            return
        query = f"SELECT {_NAMES} FROM rating WHERE box = ? AND time_ms >= ?"
        for values_of in self._conn.execute(query, (what.box, what.from_ms)).fetchall():
            self._judge_again(row, Rating(*values_of))
        self._write()

    def _judge_again(self, row: Row, old: Rating) -> None:
        place = self._roster.where(old.box, old.time_ms)
        staff = self._staff(old.box, place.window, old.time_ms)
        if (*place, staff) != (old.county, old.township, old.hall, old.window, old.staff):
            self._supersede(
                row, old, county=place.county, township=place.township, hall=place.hall,
                window=place.window, staff=staff,
            )  # fmt: skip

    # -- small things

    def _policy(self) -> int:
        stated = self._facts.of("policy")
        return visit_ms_of(stated[0]) if stated else VISIT_MS

    def _alarm(self, row: Row, kind: str, detail: str) -> None:
        values = (row.id, row.at_ms, kind, row.box, row.life, row.seq, detail)
        self._conn.execute("INSERT INTO alarm VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", values)


def _sane(time_ms: int, at_ms: int, since_ms: int) -> int:
    """A date that can be; else the receipt."""
    return time_ms if within(time_ms, at_ms, since_ms) else at_ms
