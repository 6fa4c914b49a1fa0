"""The line's own limits, on MicroPython's asyncio: a stream that takes nothing or little, and a goodbye in the middle of it."""

import pytest

from tests.firmware.conftest import FIRMWARE

WORLD = """
import asyncio
from box.sheet import Sheet
from tasks import line
from tasks.bell import Bell
from tasks.supervisor import Alive

line.FULL_MS, WHOLE_MS = 1, 1_000  # one of the test's milliseconds is a second of the box's

class Stream:
    def __init__(self):
        self.hears, self.takes, self.said, self.shut = [], 9999, b"", False
    def write(self, data):
        if self.shut:
            raise OSError(9)
        answer = ANSWERS.get(data[0])
        if answer:
            self.hears.append(answer)
        n = min(self.takes, len(data))
        self.said += bytes(data[:n])
        return n
    async def readinto(self, buf):
        while not self.hears:
            await asyncio.sleep_ms(1)
        heard = self.hears.pop(0)
        buf[:len(heard)] = heard
        return len(heard)
    def close(self):
        self.shut = True

class Port:
    def __init__(self, stream):
        self.ms, self.stream, self.ident = 0, stream, IDENT
    def up_ms(self):
        self.ms += WHOLE_MS
        return self.ms
    async def connect(self):
        return self.stream

ANSWERS = {0x10: b"\\x20\\x02\\x00\\x00", 0x82: b"\\x90\\x07\\x00\\x01\\x00\\x01\\x01\\x00\\x01"}  # CONNACK, SUBACK
IDENT = {"box": "mb-1", "user": "u", "password": "p"}

class Told(Alive):
    def mark(self):
        self.marks = getattr(self, "marks", 0) + 1

async def opened():
    stream = Stream()
    l = line.Line(Port(stream), Told("link"), Bell(), None, Sheet(bytearray(600)))
    await l.open()
    return l, stream

async def tried(coroutine):
    try:
        await coroutine
        print("went")
    except line.ERRORS as e:
        print(e)

async def a_stream_that_takes_nothing():
    l, stream = await opened()
    stream.takes = 0
    before = l._port.ms
    await tried(l.put(b"x" * 100))
    print(l._port.ms - before <= line.WRITE_MS + 3 * WHOLE_MS)
    await l.close()

# The supervisor counts rounds: whoever waits must say so, or a slow network would reset the box.
async def a_stream_that_takes_little_is_waited_for_and_told_of():
    l, stream = await opened()
    stream.takes, l._alive.marks = 20, 0
    await tried(l.put(b"x" * 100))
    print(l._alive.marks)
    await l.close()

async def a_goodbye_in_the_middle_of_a_packet():
    l, stream = await opened()
    stream.takes, said = 5, len(stream.said)
    owner = asyncio.create_task(tried(l.put(b"0123456789")))
    await asyncio.sleep_ms(0)
    await tried(l.leave())
    await owner
    print(stream.said[said:])
    await l.close()

async def a_goodbye_after_the_end():
    l, stream = await opened()
    await l.close()
    await tried(l.leave())

async def the_end_in_the_middle_of_a_goodbye():
    l, stream = await opened()
    stream.takes = 0
    going = asyncio.create_task(tried(l.leave()))
    await asyncio.sleep_ms(0)
    await l.close()
    await going

# A broker with no limit of its own, or somebody who has its password, while the network takes no acknowledgement.
async def a_flood_of_messages_that_want_an_answer():
    l, stream = await opened()
    stream.takes, stream.hears = 0, [b"\\x32\\x05\\x00\\x01t\\x00\\x07" * 30] * 30
    while not l._owed:
        await asyncio.sleep_ms(1)
    owner = asyncio.create_task(tried(l.upkeep(l._port.ms)))
    for _ in range(300):
        await asyncio.sleep_ms(0)
    print(len(l._owed) < line.OWED_MAX + line.CHUNK // 7)
    stream.takes = 9999
    await owner
    while stream.hears:
        await l.upkeep(l._port.ms)
        await asyncio.sleep_ms(1)
    await l.upkeep(l._port.ms)
    print(stream.said.count(b"\\x40\\x02\\x00\\x07"), l._owed)
    await l.close()

asyncio.run(%s())
"""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("a_stream_that_takes_nothing", "silent True"),
        ("a_stream_that_takes_little_is_waited_for_and_told_of", "went 4"),
        ("a_goodbye_in_the_middle_of_a_packet", "closed went b'0123456789'"),
        ("a_goodbye_after_the_end", "closed"),
        ("the_end_in_the_middle_of_a_goodbye", "[Errno 9] EBADF"),
        ("a_flood_of_messages_that_want_an_answer", "True went 900 []"),
    ],
)
def test_a_line(what, said, run_micropython):
    done = run_micropython(WORLD % what, heap="512wK", path=FIRMWARE)
    assert " ".join(done.stdout.split()) == said, done.stderr
