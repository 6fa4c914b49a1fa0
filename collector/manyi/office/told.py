"""POST /api/visits, POST and GET /api/duty: a queue or personnel system tells its visits and sign-ins (docs/VISITS.md). The
token is the rule; there is no session and no account behind it. It refuses whatever the intakes refuse, what the source may
not tell, and to say taken before the ledger has it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from manyi.core.errors import CopyError, InputError, LedgerError, SetupError
from manyi.core.told.intakes import Intakes
from manyi.core.told.items import Answer
from manyi.core.told.measure import OFTEN, TooMuch
from manyi.core.told.sources import DUTY, MAY_NOT, VISITS, Source, Sources
from manyi.office.access.scope import public
from manyi.office.api import JSON
from manyi.office.frames import encode
from manyi.office.hub import unix_ms
from manyi.office.runtime import current
from manyi.words import apart

MAX_BYTES = 512 * 1024  # 1,000 visits with every field at its longest
RETRY_S = "5"  # a ledger that is locked is so for seconds
BEARER = "Bearer "

log = structlog.get_logger(area="told")


class Desk:
    """The sources and the intakes of one installation; one message at a time, as the ledger has one writer."""

    def __init__(self, data_dir: Path, sources: Path) -> None:
        self._sources = Sources(sources)
        self._intakes = Intakes(data_dir)
        self._lock, self._reading = Lock(), Lock()  # who has no token waits for nobody's message
        self.key = (data_dir, sources)

    def whose(self, token: str) -> Source | None:
        with self._reading:
            return self._sources.of_token(token)

    def take(self, what: str, source: Source, body: bytes) -> Answer:
        with self._lock:
            return self._intakes.take(what, source, body, unix_ms())

    def shown(self, source: Source, day: str) -> dict[str, Any]:
        with self._lock:
            return self._intakes.duty_of_day(source, day, unix_ms())

    def too_often(self, source: Source) -> bool:
        """Whether this is one more than a source may send in a minute. Its loop must not keep the others from the ledger."""
        with self._reading:
            return self._intakes.measure.too_often(source.name, unix_ms())


_desk: Desk | None = None


class _Refused(Exception):
    """An answer instead of the work: its status, why in both languages, and headers."""

    def __init__(self, status: int, zh: str, en: str, **headers: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.status, self.headers = status, headers


@csrf_exempt
@public
async def visits(request: HttpRequest) -> HttpResponseBase:
    """Takes a message of visits in."""
    return await _answered(lambda: _take(VISITS, request, "POST"))


@csrf_exempt
@public
async def duty(request: HttpRequest) -> HttpResponseBase:
    """Takes a message of sign-ins in, or says what counts of those of a day."""
    if request.method == "GET":
        return await _answered(lambda: _show(request))
    return await _answered(lambda: _take(DUTY, request, "GET, POST"))


async def _answered(work: Callable[[], Awaitable[tuple[dict[str, Any], int]]]) -> HttpResponseBase:
    headers: dict[str, str] = {}
    try:
        said, status = await work()
    except _Refused as no:
        said, status, headers = {"error": str(no)}, no.status, no.headers
    response = HttpResponse(encode(said), status=status, content_type=JSON, headers=headers)
    response.headers["Cache-Control"] = "no-store"
    return response


async def _take(what: str, request: HttpRequest, allowed: str) -> tuple[dict[str, Any], int]:
    if request.method != "POST":
        raise _Refused(405, f"只接受 {allowed}", f"only {allowed}", Allow=allowed)
    desk, source = await _known(what, request)
    if int(request.headers.get("Content-Length") or 0) > MAX_BYTES or len(body := request.body) > MAX_BYTES:
        raise _Refused(413, "消息超过 512 KB", "more than 512 KB: send fewer at once")
    busy = "台账暂时无法写入，请稍后重发同样的内容", "the ledger cannot be written now: send the same again"
    with _in_words("not_taken", what, source, *busy):
        answer = await asyncio.to_thread(desk.take, what, source, body)
    return answer.as_dict(), 422 if answer.refused else 200


async def _show(request: HttpRequest) -> tuple[dict[str, Any], int]:
    desk, source = await _known(DUTY, request)
    busy = "暂时无法读取，请稍后再试", "cannot be read now: ask again"
    with _in_words("not_shown", DUTY, source, *busy):
        return await asyncio.to_thread(desk.shown, source, request.GET.get("day", "")), 200


@contextmanager
def _in_words(event: str, what: str, source: Source, zh: str, en: str) -> Iterator[None]:
    """What the intakes raise, as an answer; `zh` and `en` are for a ledger that fails now, which is logged as `event`."""
    try:
        yield
    except TooMuch as error:
        raise _Refused(429, *apart(error), **{"Retry-After": "3600"}) from error
    except InputError as error:
        raise _Refused(400, *apart(error)) from error
    except CopyError as error:
        raise _Refused(
            409,
            "这里是内区，台账是副本，不接收任何消息：请发到采集区的地址",
            "this is the inner zone and takes nothing in: send to the collecting zone's address",
        ) from error
    except (LedgerError, sqlite3.Error) as error:
        log.error(event, what=what, source=source.name, why=str(error))
        raise _Refused(503, zh, en, **{"Retry-After": RETRY_S}) from error


async def _known(what: str, request: HttpRequest) -> tuple[Desk, Source]:
    """Who asks, if he may tell this."""
    desk = _open()
    if desk is None:
        raise _Refused(
            404, "本系统未接入其他系统", "no other system may tell anything here ([visits] sources)"
        )
    told = request.headers.get("Authorization", "")
    try:
        source = await asyncio.to_thread(
            desk.whose, told.removeprefix(BEARER) if told.startswith(BEARER) else ""
        )
    except SetupError as error:
        log.error("sources_not_read", why=str(error))
        raise _Refused(
            503,
            "系统名单无法读取，请联系管理员",
            "the list of systems cannot be read: tell the administrator",
        ) from error
    if source is None:
        raise _Refused(401, "令牌缺失或无效", "no token, or nobody's", **{"WWW-Authenticate": "Bearer"})
    if not source.may(what):
        raise _Refused(403, *(words.format(what) for words in MAY_NOT))
    if desk.too_often(source):
        raise _Refused(429, *OFTEN, **{"Retry-After": "60"})
    return desk, source


def _open() -> Desk | None:
    global _desk  # noqa: PLW0603  one per process, like the runtime it belongs to
    settings = current().settings
    if settings.visits_file is None:
        return None
    if _desk is None or _desk.key != (settings.data_dir, settings.visits_file):
        _desk = Desk(settings.data_dir, settings.visits_file)
    return _desk
