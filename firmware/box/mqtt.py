# MQTT 3.1.1, the part a box needs, as bytes in and bytes on a sheet (sheet.py): CONNECT with will and password, SUBSCRIBE,
# PUBLISH at QoS 0 and 1, PUBACK, PING. No sockets, no sessions, no retries: what must not be lost is the journal's
# business, and a PUBACK frees nothing.
#
# Refuses: QoS 2, and to hold a packet larger than the reader's buffer: of such a one only its beginning is kept, enough to
# acknowledge it and to see that it is too long. So a foreign message can neither fill the heap nor stop the stream.

import struct

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13  # packet types that a box receives
PING = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
REFUSALS = ("", "version", "client id", "unavailable", "password", "not authorized")  # CONNACK, 1 to 5


class Broken(ValueError):
    """The stream is not MQTT any more; the only cure is a new connection."""


def _length(n):
    out = b""
    while True:
        n, digit = n >> 7, n & 0x7F
        out += bytes((digit | (0x80 if n else 0),))
        if not n:
            return out


def _text(sheet, value):
    if isinstance(value, str):
        value = value.encode()
    sheet.add(struct.pack(">H", len(value)))
    sheet.add(value)


# Puts the packet's first bytes before all that is on the sheet.
def _head(sheet, first):
    sheet.before(_length(sheet.end - sheet.start))
    sheet.before(bytes((first,)))


# Clean session (nothing that matters is kept by a broker), will at QoS 1, retained.
def connect(sheet, keepalive_s, client, will_topic, will, user, password):
    sheet.begin(b"\0\4MQTT\4\xee")
    sheet.add(struct.pack(">H", keepalive_s))
    for value in (client, will_topic, will, user, password):
        _text(sheet, value)
    _head(sheet, 0x10)


# topics: pairs of (topic, highest QoS)
def subscribe(sheet, pid, topics):
    sheet.begin(struct.pack(">H", pid))
    for topic, qos in topics:
        _text(sheet, topic)
        sheet.add(bytes((qos,)))
    _head(sheet, 0x82)


# Makes a PUBLISH of the payload on the sheet. pid 0: QoS 0.
def publish(sheet, topic, pid=0, retain=False):
    if pid:
        sheet.before(struct.pack(">H", pid))
    sheet.before(topic)
    sheet.before(struct.pack(">H", len(topic)))
    _head(sheet, 0x30 | (2 if pid else 0) | (1 if retain else 0))


def puback(pid):
    return b"\x40\x02" + struct.pack(">H", pid)


# Body of a CONNACK or SUBACK -> why it says no, or "".
def refusal(kind, body):
    if kind == CONNACK:
        code = body[1] if len(body) == 2 else 255
        return REFUSALS[code] if code < len(REFUSALS) else "connack %d" % code
    return "subscribe" if len(body) < 3 or 0x80 in bytes(body[2:]) else ""


# Body of a PUBLISH -> (topic, payload, pid or 0, retained), the first two as parts of it.
def published(head, body):
    qos = head >> 1 & 3
    size = struct.unpack_from(">H", body, 0)[0] if len(body) >= 2 else 0xFFFF
    at = 2 + size + (2 if qos else 0)
    if qos > 1 or at > len(body):
        raise Broken("publish")
    pid = struct.unpack_from(">H", body, at - 2)[0] if qos else 0
    return body[2 : 2 + size], body[at:], pid, bool(head & 1)


# Cuts a stream into packets, fed in chunks of any size. The first `most` bytes of a packet are kept in one buffer, used
# again for each: a packet is valid until the next one is asked for.
class Reader:
    def __init__(self, most):
        self._buf = memoryview(bytearray(most))
        self.reset()

    def reset(self):
        self._head = None
        self._size = None  # None: the length is still being read
        self._n = 0
        self._shift = 0

    # -> generator of (head byte, body). Raises Broken.
    def packets(self, chunk):
        at, end = 0, len(chunk)
        while at < end:
            if self._size is None:
                self._prefix(chunk[at])
                at += 1
            else:
                take = min(end - at, self._size - self._n)
                kept = min(take, len(self._buf) - self._n)
                if kept > 0:
                    self._buf[self._n : self._n + kept] = chunk[at : at + kept]
                self._n += take
                at += take
            if self._size is not None and self._n == self._size:
                head, size = self._head, self._size
                self.reset()
                yield head, self._buf[:size]

    def _prefix(self, byte):
        if self._head is None:
            self._head = byte
            return
        if self._shift > 21:
            raise Broken("length")
        self._n |= (byte & 0x7F) << self._shift  # until it is whole, _n collects the length
        self._shift += 7
        if not byte & 0x80:
            self._size, self._n = self._n, 0
