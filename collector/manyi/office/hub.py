"""The hub: one task that looks at the stores, serialises once and fans out. It refuses to wait for any client.

All reading happens on one reader thread, so that a store's connections stay in the thread that made them.
The task lives only while somebody watches.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from manyi.office.access.narrow import Around, framed, is_whole, lens, narrow
from manyi.office.access.scope import EVERYBODY, Scope
from manyi.office.errors import HallUnknown, SourceDown, TooManyStreams
from manyi.office.frames import Frame, encode, event, still, with_clocks
from manyi.office.pace import SNAPSHOT_GAP_MS, Pace
from manyi.office.source import Snapshot, Source
from manyi.office.stream import Stream
from manyi.words import both

log = structlog.get_logger("manyi.office")
T = TypeVar("T")

# A press should be on the wall within half a second; PRAGMA data_version costs microseconds.
POLL_S = 0.05
# A control centre has tens of screens, a city's halls some hundreds; each stream costs a thread and a socket.
MAX_STREAMS = 500
# Anybody who reaches the port may open a hall's screen: one place in so many is kept for walls, which need a login.
WALLS_SHARE = 5
# One account: some screens and tabs of a control centre. More is a fault, or somebody who wants to shut the others out.
OWN_STREAMS = 20
# A client that took nothing for this long is gone or asleep; its place is given up, and it reconnects.
STUCK_MS = 30_000
# Where boxes stand and how their accounts do, for pictures cut down to a place: read at most so often, it costs a scan.
AROUND_MS = 5_000
# Answers of the JSON pages kept for SNAPSHOT_GAP_MS, so that asking often costs little.
MAX_ANSWERS = 64


def up_ms() -> int:
    """Elapsed milliseconds of this process."""
    return time.monotonic_ns() // 1_000_000


def unix_ms() -> int:
    """Unix milliseconds UTC."""
    return time.time_ns() // 1_000_000


class Hub:
    """Joins clients to the stores of one Source."""

    def __init__(self, source: Source, build: str, *, limit: int = MAX_STREAMS) -> None:
        self._source = source
        self._build = build
        self._limit = limit
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="office-reader")
        self._streams: set[Stream] = set()
        self._task: asyncio.Task[None] | None = None
        self._answers: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self._asking: dict[str, asyncio.Future[bytes]] = {}
        self._pictures: dict[Scope, bytes] = {}
        self._wall_frames: dict[Scope, Frame] = {}
        self._around: tuple[int, Around] | None = None
        self._projected_ms = 0
        self._halls: dict[str, Frame] = {}
        self._trouble = ""
        self._closed = False
        self.frames_dropped = 0
        self.refused = 0
        self.pictures = 0

    @property
    def watching(self) -> int:
        """Clients connected now."""
        return len(self._streams)

    async def ask(self, key: str, read: Callable[[], T], shape: Callable[[T], bytes]) -> bytes:
        """An answer of the stores as bytes, at most SNAPSHOT_GAP_MS old. Raises what `read` raises.

        Whoever asks while it is being read waits for the same answer: a crowd must not hold up the wall.
        """
        made = self._answers.get(key)
        if made is not None and up_ms() - made[0] < SNAPSHOT_GAP_MS:
            return made[1]
        reading = self._asking.get(key)
        if reading is None:
            reading = asyncio.ensure_future(self._answer(key, lambda: shape(read())))
            self._asking[key] = reading
            reading.add_done_callback(functools.partial(self._answered, key))
        return await asyncio.shield(reading)

    def _answered(self, key: str, reading: asyncio.Future[bytes]) -> None:
        del self._asking[key]
        if not reading.cancelled():
            reading.exception()  # seen, even if everybody who asked has gone

    async def _answer(self, key: str, read: Callable[[], bytes]) -> bytes:
        made = (up_ms(), await self._read(read))
        self._answers[key] = made
        self._answers.move_to_end(key)
        while len(self._answers) > MAX_ANSWERS:
            self._answers.popitem(last=False)
        return made[1]

    def join(
        self, hall: str | None = None, scope: Scope = EVERYBODY, owner: str = "", *, zipped: bool = False
    ) -> AsyncIterator[bytes]:
        """Frames for one client, of the wall as `scope` sees it or of one hall. Raises TooManyStreams.

        `owner`: the account, "" if there is none. `zipped`: as a gzip stream.
        """
        if self._closed or self._is_full(hall, owner):
            self.refused += 1
            raise TooManyStreams
        stream = Stream(hall, lens(scope), owner, zipped)
        self._streams.add(stream)
        known = self._wall_frames.get(stream.scope) if hall is None else self._halls.get(hall)
        if known is not None and self._task is not None:
            stream.put("wall" if hall is None else "hall", known, up_ms())
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="office-hub")
        return self._serve(stream)

    def _is_full(self, hall: str | None, owner: str) -> bool:
        if len(self._streams) >= self._limit:
            return True
        if owner and sum(stream.owner == owner for stream in self._streams) >= OWN_STREAMS:
            return True
        halls = sum(stream.hall is not None for stream in self._streams)
        return hall is not None and halls >= self._limit - self._limit // WALLS_SHARE

    def close(self) -> None:
        """End every stream and take no more; called once, when the server stops."""
        self._closed = True
        for stream in self._streams:
            stream.close()
        self._reader.shutdown(wait=False, cancel_futures=True)

    async def _serve(self, stream: Stream) -> AsyncIterator[bytes]:
        try:
            async for frame in stream.read():
                yield frame
        finally:
            self._streams.discard(stream)
            self.frames_dropped += stream.dropped

    async def _run(self) -> None:
        pace = Pace()
        try:
            while self._streams and not self._closed:
                await self._look(pace)
                await asyncio.sleep(POLL_S)
        except Exception:
            log.exception("office_hub_died")  # a bug; its clients are sent away and come back to a new task
        finally:
            self._task = None
            self._pictures.clear()
            self._wall_frames.clear()
            self._halls.clear()
            for stream in self._streams:
                stream.close()

    async def _look(self, pace: Pace) -> None:
        trouble = ""
        version: Hashable = None
        try:
            version = await self._read(self._source.version)
        except SourceDown as error:
            trouble = str(error)
        due = pace.due(up_ms(), version)
        try:
            if due.wall and not trouble:
                await self._draw_wall()
            if due.beat and not trouble:
                await self._draw_halls()
        except SourceDown as error:
            trouble = str(error)
        self._say(trouble)
        if due.beat:
            self._beat()

    async def _draw_wall(self) -> None:
        scopes = {s.scope for s in self._streams if s.hall is None}

        def draw() -> tuple[Snapshot, dict[Scope, tuple[Snapshot, bytes]]]:
            snapshot = self._source.wall(unix_ms())
            seen = {scope: self._seen(snapshot, scope) for scope in scopes}
            return snapshot, {scope: (part, still(part)) for scope, part in seen.items()}

        snapshot, drawn = await self._read(draw)
        self._projected_ms = int(snapshot.get("projected_ms") or 0)
        for gone in self._pictures.keys() - drawn.keys():
            del self._pictures[gone], self._wall_frames[gone]
        moved = False
        for scope, (part, picture) in drawn.items():
            if picture == self._pictures.get(scope):
                continue
            moved = True
            self._pictures[scope] = picture
            frame = self._wall_frames[scope] = event("wall", with_clocks(picture, part))
            self._give("wall", frame, (s for s in self._streams if s.hall is None and s.scope == scope))
        self.pictures += moved

    def seen(self, scope: Scope) -> Snapshot:
        """The wall at this moment as that scope sees it. For the reader's thread: call it through ask()."""
        return self._seen(self._source.wall(unix_ms()), scope)

    def _seen(self, snapshot: Snapshot, scope: Scope) -> Snapshot:
        return framed(snapshot if is_whole(scope) else self._narrowed(snapshot, scope))

    def _narrowed(self, snapshot: Snapshot, scope: Scope) -> Snapshot:
        if self._around is None or up_ms() - self._around[0] >= AROUND_MS:
            now_ms = unix_ms()
            lines = self._source.account(now_ms)["boxes"]
            self._around = up_ms(), Around(self._source.places(now_ms), lines)
        if not scope.whole_city:  # among the city's newest there may be none of a small county
            tier, unit = ("hall", scope.hall) if scope.hall else ("county", scope.county)
            snapshot = {**snapshot, "latest": self._source.newest(tier, unit)}
        return narrow(snapshot, scope, self._around[1])

    async def _draw_halls(self) -> None:
        watched = {s.hall for s in self._streams if s.hall is not None}
        for gone in self._halls.keys() - watched:
            del self._halls[gone]
        for hall in watched:
            try:
                picture = await self._read(functools.partial(self._source.hall, hall, unix_ms()))
            except HallUnknown:
                continue  # taken out of the roster while its screen hangs: the screen keeps its last batch
            frame = event("hall", still(picture))
            if frame != self._halls.get(hall):
                self._halls[hall] = frame
                self._give("hall", frame, (s for s in self._streams if s.hall == hall))

    def _beat(self) -> None:
        beat = encode({"now_ms": unix_ms(), "projected_ms": self._projected_ms, "build": self._build})
        self._give("beat", event("beat", beat), self._streams)
        for stream in [s for s in self._streams if s.stuck(up_ms(), STUCK_MS)]:
            stream.abandon()
            self._streams.discard(stream)

    def _give(self, name: str, frame: Frame, streams: Iterable[Stream]) -> None:
        for stream in streams:
            stream.put(name, frame, up_ms())

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning("office_stores", state="down" if trouble else "up", why=trouble)

    async def _read(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise SourceDown(both("服务正在停止", "the server is stopping"))
        return await asyncio.get_running_loop().run_in_executor(self._reader, work)
