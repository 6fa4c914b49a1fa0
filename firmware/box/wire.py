# docs/WIRE.md, the box's side: record, beat, state and reply written field by field; ack and prompt read. What comes
# rarely is read elsewhere: config and cmd in asked.py, chunk in pieces.py.
#
# Refuses: to believe anything without its mac (a prompt has none, and can only mark a rating), to look at a field
# before the mac, and to accept half a message: one value out of range and it raises Unreadable with the field's name.

import binascii
import json

from box.chain import hmac_sha256

PAYLOAD_MAX = 4096
INCOMING_MAX = 512  # the longest message to a box is a config of about 250 bytes
PROMPT_MAX = 128  # no mac guards it, so nothing deep or long gets as far as the JSON reader
HEAD_MAX = 168  # '{"v":1 ... "records":[' with every number at its longest
ROOM = 48 + HEAD_MAX  # kept free before the records; 48: MQTT's own head, a topic of 40 bytes, a packet id
END_MAX = 43  # '],"mac":"32 hex"}'
BUFFER = ROOM + PAYLOAD_MAX - HEAD_MAX  # what `batch` needs

DEFAULTS = {
    "id": "", "beat_s": 60, "bright": 80, "volume": 60, "mode": "always",
    "second": "correct", "visit_ms": 5000, "open": "",
}  # fmt: skip
_MAC = b',"mac":"'
_MAC_END = 42  # ',"mac":"32 hex"}'


class Unreadable(ValueError):
    """Not for this box, or not a message at all; the text is the reason, a word or a field's name."""


def topic(box, name):
    return ("manyi/1/%s/%s" % (box, name)).encode()


def text(raw):
    return binascii.hexlify(raw).decode()


# ---- written


def _mac(k_link, topic, body):
    return binascii.hexlify(hmac_sha256(k_link, topic, b"\0", body)[:16])


def sealed(k_link, topic, body):
    return body + _MAC + _mac(k_link, topic, body) + b'"}'


# Writes a batch of the records `first` to at most `newest` into buf, as many as fit one payload. json_of(seq) gives a
# record's JSON as bytes, or None for a rotten slot, which ends the batch. The records are written first and the head
# is put before them, because it says how many wait behind. -> (start, end, seq of the last record or first - 1)
def batch(buf, k_link, topic, life, boot, up_ms, base, first, prev, newest, json_of):
    end, last = ROOM, first - 1
    while last < newest:
        one = json_of(last + 1)
        if one is None or end + 1 + len(one) > len(buf) - END_MAX:
            break
        if end > ROOM:
            buf[end] = 44  # ,
            end += 1
        buf[end : end + len(one)] = one
        end += len(one)
        last += 1
    head = (
        '{"v":1,"life":"%s","boot":%d,"up_ms":%d,"base":%d,"first":%d,"prev":"%s","depth":%d,"records":['
        % (text(life), boot, up_ms, base, first, text(prev), newest - last)
    ).encode()
    start = ROOM - len(head)
    buf[start:ROOM] = head
    buf[end] = 93  # ]
    end += 1
    tail = _MAC + _mac(k_link, topic, memoryview(buf)[start:end]) + b'"}'
    buf[end : end + len(tail)] = tail
    return start, end + len(tail), last


OFFLINE = b'{"v":1,"state":"offline"}'


def online(fw, life, boot, reason):
    return (
        '{"v":1,"state":"online","fw":"%s","life":"%s","boot":%d,"reason":%d}'
        % (fw, text(life), boot, reason)
    ).encode()


def beat(
    life,
    boot,
    up_ms,
    seq,
    n,
    depth,
    oldest_ms,
    lost,
    unknown,
    room,
    clock,
    stuck,
    heap,
    rssi,
    erases,
    faults,
    config,
):
    return (
        (
            '{"v":1,"life":"%s","boot":%d,"up_ms":%d,"seq":%d,"n":[%d,%d,%d],"depth":%d,"oldest_ms":%d,'
            % (text(life), boot, up_ms, seq, n[0], n[1], n[2], depth, oldest_ms)
        )
        + (
            '"lost":[%d,%d,%d],"unknown":%d,"room":%d,"clock":%d,"stuck":%d,"heap":%d,"rssi":%d,'
            % (lost[0], lost[1], lost[2], unknown, room, clock, stuck, heap, rssi)
        )
        + '"erases":%d,"faults":%d,"config":"%s"' % (erases, faults, config)
    ).encode()


def reply(id, ok, why):
    return ('{"v":1,"id":"%s","ok":%d,"text":"%s"' % (id, ok, why)).encode()


# ---- read


# The mac is checked over the bytes as they came. -> the message as a dict. Raises Unreadable.
def opened(k_link, topic, payload):
    body = len(payload) - _MAC_END
    if body < 1 or len(payload) > INCOMING_MAX or payload[body : body + 8] != _MAC or payload[-2:] != b'"}':
        raise Unreadable("shape")
    mine, wrong = _mac(k_link, topic, payload[:body]), 0
    for a, b in zip(mine, payload[body + 8 : -2]):  # noqa: B905  both are 32; MicroPython's zip has no strict
        wrong |= a ^ b  # every byte is looked at, so that the time says nothing
    if wrong:
        raise Unreadable("mac")
    return _parsed(payload)


def _parsed(payload):
    try:
        o = json.loads(payload)
    # too deep for the stack, or for the heap as it is just now
    except (ValueError, RuntimeError, MemoryError):
        o = None
    if not isinstance(o, dict) or o.get("v") != 1:
        raise Unreadable("json")
    return o


def integer(o, name, low, high):
    v = o.get(name)
    if type(v) is not int or not low <= v <= high:
        raise Unreadable(name)
    return v


def _hex8(o, name):
    v = o.get(name)
    if type(v) is not str or len(v) != 16 or v.strip("0123456789abcdef"):
        raise Unreadable(name)
    return binascii.unhexlify(v)


# -> (life, seq, tag or b"", boot, up_ms, now)
def ack(o):
    seq = integer(o, "seq", 0, 0xFFFFFFFF)
    tag = b"" if seq == 0 and o.get("tag") == "" else _hex8(o, "tag")
    boot, up_ms = integer(o, "boot", 0, 0xFFFF), integer(o, "up_ms", 0, (1 << 64) - 1)
    return _hex8(o, "life"), seq, tag, boot, up_ms, integer(o, "now", 0, (1 << 63) - 1)


# -> data of the press record that it marks: visit 8 bytes, business type u16
def prompt(payload):
    if len(payload) > PROMPT_MAX:
        raise Unreadable("shape")
    o = _parsed(payload)
    visit, biz = _hex8(o, "visit"), integer(o, "biz", 0, 0xFFFF)
    return visit + bytes((biz & 0xFF, biz >> 8))
