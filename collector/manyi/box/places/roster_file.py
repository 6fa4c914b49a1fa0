"""The roster's table of boxes as its bureau keeps it, wherever `manyi roster import` finds it, and rows at its end: a CSV
file, or a sheet of an .xlsx.

The file stays the one truth: an import would withdraw what only the ledger knew. Refuses an .xls (nothing but Excel writes
one well), a workbook that somebody has open, and to leave a file that does not read back as it was with the new rows.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from manyi.box.places import xlsx
from manyi.box.places.place import Placed, beijing
from manyi.box.words import BoxError, Unfit, both
from manyi.core.roster import csvs, sources, table, times
from manyi.core.roster.layouts import BOXES
from manyi.core.roster.table import Grid, Line, Problem, Table

COLUMNS = {"box": "box", "window": "window", "from": "since"}  # of the table, and of Placed


@dataclass(frozen=True, slots=True)
class RosterFile:
    """`roster`: as it was named, a folder or a file. `path`: the file that says where boxes stand, `raw` its bytes as they
    were, `grid` and `table` what it says."""

    roster: Path
    path: Path
    raw: bytes
    grid: Grid
    table: Table

    def had(self) -> list[Placed]:
        """The places it tells. A row without a time that can be read is left for the import to name."""
        dated = [(line.cells, times.moment(line.cells["from"])) for line in self.table.lines]
        return [Placed(c["box"], c["window"], beijing(ms)) for c, ms in dated if ms is not None]

    def add(self, more: list[Placed]) -> None:
        """Raises BoxError; the file is then as it was."""
        rows = [{self.table.at[c]: str(getattr(one, name)) for c, name in COLUMNS.items()} for one in more]
        if self.grid.sheet:
            end = max(number for number, cells in self.grid.rows if any(str(c).strip() for c in cells))
            like = max((line.row for line in self.table.lines), default=0)
            self._put(xlsx.with_rows(self.raw, self.grid.sheet, end, like, rows))
        else:
            self._put(_csv(self.raw, rows))
        try:
            now = _said(opened(self.roster).table.lines)
        except BoxError:
            now = []
        if now != _said(self.table.lines) + [(one.box, one.window, one.since) for one in more]:
            self.restore()
            raise BoxError(
                f"{self.path.name} 写入后读回不一致，已恢复原样：先用 manyi roster check 检查名册",
                f"{self.path.name} does not read back as it should, and is as it was: `manyi roster check` first",
            )

    def restore(self) -> None:
        self._put(self.raw)

    def _put(self, raw: bytes) -> None:
        """Whole or not at all; mode and owner stay."""
        fresh, was = self.path.with_name(f".{self.path.name}.new"), self.path.stat()
        try:
            fresh.write_bytes(raw)
            shutil.copymode(self.path, fresh)
            if hasattr(os, "chown"):  # not on Windows
                with contextlib.suppress(PermissionError):
                    os.chown(fresh, was.st_uid, was.st_gid)
            fresh.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise BoxError(
                f"{self.path} 写不进去：检查权限，或是否有人正打开它",
                f"{self.path} cannot be written ({error}): may you, or has somebody opened it?",
            ) from None


def opened(roster: Path) -> RosterFile:
    """What `manyi roster import` would take of this path. Raises BoxError."""
    found = sources.find(roster)
    grid = found.grids.get("boxes")
    if grid is None:
        raise (
            _unfit(found.problems)
            if found.problems
            else BoxError(
                f"{roster} 里没有“评价器”表：manyi roster template 有样子",
                f"{roster} has no table of boxes: `manyi roster template` shows one",
            )
        )
    path = roster / grid.file if roster.is_dir() else roster
    _writable(path)
    problems: list[Problem] = []
    built = table.build(grid, BOXES, problems, [])
    if not COLUMNS.keys() <= built.at.keys():
        raise _unfit(problems)
    return RosterFile(roster, path, path.read_bytes(), grid, built)


def _unfit(problems: list[Problem]) -> Unfit:
    return Unfit([both(p.text("zh"), p.text("en")) for p in problems])


def _writable(path: Path) -> None:
    """Raises BoxError."""
    if path.suffix.lower() == ".xls":
        raise BoxError(
            f"{path.name} 是旧格式，只能读：用 Excel 或 WPS 另存为 .xlsx，移走旧的再试",
            f"{path.name} has the old format, which can only be read: save it as .xlsx, put the old one away, and again",
        )
    for lock in (f"~${path.name}", f".~lock.{path.name}#"):  # Excel's and WPS's; LibreOffice's
        if path.with_name(lock).exists():
            raise BoxError(
                f"{path.name} 正被打开：保存并关闭表格再试（确实没人打开就删去 {lock}）",
                f"{path.name} is open: save and close it, and again (if nobody has it open, remove {lock})",
            )


def _said(lines: tuple[Line, ...]) -> list[tuple[str, ...]]:
    return [tuple(line.cells[column] for column in COLUMNS) for line in lines]


def _csv(raw: bytes, rows: list[dict[int, str]]) -> bytes:
    """The file with these rows at its end, in its own encoding and its own ends of lines."""
    text = csvs.decode(raw) or ""
    encoding = "utf-8" if raw in (text.encode(), text.encode("utf-8-sig")) else "gb18030"
    end, out = "\r\n" if "\r\n" in text else "\n", io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    for row in rows:
        writer.writerow([row.get(index, "") for index in range(max(row) + 1)])
    gap = "" if text.endswith("\n") else end
    return raw + (gap + out.getvalue()).encode(encoding)
