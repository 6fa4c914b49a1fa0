# One question over UDP, and the first thing that is an answer to it. Never blocks the VM: addresses are numbers and dots.
# Looks from time to time instead of waiting for the socket with a limit, which would be a task (tasks/bell.py).

import asyncio
import errno
import socket

PACKET_MAX = 512
LOOK_MS = 20  # half of it is what the answer's time may be wrong by


# answer(packet) -> what it says, or None if it is no answer. Raises OSError.
async def ask(address, port, question, answer, up_ms, ms):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(socket.getaddrinfo(address, port)[0][-1])  # others' packets stay away
        sock.send(question)
        end = up_ms() + ms
        while True:
            await asyncio.sleep_ms(LOOK_MS)
            said = answer(_packet(sock))
            if said is not None:
                return said
            if up_ms() >= end:
                raise OSError("no answer")
    finally:
        sock.close()


# -> what lies there, b"" if nothing does
def _packet(sock):
    try:
        return sock.recv(PACKET_MAX)
    except OSError as e:
        if e.errno != errno.EAGAIN:
            raise
        return b""
