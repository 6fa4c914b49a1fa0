# docs/WIRE.md, the box's side: record, beat, state and reply written field by field; ack and prompt read. What comes
# rarely is read elsewhere: config in settings.py, cmd in command.py, chunk in pieces.py.
#
# What is long is written piece by piece on a sheet (sheet.py), and what comes is read where it lies: nothing here asks the
# heap for more than a hundred bytes at once.
#
# Refuses: to believe anything without its mac (a prompt has none, and can only mark a rating), to look at a field
# before the mac, and to accept half a message: one value out of range and it raises Unreadable with the field's name.

import json
from binascii import hexlify, unhexlify

from box.chain import hmac_sha256
from box.sheet import FRONT

PAYLOAD_MAX = 4096
INCOMING_MAX = 512  # the longest message to a box is a config of about 250 bytes
PROMPT_MAX = 128  # no mac guards it, so nothing deep or long gets as far as the JSON reader
HEAD_MAX = 168  # '{"v":1 ... "records":[' with every number at its longest; 48 before it are MQTT's
END_MAX = 43  # '],"mac":"32 hex"}'
BUFFER = FRONT + PAYLOAD_MAX - HEAD_MAX  # a sheet for the longest message

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


# ---- written


def _mac(k_link, topic, body):
    return hexlify(hmac_sha256(k_link, topic, b"\0", body)[:16])


# Ends what is on the sheet with its mac.
def seal(sheet, k_link, topic):
    mac = _mac(k_link, topic, sheet.text())
    sheet.add(_MAC)
    sheet.add(mac)
    sheet.add(b'"}')


# Writes a batch of the records `first` to at most `newest`, as many as fit. write(seq) puts a record on the sheet, or
# returns False: no room, or a rotten slot, and the batch ends before it. The head comes last, because it says how many
# wait behind. book: the journal. -> seq of the last record, or first - 1
def batch(sheet, book, up_ms, base, first, prev, write):
    sheet.begin(b"")
    last = first - 1
    while last < book.newest:
        end = sheet.end
        if last >= first:
            sheet.add(b",")
        if not write(last + 1) or sheet.end > sheet.size - END_MAX:
            sheet.end = end
            break
        last += 1
    sheet.add(b"]")
    sheet.before(
        b'"base":%d,"first":%d,"prev":"%s","depth":%d,"records":['
        % (base, first, hexlify(prev), book.newest - last)
    )
    sheet.before(_head(book, up_ms))
    return last


OFFLINE = b'{"v":1,"state":"offline"}'


def online(fw, book, reason):
    return b'{"v":1,"state":"online","fw":"%d.%d.%d","life":"%s","boot":%d,"reason":%d}' % (
        fw + (hexlify(book.life), book.boot, reason)
    )


# book: the journal. oldest_ms: how long the oldest of `depth` records has waited
def beat(sheet, book, up_ms, depth, oldest_ms, clock, stuck, heap, rssi, config):
    n, lost = book.n, book.lost
    sheet.begin(_head(book, up_ms))
    sheet.add(
        b'"seq":%d,"n":[%d,%d,%d],"depth":%d,"oldest_ms":%d,'
        % (book.newest, n[0], n[1], n[2], depth, oldest_ms)
    )
    sheet.add(
        b'"lost":[%d,%d,%d],"unknown":%d,"room":%d,"clock":%d,'
        % (lost[0], lost[1], lost[2], book.unknown, book.room, clock)
    )
    sheet.add(
        b'"stuck":%d,"heap":%d,"rssi":%d,"erases":%d,"faults":%d,"config":"%s"'
        % (stuck, heap, rssi, book.erases, book.faults, config.encode())
    )


def _head(book, up_ms):
    return b'{"v":1,"life":"%s","boot":%d,"up_ms":%d,' % (hexlify(book.life), book.boot, up_ms)


def reply(id, ok, why):
    return b'{"v":1,"id":"%s","ok":%d,"text":"%s"' % (id.encode(), ok, why.encode())


# ---- read


# The mac is checked over the bytes as they came, and where they are: a slice of a view is no copy.
# -> the message as a dict. Raises Unreadable.
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
    return unhexlify(v)


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
