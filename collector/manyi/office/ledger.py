"""The auditor's page 台账核对: whether the ledger is what was written, since when that is known, and the daily roots.

It shows what the service's own check has found (core/checking.py) and gives the roots away as they were published; what an
outsider does with them stands on it. It refuses to check anything itself: a year takes longer than anybody waits for a page.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from manyi.core import checked, root
from manyi.core.checked import Checked
from manyi.core.config import Data
from manyi.core.errors import ManyiError
from manyi.core.root import Root
from manyi.office.access.scope import Action, needs
from manyi.office.errors import SourceDown
from manyi.office.runtime import current
from manyi.office.tables.answers import log, on_thread, said
from manyi.office.tables.shown import moment
from manyi.words import apart

DAYS_SHOWN: Final = 100  # the newest; the file has all
# Both languages in one file: whoever gets it may not have this page.
READ_ME: Final = """每日封印：每天一份，写着当天最后一行的链值（after）。公布以后，改动到那一天为止的任何一行都会被发现。
核对：请控制中心导出（manyi export --from 日期 --to 日期 --out 文件夹），自己执行 manyi verify --export 文件夹，不需要密钥；
它列出导出里每一天的封印，与这里的逐字对照，也与当初公布的对照。缺一天，说明那一天的行没有通过核对，请要求解释。

Daily roots: one a day, with the chain hash of the day's last row (after). Once published, no row up to that day can be
changed unnoticed. To check: ask the centre for an export (manyi export --from DAY --to DAY --out FOLDER), run
manyi verify --export FOLDER (no key is needed), and compare the roots that it lists with these and with what was
published at the time. A missing day means that its rows did not pass the check: ask why.
"""


@dataclass(frozen=True, slots=True)
class Day:
    """A line of the table; `root` None: the days from `day` to `upto` have none, though later ones have."""

    day: date
    root: Root | None
    upto: date | None = None

    @property
    def rows(self) -> tuple[str, ...]:
        """How many, and the first and the last; ("0",) on a day without any."""
        if self.root is None or not self.root.rows:
            return ("0",)
        return tuple(f"{n:,}" for n in (self.root.rows, self.root.first, self.root.last))


@needs(Action.verify)
async def ledger(request: HttpRequest) -> HttpResponseBase:
    """The page."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    try:
        return await on_thread(_page, request)
    except ManyiError as error:
        return said(request, _down(error))


@needs(Action.verify)
async def roots_file(request: HttpRequest) -> HttpResponseBase:
    """All daily roots in one file."""
    return await _given(request, "roots", _zip)


@needs(Action.verify)
async def root_file(request: HttpRequest, day: str) -> HttpResponseBase:
    """One daily root, byte for byte as it was written."""
    return await _given(request, f"roots/{day}", lambda roots: _one(roots, day))


async def _given(
    request: HttpRequest, subject: str, make: Callable[[Path], tuple[str, str, bytes]]
) -> HttpResponseBase:
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    try:
        name, kind, body = await on_thread(make, Data(current().settings.data_dir).roots)
    except ManyiError as error:
        return said(request, _down(error))
    await log(request, "export", subject)
    response = HttpResponse(body, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _one(roots: Path, day: str) -> tuple[str, str, bytes]:
    """Only what stands in the list of days is opened: the address names no file."""
    for sealed in root.published(roots):
        if sealed.day.isoformat() == day:
            return f"{day}.txt", "text/plain; charset=utf-8", (roots / f"{day}.txt").read_bytes()
    raise Http404


def _zip(roots: Path) -> tuple[str, str, bytes]:
    days = [sealed.day.isoformat() for sealed in root.published(roots)]
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("README.txt", READ_ME)
        for day in days:
            file.write(roots / f"{day}.txt", f"roots/{day}.txt")
    return f"manyi-roots_{days[-1] if days else 'none'}.zip", "application/zip", made.getvalue()


def _page(request: HttpRequest) -> HttpResponse:
    data = Data(current().settings.data_dir)
    found, latest = checked.read(data.checked), root.read_latest(data.roots)
    days = _days(root.published(data.roots))
    context = {
        **_known(found),
        "latest": f"{latest.row:,} · {moment(latest.at_ms)}" if latest else "",
        "days": days[:DAYS_SHOWN],
        "sealed": sum(day.root is not None for day in days),
        "hidden": max(0, len(days) - DAYS_SHOWN),
    }
    return render(request, "office/ledger.html", context)


def _known(found: Checked) -> dict[str, Any]:
    """What the check has found, in words."""
    told: dict[str, Any] = {"whole": found.whole, "broken": found.broken}
    if (whole := found.whole) is not None:
        told["notes"] = [_own(note) for note in reversed(whole.notes)]
        told["checked"] = _("{time}: rows 1 to {row}, {records} records of boxes, {roots} daily roots compared").format(
            time=moment(whole.ended_ms), row=f"{whole.row:,}", records=f"{whole.records:,}", roots=f"{whole.roots:,}"
        )  # fmt: skip
    if (broken := found.broken) is not None:
        told["noticed"], told["what"] = moment(broken.found_ms), _own(broken.what)
        where = _("Row {row} is not what was written").format(row=f"{broken.row:,}")
        if not broken.row:
            where = _("The counters do not agree with the rows")
        told["where"] = f"{where} · {broken.box}" if broken.box else where
    if found.began_ms:
        told["running"] = _("since {time}, past row {row}").format(
            time=moment(found.began_ms), row=f"{found.row:,}"
        )
    return told


def _days(sealed: list[Root]) -> list[Day]:
    """The newest first, with a line where days are missing."""
    found: list[Day] = []
    for r in sealed:
        if found and r.day - found[-1].day > timedelta(days=1):
            found.append(Day(found[-1].day + timedelta(days=1), None, r.day - timedelta(days=1)))
        found.append(Day(r.day, r))
    return found[::-1]


def _down(error: ManyiError) -> SourceDown:
    """Without the name of the folder, which is nobody's business here."""
    return SourceDown(_own(str(error).replace(f"{current().settings.data_dir}{os.sep}", "")))


def _own(said: str) -> str:
    """In the reader's language."""
    return apart(said)[(get_language() or "").startswith("en")]
