"""POST /api/visits: a queue system tells its visits (docs/VISITS.md). The token is the rule; there is no session and no
account behind it. It refuses whatever the intake refuses, and to say taken before the ledger has it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from threading import Lock

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from manyi.core.errors import InputError, LedgerError, SetupError
from manyi.core.visits.intake import Answer, Intake, Sources
from manyi.core.visits.report import Source
from manyi.office.access.scope import public
from manyi.office.api import JSON
from manyi.office.frames import encode
from manyi.office.hub import unix_ms
from manyi.office.runtime import current

MAX_BYTES = 512 * 1024  # 1,000 visits with every field at its longest
RETRY_S = "5"  # a ledger that is locked is so for seconds
BEARER = "Bearer "

log = structlog.get_logger(area="visits")


class Desk:
    """The sources and the intake of one installation; one message at a time, as the ledger has one writer."""

    def __init__(self, data_dir: Path, sources: Path) -> None:
        self._sources, self._intake = Sources(sources), Intake(data_dir)
        self._lock, self._reading = Lock(), Lock()  # who has no token waits for nobody's message
        self.key = (data_dir, sources)

    def whose(self, token: str) -> Source | None:
        with self._reading:
            return self._sources.of_token(token)

    def take(self, source: Source, body: bytes) -> Answer:
        with self._lock:
            try:
                return self._intake.take(source, body, unix_ms())
            except (LedgerError, sqlite3.Error):
                self._intake.close()  # opened again with the next message
                raise


_desk: Desk | None = None


class _Refused(Exception):
    """An answer instead of the work: its status, why in both languages, and headers."""

    def __init__(self, status: int, zh: str, en: str, **headers: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.status, self.headers = status, headers


@csrf_exempt
@public
async def visits(request: HttpRequest) -> HttpResponseBase:
    """Takes a message in."""
    try:
        answer = await _take(request)
        said, status, headers = answer.as_dict(), 422 if answer.refused else 200, {}
    except _Refused as no:
        said, status, headers = {"error": str(no)}, no.status, no.headers
    response = HttpResponse(encode(said), status=status, content_type=JSON, headers=headers)
    response.headers["Cache-Control"] = "no-store"
    return response


async def _take(request: HttpRequest) -> Answer:
    if request.method != "POST":
        raise _Refused(405, "只接受 POST", "only POST", Allow="POST")
    desk = _open()
    if desk is None:
        raise _Refused(404, "本系统未接入排队系统", "no queue system may tell visits here ([visits] sources)")
    source = await _whose(desk, request.headers.get("Authorization", ""))
    if int(request.headers.get("Content-Length") or 0) > MAX_BYTES or len(body := request.body) > MAX_BYTES:
        raise _Refused(413, "消息超过 512 KB", "more than 512 KB: send fewer visits at once")
    try:
        return await asyncio.to_thread(desk.take, source, body)
    except InputError as error:
        zh, _, en = str(error).partition(" / ")
        raise _Refused(400, zh, en) from error
    except (LedgerError, sqlite3.Error) as error:
        log.error("visits_not_taken", source=source.name, why=str(error))
        zh, en = (
            "台账暂时无法写入，请稍后重发同样的内容",
            "the ledger cannot be written now: send the same again",
        )
        raise _Refused(503, zh, en, **{"Retry-After": RETRY_S}) from error


async def _whose(desk: Desk, told: str) -> Source:
    try:
        source = await asyncio.to_thread(
            desk.whose, told.removeprefix(BEARER) if told.startswith(BEARER) else ""
        )
    except SetupError as error:
        log.error("sources_not_read", why=str(error))
        raise _Refused(
            503,
            "排队系统名单无法读取，请联系管理员",
            "the list of queue systems cannot be read: tell the administrator",
        ) from error
    if source is None:
        raise _Refused(401, "令牌缺失或无效", "no token, or nobody's", **{"WWW-Authenticate": "Bearer"})
    return source


def _open() -> Desk | None:
    global _desk  # noqa: PLW0603  one per process, like the runtime it belongs to
    settings = current().settings
    if settings.visits_file is None:
        return None
    if _desk is None or _desk.key != (settings.data_dir, settings.visits_file):
        _desk = Desk(settings.data_dir, settings.visits_file)
    return _desk
