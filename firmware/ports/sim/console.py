# The simulator's standard input, one command a line. Reads byte by byte and only what is there: a read that waits for
# more would block the VM.

import asyncio
import binascii
import select
import sys

from ports import dial

TAP_MS = 120
LINE_MAX = 200  # bytes; the longest command has 20
SETTLE_MS = 15  # after a blocked moment: a hand cannot act in the same 5 ms in which the box wakes


async def run(port):
    ready = select.poll()
    ready.register(sys.stdin, select.POLLIN)
    one, text = bytearray(1), b""
    while True:
        await dial.readable(sys.stdin)
        n = sys.stdin.buffer.readinto(one)
        while n:
            if one == b"\n":
                await _obey(port, text.decode().split())
                text = b""
            else:
                text = (text + one)[-LINE_MAX:]
            if not ready.poll(0):
                break
            n = sys.stdin.buffer.readinto(one)
        if not n:
            return  # nobody holds the other end; the box goes on


async def _obey(port, words):
    try:
        if not words:
            return
        command = words[0]
        if command == "exit":
            port.leaving.ring()
        elif command == "die":
            port.fingers.broken = True
        elif command == "block":
            port.block(int(words[1]))
            await asyncio.sleep_ms(SETTLE_MS)
        elif command == "hog":
            port.hog(int(words[1]))
        elif command == "tap":
            await port.fingers.tap(_level(words[1]), int(words[2]) if len(words) > 2 else TAP_MS)
        elif command == "badge":
            port.touched = binascii.unhexlify(words[1])
        elif command == "down":
            port.fingers.down(_level(words[1]))
        elif command == "up":
            port.fingers.up(_level(words[1]))
        else:
            raise ValueError
    except (ValueError, IndexError):
        port.tell("unknown command=%s" % "-".join(words))


def _level(word):
    level = int(word)
    if level not in (1, 2, 3):
        raise ValueError
    return level
