"""The ledger checked by the service itself, while it is written: a thread of its own.

Each minute   the rows that have come since the last minute follow on from the row seen then, and that one is what it was;
              only then does roots/latest move on.
Each day      every row of the day that is over is hashed again before its root is published. A day that does not hold
              gets no root: the gap in what is published is seen by everybody.
In between    the whole ledger from its first row, as `manyi verify` without keys does it, once a day.

It works in slices of SLICE_ROWS and rests between them SHARE times as long as a slice took, so that a press never waits for
it (docs/FIGURES.md has how long a city's year takes). What it finds stands in checked.json and is the alarm `chain`. It
refuses to repair, and to move roots/latest over rows that do not hold: the next start then says so in a row (root.py).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from threading import Event
from typing import Final

import structlog

from manyi.core import checked, root, verify
from manyi.core.checked import Broken, Checked, Whole
from manyi.core.config import Data
from manyi.core.days import DAY_MS
from manyi.core.errors import ManyiError
from manyi.core.ledger import reader, schema
from manyi.core.pipeline import unix_ms
from manyi.core.root import Root
from manyi.core.verify import Finding
from manyi.words import both

SLICE_ROWS: Final = 250  # some milliseconds
SHARE: Final = 20  # of one core, at most
MINUTE_S: Final = 60.0
SAID_ROWS: Final = 100_000  # how far a check has come is written so often
NOTES_MOST: Final = 20  # the newest; `manyi verify` has all

GONE: Final = both(
    "不是一分钟前看到的那一行：到此为止有内容被改动或删除",
    "is not the row that stood there a minute ago: something up to here was changed or removed",
)

Rest = Callable[[float], object]
"""Told what a slice took, in seconds."""

log = structlog.get_logger(area="check")


class _Ends(Exception):
    """The service ends, and what is half checked is left so."""


class Checking:
    """`run` in a thread of its own; `note_latest` once more when the service ends, from any thread. `seals`: this is the
    zone where rows are written; a copy is checked, but its roots and its latest row come with its files."""

    def __init__(self, data: Data, now_ms: Callable[[], int] = unix_ms, *, seals: bool = True) -> None:
        self._data, self._now_ms, self._seals = data, now_ms, seals
        self._known: Checked = replace(checked.read(data.checked), began_ms=0, row=0)
        self._seen: tuple[int, bytes] | None = None  # the newest row that was found to hold
        self._breaks_off = False  # what has been seen is not there any more
        self._is_broken_anew = False  # something was found since the check of the whole began
        self._unsealed: set[date] = set()
        self._begin_ms = 0  # when the next check of the whole is due
        self._pass: Iterator[None] | None = None

    def run(self, stop: Event) -> None:
        """Until `stop`. Raises LedgerError if there is no ledger."""

        def rest(took: float) -> None:
            if stop.wait(took * SHARE):
                raise _Ends

        conn = schema.open_for_reading(self._data.ledger)
        try:
            while not stop.is_set():
                end = time.monotonic() + MINUTE_S
                self.minute(conn, rest)
                while (left := end - time.monotonic()) > 0 and not stop.is_set():
                    began = time.monotonic()
                    is_done = self.slice(conn)
                    took = time.monotonic() - began
                    stop.wait(left if is_done else min(left, took * SHARE))
        except _Ends:
            pass
        finally:
            conn.close()

    # -- each minute

    def minute(self, conn: sqlite3.Connection, rest: Rest = lambda _: None) -> None:
        """What came since the last minute, and the days that are over."""
        try:
            if self._follows(conn, rest) and self._seals:
                self._note(conn)
            if self._seals:
                now_ms, folder = self._now_ms(), self._data.roots
                for path in root.publish(conn, folder, now_ms, lambda day: self._holds(conn, day, rest)):
                    log.info("root_written", file=str(path))
        except (ManyiError, OSError, sqlite3.Error) as error:  # tried again; presses go on being taken in
            log.error("minute_not_checked", why=str(error))

    def note_latest(self, conn: sqlite3.Connection) -> None:
        """The last word of a service that ends."""
        try:
            if self._follows(conn, lambda _: None):
                self._note(conn)
        except (OSError, sqlite3.Error) as error:  # a full disk: the pipeline says so too
            log.error("latest_not_written", why=str(error))

    def _note(self, conn: sqlite3.Connection) -> None:
        assert self._seen is not None
        root.write_latest(conn, self._data.roots, self._now_ms(), self._seen)

    def _follows(self, conn: sqlite3.Connection, rest: Rest) -> bool:
        """Whether everything after the row seen last follows on from it. The first time it is taken as it is: the service
        has just compared it with roots/latest."""
        if self._seen is None:
            self._seen = reader.tail(conn)
            return True
        if self._breaks_off:
            return False
        row, digest = self._seen
        if root.hash_of(conn, row) != digest:
            self._breaks_off = True
            self._say(Finding(row, GONE))
            return False
        finding, self._seen = self._chained(conn, self._seen, reader.tail(conn)[0], rest)
        if finding is not None:
            self._breaks_off = True
            self._say(finding)
        return finding is None

    def _holds(self, conn: sqlite3.Connection, sealed: Root, rest: Rest) -> bool:
        if sealed.day in self._unsealed:
            return False  # only a ledger that is put back is another one, and then the service starts again
        finding, _ = self._chained(conn, (sealed.first - 1, sealed.before), sealed.last, rest)
        if finding is None:
            return True
        self._unsealed.add(sealed.day)
        log.error("day_not_sealed", day=sealed.day.isoformat(), row=finding.row)
        self._say(finding)
        return False

    @staticmethod
    def _chained(
        conn: sqlite3.Connection, after: tuple[int, bytes], last: int, rest: Rest
    ) -> tuple[Finding | None, tuple[int, bytes]]:
        """The first row up to `last` whose hash does not follow from `after` on, and the last that does."""
        row_id, digest = after
        while row_id < last:
            began = time.monotonic()
            rows = reader.rows_after(conn, row_id, min(SLICE_ROWS, last - row_id))
            if not rows:
                return Finding(row_id + 1, GONE), (row_id, digest)
            for row in rows:
                if not row.follows(digest):
                    return Finding(row.id, verify.CHANGED, row.box, row.life, row.seq, row.at_ms), (
                        row_id,
                        digest,
                    )
                row_id, digest = row.id, row.hash
            rest(time.monotonic() - began)
        return None, (row_id, digest)

    # -- the whole

    def slice(self, conn: sqlite3.Connection) -> bool:
        """A piece of the whole check; true if none is due."""
        now_ms = self._now_ms()
        if self._pass is None:
            if 0 <= now_ms - self._begin_ms < DAY_MS:
                return True
            self._begin_ms, self._pass = now_ms, self._check(conn, now_ms)
        try:
            next(self._pass)
        except StopIteration:
            self._pass = None
        except (ManyiError, OSError, sqlite3.Error) as error:
            self._pass = None
            log.error("check_broken_off", why=str(error), again="tomorrow, and at the next start")
        return False

    def _check(self, conn: sqlite3.Connection, began_ms: int) -> Iterator[None]:
        self._is_broken_anew = False
        self._keep(replace(self._known, began_ms=began_ms, row=0))
        checker = verify.Checker(roots=root.published(self._data.roots))
        row_id, said = verify.BEFORE_ALL, 0
        finding = None
        while finding is None:
            rows = reader.rows_after(conn, row_id, SLICE_ROWS)
            if len(rows) < SLICE_ROWS:  # the end: what is left and the heads are of one moment
                finding = verify.rest(conn, checker, row_id, self._data.roots)
                break
            finding = next((found for row in rows if (found := checker.feed(row))), None)
            row_id = rows[-1].id
            if row_id - said >= SAID_ROWS:
                said = row_id
                self._keep(replace(self._known, began_ms=began_ms, row=row_id))
            yield
        if finding is not None:
            self._say(finding)
            return
        if self._is_broken_anew:  # behind this check, maybe: one that begins now says whether it still is
            self._begin_ms = 0
            return
        report = verify.report(checker, None)
        whole = Whole(
            began_ms, self._now_ms(), checker.last, checker.hash.hex(), report.records, report.roots,
            report.notes[-NOTES_MOST:],
        )  # fmt: skip
        self._keep(Checked(whole))
        log.info("ledger_checked", rows=report.rows, roots=report.roots, ms=whole.ended_ms - began_ms)

    # -- what is found

    def _say(self, finding: Finding) -> None:
        self._is_broken_anew = True
        had = self._known.broken
        log.error("ledger_broken", row=finding.row, what=finding.text())
        found_ms = had.found_ms if had is not None and had.row == finding.row else self._now_ms()
        broken = Broken(found_ms, finding.row, finding.what, finding.box)
        self._keep(replace(self._known, broken=broken, began_ms=0, row=0))

    def _keep(self, now: Checked) -> None:
        self._known = now
        try:
            checked.write(self._data.checked, now)
        except OSError as error:  # a full disk: the next word is written when it can be
            log.error("checked_not_written", why=str(error))
