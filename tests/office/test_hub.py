"""One hub, many clients: nobody waits for a slow one, and places are counted."""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from manyi.office import frames
from manyi.office.access.scope import EVERYBODY, Role, Scope
from manyi.office.errors import SourceDown, TooManyStreams
from manyi.office.frames import HELLO, Frame
from manyi.office.hub import OWN_STREAMS, Hub
from manyi.office.pace import SNAPSHOT_GAP_MS
from manyi.office.source import Snapshot
from manyi.office.stream import Stream

from tests.office.city import City


async def until(frames: AsyncIterator[bytes], word: bytes) -> bytes:
    async with asyncio.timeout(10):
        async for frame in frames:
            if word in frame:
                return frame
    raise AssertionError("the stream ended")


def test_a_slow_client_skips_to_the_newest_picture() -> None:
    async def story() -> None:
        stream = Stream(None)
        frames = stream.read()
        assert await anext(frames) == HELLO
        for number in range(1000):
            stream.put("wall", Frame(b"picture %d\n" % number), number)
            stream.put("beat", Frame(b"beat %d\n" % number), number)
        assert await anext(frames) == b"picture 999\nbeat 999\n"
        assert stream.dropped == 1998
        assert stream.stuck(40_000, 30_000) is False

    asyncio.run(story())


def test_a_compressed_stream_can_be_read_as_it_comes_whatever_was_skipped() -> None:
    async def story() -> None:
        one, late = Stream(None, zipped=True), Stream(None, zipped=True)
        pictures = [Frame(b"picture %d %s\n" % (number, b"window " * 99)) for number in range(9)]
        unpack, unpack_late = zlib.decompressobj(31), zlib.decompressobj(31)
        read, read_late = one.read(), late.read()
        assert unpack.decompress(await anext(read)) == HELLO
        assert unpack_late.decompress(await anext(read_late)) == HELLO
        for number, picture in enumerate(pictures):
            one.put("wall", picture, number)
            late.put("wall", picture, number)
            late.put("beat", Frame(b"beat\n"), number)
            sent = await anext(read)
            assert unpack.decompress(sent) == picture, "it must not wait for what comes next"
            assert len(sent) < len(picture) / 4
            if number % 3 == 2:
                assert unpack_late.decompress(await anext(read_late)) == picture + b"beat\n"
        assert late.dropped > 0

    asyncio.run(story())


def test_a_frame_is_compressed_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    real = zlib.compressobj
    monkeypatch.setattr(frames.zlib, "compressobj", lambda *how: made.append(1) or real(*how))

    async def story() -> None:
        city = City(1, 1)
        hub = Hub(city, "build")
        watching = [hub.join(None, zipped=True) for _ in range(20)]
        unpack = [zlib.decompressobj(31) for _ in watching]

        async def read(which: int) -> None:
            text = b""
            async for frame in watching[which]:
                text += unpack[which].decompress(frame)
                if b"event: wall" in text and b"event: beat" in text:
                    return

        await asyncio.gather(*map(read, range(20)))
        hub.close()

    asyncio.run(story())
    assert 2 <= len(made) <= 8, "a picture and some beats, not twenty of each"


def test_a_client_that_takes_nothing_is_known_as_stuck() -> None:
    stream = Stream(None)
    stream.put("beat", Frame(), 1_000)
    stream.put("beat", Frame(), 20_000)
    assert not stream.stuck(31_000, 30_000)
    assert stream.stuck(31_001, 30_000)


def test_halls_screens_cannot_shut_the_walls_out() -> None:
    async def story() -> None:
        hub = Hub(City(1, 1), "build", limit=10)
        halls = [hub.join("h0-0") for _ in range(8)]
        with pytest.raises(TooManyStreams):
            hub.join("h0-0")
        walls = [hub.join(None), hub.join(None)]
        with pytest.raises(TooManyStreams):
            hub.join(None)
        hub.close()
        for each in (*halls, *walls):
            async for _ in each:
                pass

    asyncio.run(story())


def test_one_account_cannot_shut_the_others_out() -> None:
    async def story() -> None:
        hub = Hub(City(1, 1), "build")
        mine = [hub.join(None, owner="7") for _ in range(OWN_STREAMS)]
        with pytest.raises(TooManyStreams):
            hub.join(None, owner="7")
        mine.append(hub.join(None, owner="8"))
        hub.close()
        for each in mine:
            async for _ in each:
                pass

    asyncio.run(story())


def test_places_are_limited_and_come_free_again() -> None:
    async def story() -> None:
        hub = Hub(City(1, 1), "build", limit=1)
        frames = hub.join()
        with pytest.raises(TooManyStreams):
            hub.join()
        assert (hub.watching, hub.refused) == (1, 1)
        await until(frames, b"event: beat")
        await frames.aclose()  # type: ignore[attr-defined]
        assert hub.watching == 0
        again = hub.join()
        await until(again, b"event: wall")
        hub.close()

    asyncio.run(story())


def test_two_clients_share_one_reading_of_the_stores() -> None:
    async def story() -> None:
        city = City(1, 1)
        hub = Hub(city, "build")
        first, second = hub.join(), hub.join()
        frames = await asyncio.gather(until(first, b"event: wall"), until(second, b"event: wall"))
        assert frames[0] == frames[1]
        assert city.reads == 1
        hub.close()

    asyncio.run(story())


def test_fifty_clients_are_one_reading_and_one_encoding_for_each_different_view(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []

    def still(part: Snapshot) -> bytes:
        made.append(",".join(county["id"] for county in part["counties"]))
        return frames.still(part)

    monkeypatch.setattr("manyi.office.hub.still", still)

    class Counted(City):
        def wall(self, now_ms: int) -> dict[str, Any]:
            self.walls += 1
            return super().wall(now_ms)

        walls = 0

    async def story() -> None:
        city = Counted()
        hub = Hub(city, "build")
        clerks = [Scope(Role.county, county=f"c{i % 2}", staff=f"s{i}") for i in range(20)]
        clients = [hub.join(None, scope) for scope in [EVERYBODY] * 30 + clerks]
        for _ in range(2):
            for _ in range(30):  # some in every county: a picture that did not change is not sent
                city.press()
            await asyncio.gather(*(until(client, b"event: wall") for client in clients))
        hub.close()
        assert set(made) == {"c0,c1,c2", "c0", "c1"}
        assert 3 * (city.walls - 1) <= len(made) <= 3 * city.walls  # the last one may be in the making

    asyncio.run(story())


def test_a_late_client_gets_the_picture_at_once() -> None:
    async def story() -> None:
        hub = Hub(City(1, 1), "build")
        await until(hub.join(), b"event: wall")
        late = hub.join()
        assert await anext(late) == HELLO
        assert b"event: wall" in await anext(late)
        hub.close()

    asyncio.run(story())


def test_a_closed_hub_ends_every_stream_and_takes_no_more() -> None:
    async def story() -> None:
        hub = Hub(City(1, 1), "build")
        frames = hub.join()
        await until(frames, b"event: beat")
        hub.close()
        async with asyncio.timeout(10):
            rest = [frame async for frame in frames]
        assert len(rest) <= 1
        with pytest.raises(TooManyStreams):
            hub.join()

    asyncio.run(story())


def test_a_bug_in_a_store_sends_the_clients_away_to_come_back() -> None:
    class Broken(City):
        def version(self) -> int:
            raise ZeroDivisionError

    async def story() -> None:
        hub = Hub(Broken(1, 1), "build")
        async with asyncio.timeout(10):
            assert [frame async for frame in hub.join()] == [HELLO]
        assert hub.watching == 0

    asyncio.run(story())


def test_asking_often_reads_once_in_a_while() -> None:
    async def story() -> None:
        city = City(1, 1)
        hub = Hub(city, "build")
        for _ in range(50):
            await hub.ask("wall", lambda: city.wall(0), lambda _: b"x")
        assert city.reads < 10
        hub.close()

    asyncio.run(story())


def test_a_crowd_that_asks_at_once_is_one_read_and_a_failure_is_everybodys() -> None:
    async def story() -> None:
        hub, reads, all_have_asked = Hub(City(1, 1), "build"), [], threading.Event()

        def slow() -> str:
            reads.append(1)
            assert all_have_asked.wait(60)
            if len(reads) == 2:
                raise SourceDown("gone")
            return "x"

        async def crowd() -> set[str]:
            all_have_asked.clear()
            asked = [asyncio.ensure_future(hub.ask("account", slow, str.encode)) for _ in range(50)]
            await asyncio.sleep(0)  # each has run up to where it waits
            all_have_asked.set()
            return {str(answer) for answer in await asyncio.gather(*asked, return_exceptions=True)}

        impatient = asyncio.create_task(hub.ask("account", slow, str.encode))
        while not reads:
            await asyncio.sleep(0.01)
        impatient.cancel()  # a client that leaves takes nobody's answer with it
        assert await crowd() == {"b'x'"}
        assert len(reads) == 1
        await asyncio.sleep(SNAPSHOT_GAP_MS / 1000)
        assert await crowd() == {"gone"}
        assert await crowd() == {"b'x'"}
        assert len(reads) == 3
        hub.close()

    asyncio.run(story())
