"""A few bytes of MQTT 3.1.1 over a connected socket: enough to ask a broker whom it lets in, and what it lets through.

No client: it speaks once and hangs up. Refuses QoS above 0.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Final

ACCEPTED: Final = 0
CONNACK, PUBLISH, SUBACK = 2, 3, 9
KEEPALIVE_S: Final = 30


@dataclass(frozen=True, slots=True)
class Packet:
    kind: int
    body: bytes


def connect(sock: socket.socket, client_id: str, user: str = "", password: str = "") -> int:
    """The broker's return code: 0 accepted, 4 bad user name or password, 5 not authorised; 255 if it just hung up."""
    flags = 0x02 | (0xC0 if user else 0)
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + struct.pack(">H", KEEPALIVE_S) + _text(client_id)
    if user:
        body += _text(user) + _text(password)
    try:
        _send(sock, 0x10, body)
        answer = receive(sock)
    except OSError:
        return 255
    return answer.body[1] if answer is not None and answer.kind == CONNACK and len(answer.body) == 2 else 255


def subscribe(sock: socket.socket, topic: str) -> None:
    _send(sock, 0x82, b"\x00\x01" + _text(topic) + b"\x00")


def publish(sock: socket.socket, topic: str, payload: bytes) -> None:
    _send(sock, 0x30, _text(topic) + payload)


def ping(sock: socket.socket) -> None:
    _send(sock, 0xC0, b"")


def receive(sock: socket.socket) -> Packet | None:
    """The next packet; None if the broker has hung up. Raises TimeoutError after the socket's timeout."""
    head = _exactly(sock, 1)
    if not head:
        return None
    length = shift = 0
    while True:
        byte = _exactly(sock, 1)
        if not byte:
            return None
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if not byte[0] & 0x80 or shift > 21:
            break
    return Packet(head[0] >> 4, _exactly(sock, length))


def _send(sock: socket.socket, head: int, body: bytes) -> None:
    length, left = b"", len(body)
    while True:
        left, seven = divmod(left, 128)
        length += bytes([seven | (0x80 if left else 0)])
        if not left:
            break
    sock.sendall(bytes([head]) + length + body)


def _exactly(sock: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = sock.recv(count - len(found))
        if not more:
            return b""
        found += more
    return found


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw
