"""One client's place at the hub: the newest frame of each event, and a bell.

It refuses to queue: a slow client skips to the newest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from manyi.office.access.scope import EVERYBODY, Scope
from manyi.office.frames import GZIP_HEAD, HELLO, Frame


class Stream:
    """Holds at most one frame per event name, so that its memory does not grow with the client's slowness."""

    __slots__ = (
        "_bell",
        "_frames",
        "_open",
        "_reader",
        "_waiting_since",
        "dropped",
        "hall",
        "owner",
        "scope",
        "zipped",
    )

    def __init__(
        self, hall: str | None, scope: Scope = EVERYBODY, owner: str = "", zipped: bool = False
    ) -> None:
        self.hall = hall
        self.owner = owner
        self.scope = scope
        self.zipped = zipped
        self.dropped = 0
        self._reader: asyncio.Task[object] | None = None
        self._waiting_since: int | None = None
        self._frames: dict[str, Frame] = {}
        self._bell = asyncio.Event()
        self._open = True

    def put(self, name: str, frame: Frame, up_ms: int) -> None:
        """Offer a frame; one of the same name that nobody took yet is dropped for it."""
        if name in self._frames:
            self.dropped += 1
        if self._waiting_since is None:
            self._waiting_since = up_ms
        self._frames[name] = frame
        self._bell.set()

    def close(self) -> None:
        """End the stream as soon as its client has taken what it is being given."""
        self._open = False
        self._bell.set()

    def stuck(self, up_ms: int, limit_ms: int) -> bool:
        """Whether a frame has waited for the client longer than that."""
        return self._waiting_since is not None and up_ms - self._waiting_since > limit_ms

    def abandon(self) -> None:
        """Give up on a client that hangs in the middle of a frame, or that left before its first."""
        if self._reader is not None:
            self._reader.cancel()

    async def read(self) -> AsyncIterator[bytes]:
        """What the client is sent, until close()."""
        self._reader = asyncio.current_task()
        yield GZIP_HEAD + HELLO.zipped if self.zipped else HELLO
        while True:
            await self._bell.wait()
            self._bell.clear()
            if not self._open:
                return
            frames, self._frames = self._frames.values(), {}
            self._waiting_since = None
            yield b"".join(frame.zipped for frame in frames) if self.zipped else b"".join(frames)
