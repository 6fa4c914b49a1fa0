# The record: 53 packed bytes (docs/WIRE.md) and its JSON, byte for byte the same on both interpreters.
#
# Refuses: to know flash, keys or which seq comes next. It only lays out bytes; what it does not understand passes through.

import struct
from binascii import hexlify

FMT = 0x11  # HMAC-SHA256 cut to 8 bytes, packing 1
LAYOUT = "<BBHIQIIIBBHB20s"
PACKED = 53  # bytes the tag is computed over
TAG = 8  # bytes
DATA = 20  # bytes of `data`

# kinds
PRESS, CLOCK, BOOT, DUTY, KEYTEST, LOSS = 1, 2, 3, 4, 5, 6
# reasons of a loss
FULL, ROTTEN, TORN = 1, 2, 3
# flags
PROMPTED = 1  # press: a window system invited it
CARRIED = 2  # loss: repeats admissions that had to be given up before anybody acknowledged them


# Writes the packed record to buf[0:53]. `n` counts this record too; `data` is at most 20 bytes.
def pack(buf, kind, boot, seq, up_ms, n, level=0, reason=0, held=0, flags=0, data=b""):
    if len(data) > DATA:
        raise ValueError("data")
    struct.pack_into(
        LAYOUT, buf, 0, FMT, kind, boot, seq, up_ms, n[0], n[1], n[2], level, reason, held, flags, bytes(data)
    )


# -> (fmt, kind, boot, seq, up_ms, n1, n2, n3, level, reason, held, flags, data) of slot[0:53].
def unpack(slot):
    return struct.unpack_from(LAYOUT, slot, 0)


# `data` of a loss: seq from, seq to, presses lost per level.
def loss_data(first, last, lost):
    return struct.pack("<5I", first, last, lost[0], lost[1], lost[2])


# -> (from, to, lost1, lost2, lost3)
def read_loss(data):
    return struct.unpack("<5I", data)


# The record and its tag (slot[53:61]) as JSON on a sheet; any kind, known or not. -> False: no room for all of it
def write(sheet, slot):
    f = struct.unpack_from(LAYOUT, slot, 0)
    data, tag = hexlify(f[12].rstrip(b"\0")), hexlify(bytes(slot[PACKED : PACKED + TAG]))
    return (
        sheet.add(
            b'{"seq":%d,"fmt":%d,"kind":%d,"boot":%d,"up_ms":%d,"n":[%d'
            % (f[3], f[0], f[1], f[2], f[4], f[5])
        )
        and sheet.add(b',%d,%d],"level":%d,"reason":%d,"held":%d,"flags":%d,' % f[6:12])
        and sheet.add(b'"data":"%s","tag":"%s"}' % (data, tag))
    )
