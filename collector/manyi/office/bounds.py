"""How much and how slowly a client may send: before any view, before any login. The collector lives in the same process, so
a browser must not fill its disk, its memory or its table of open files.

It refuses a body that is larger than any form, one that dribbles in, a head that never ends, and the connection that is
one too many.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Awaitable, Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

FORM_MAX = 64 * 1024  # bytes; the longest form has a dozen short fields
TOLD = ("/api/visits", "/api/duty")
TOLD_MAX = 1024 * 1024  # bytes; twice what those views take, so that they say themselves what is too long
BODY_S = 20.0  # for all of it: 1 MiB at 420 kbit/s
HEAD_S = 15.0  # from the connection's first moment, or the first byte of a further request
# Of the open files that the process may have, the share of each listening port: the stores keep theirs.
FILES_SHARE = 3

TOO_LONG = (413, "内容过长 / The message is too long.\n")
TWO_LENGTHS = (400, "请求有两种长度 / A message has one length.\n")
TOO_SLOW = (408, "接收超时，请重试 / The message took too long. Send it again.\n")


def bounded(application: Application, body_s: float = BODY_S) -> Application:
    """The same application; it is asked only when the whole of a body of decent size has come."""

    async def guarded(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
            await _refuse(send, *TWO_LENGTHS)  # a proxy before us may have read another message than we
            return
        limit = TOLD_MAX if scope["path"] in TOLD else FORM_MAX
        try:
            async with asyncio.timeout(body_s):
                body = await _body(_told(scope), receive, limit)
        except TimeoutError:
            await _refuse(send, *TOO_SLOW)
            return
        except _TooLong:
            await _refuse(send, *TOO_LONG)
            return
        except _Gone:
            return
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await application(scope, again, send)

    return guarded


class _TooLong(Exception):
    """More than the limit was sent or announced."""


class _Gone(Exception):
    """The client left before its message was complete."""


def _told(scope: dict[str, Any]) -> int:
    """Content-Length; 0 if there is none. The parser has let nothing but digits through."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)


async def _body(told: int, receive: Receive, limit: int) -> bytes:
    held = bytearray()
    more = told <= limit
    if not more:
        raise _TooLong
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        held += message.get("body", b"")
        if len(held) > limit:
            raise _TooLong
        more = message.get("more_body", False)
    return bytes(held)


async def _refuse(send: Send, status: int, text: str) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),  # what is still on its way would be read as a further request
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


def connections_max() -> int:
    """How many connections one listening port may hold."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] // FILES_SHARE


class Protocol(H11Protocol):
    """uvicorn's own, which waits for ever for the first request's head; ours does not. h11 limits the head to 64 KiB."""

    head_s = HEAD_S

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > connections_max():
            transport.abort()
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._has_request:
            self._stop_waiting()
        elif self.conn.their_state is h11.IDLE:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def _has_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(self.head_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if not self._has_request:
            self.transport.abort()
