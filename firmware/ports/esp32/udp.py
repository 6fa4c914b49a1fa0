# One question over UDP, and the first thing that is an answer to it. Never blocks the VM: addresses are numbers and dots.

import asyncio
import socket

from ports import dial

PACKET_MAX = 512


# answer(packet) -> what it says, or None if it is no answer. Raises OSError or asyncio.TimeoutError.
async def ask(address, port, question, answer, ms):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(socket.getaddrinfo(address, port)[0][-1])  # others' packets stay away
        sock.send(question)
        return await asyncio.wait_for_ms(_hear(sock, answer), ms)
    finally:
        sock.close()


async def _hear(sock, answer):
    while True:
        await dial.readable(sock)
        said = answer(sock.recv(PACKET_MAX))
        if said is not None:
            return said
