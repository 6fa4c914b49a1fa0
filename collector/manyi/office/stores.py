"""The real Source: wall.db and ledger.db through manyi.core, read only. It refuses to keep a connection that has failed."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from manyi.core import account, metrics, stores
from manyi.core.errors import LedgerError
from manyi.core.ledger import reader, schema
from manyi.core.roster.rows import current_roster
from manyi.core.wall import view as wall_view
from manyi.office.errors import HallUnknown, SourceDown

Connection = sqlite3.Connection


class Stores:
    """Opens what it needs when it is asked, and again after any failure: a store may come later than the office."""

    def __init__(self, data_dir: Path, silent_ms: int = account.SILENT_MS) -> None:
        self._wall_file = data_dir / "wall.db"
        self._ledger_file = data_dir / "ledger.db"
        self._silent_ms = silent_ms
        self._wall: Connection | None = None
        self._ledger: Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._current = current_roster()
        self._memory = account.Memory()

    def version(self) -> Hashable:
        """Which file it is, and SQLite's own count of what others committed to it."""
        with self._reading_wall() as conn:
            return self._opened, conn.execute("PRAGMA data_version").fetchone()[0]

    def wall(self, now_ms: int) -> dict[str, Any]:
        with self._reading_wall() as conn:
            return wall_view.snapshot(conn, now_ms)

    def newest(self, tier: str, unit: str) -> list[dict[str, Any]]:
        with self._reading_wall() as conn:
            return wall_view.latest(conn, tier, unit)

    def hall(self, hall: str, now_ms: int) -> dict[str, Any]:
        with self._reading_wall() as conn:
            found = wall_view.hall_snapshot(conn, hall, now_ms)
        if found is None:
            raise HallUnknown(hall)
        return found

    def account(self, now_ms: int) -> dict[str, Any]:
        """The total of every box, with what the wall shows of it; then each box."""
        with self._reading_ledger() as conn:
            found = account.read(conn, now_ms, self._silent_ms, self._memory)
        with self._reading_wall() as conn:
            shown = int(stores.get(conn, "shown", "0"))
            undated = json.loads(stores.get(conn, "health", "{}")).get("account", {}).get("undated", 0)
        total = _line(found.total) | {"shown": shown, "undated": undated}
        del total["box"]
        return total | {"boxes": [_line(line) for line in found.lines]}

    def places(self, now_ms: int) -> dict[str, tuple[str, str]]:
        with self._reading_ledger() as conn:
            roster = self._current.of(conn)
        found = {box: roster.where(box, now_ms) for box in roster.boxes}
        return {box: (place.county, place.hall) for box, place in found.items() if place.window}

    def roster(self) -> dict[str, list[tuple[str, str, str]]]:
        with self._reading_ledger() as conn:
            roster = self._current.of(conn)
        counties = [(u.id, u.zh, u.en) for u in roster.units.values() if u.tier == "county"]
        halls = []
        for hall in (u for u in roster.units.values() if u.tier == "hall"):
            above = roster.units.get(roster.place(hall.id).county)
            zh, en = (above.zh, above.en) if above else ("", "")
            halls.append((hall.id, f"{zh} {hall.zh}".strip(), f"{en} {hall.en}".strip()))
        staff = [(each.id, each.zh, each.en) for each in roster.staff.values()]
        return {"county": sorted(counties), "hall": sorted(halls), "staff": sorted(staff)}

    def ledger(self) -> None:
        with self._reading_ledger() as conn:
            reader.tail(conn)

    def metrics(self) -> bytes:
        return metrics.text()

    @contextmanager
    def _reading_wall(self) -> Iterator[Connection]:
        try:
            found = os.stat(self._wall_file)
            if self._wall is not None and self._opened != (found.st_dev, found.st_ino):
                self._close_wall()  # another file lies there now: a restored or a new one
            if self._wall is None:
                self._wall = stores.open_reader(self._wall_file)
                self._opened = (found.st_dev, found.st_ino)
            yield self._wall
        except (OSError, sqlite3.Error) as error:
            self._close_wall()
            raise SourceDown(f"{self._wall_file.name}: {_why(error)}") from error

    @contextmanager
    def _reading_ledger(self) -> Iterator[Connection]:
        try:
            if self._ledger is None:
                self._current, self._memory = current_roster(), account.Memory()
                self._ledger = schema.open_for_reading(self._ledger_file)
            yield self._ledger
        except (LedgerError, sqlite3.Error) as error:
            _close(self._ledger)
            self._ledger = None
            raise SourceDown(_why(error).replace(f"{self._ledger_file.parent}{os.sep}", "")) from error

    def _close_wall(self) -> None:
        _close(self._wall)
        self._wall = self._opened = None


def _line(line: account.Line) -> dict[str, Any]:
    return line._asdict() | {"lost": line.lost}


def _close(conn: Connection | None) -> None:
    if conn is not None:
        conn.close()


def _why(error: Exception) -> str:
    """One line, for whoever asks."""
    return "no such file" if isinstance(error, FileNotFoundError) else str(error).splitlines()[0]
