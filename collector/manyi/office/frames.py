"""Bytes for a stream: server-sent events and the snapshot without its clocks. Pure; it refuses to know who reads them.

A frame is compressed once for all who read it compressed: it closes its own blocks and looks back at nothing, so that any
sequence of frames behind GZIP_HEAD is one gzip stream that every browser can unpack as it comes.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

# Of a gzip stream whose end nobody waits for: deflate, no name, no time, no system.
GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
# A city's picture of 31 KB becomes 2.2, in 30 us; the highest level would make it 1.9 in three times that.
ZIP_LEVEL = 1
# These move with every look although nothing happened; a picture that differs in them alone is not new.
CLOCKS = ("now_ms", "projected_ms")


class Frame(bytes):
    """What a client is sent at once."""

    @cached_property
    def zipped(self) -> bytes:
        """The same within a gzip stream."""
        packer = zlib.compressobj(ZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        return packer.compress(self) + packer.flush(zlib.Z_SYNC_FLUSH)


# A browser's own first pause before it reconnects; stream.js backs off from there by itself.
HELLO = Frame(b"retry: 1000\n\n")


def event(name: str, json: bytes) -> Frame:
    """One server-sent event. JSON has no raw line break, so one data line is enough."""
    return Frame(b"event: %b\ndata: %b\n\n" % (name.encode(), json))


def encode(value: object) -> bytes:
    """JSON as UTF-8."""
    return msgspec.json.encode(value)


def still(snapshot: Mapping[str, Any]) -> bytes:
    """The snapshot's JSON without its clocks: equal bytes, equal picture."""
    return encode({key: value for key, value in snapshot.items() if key not in CLOCKS})


def with_clocks(picture: bytes, snapshot: Mapping[str, Any]) -> bytes:
    """The same JSON with its clocks in front again, without encoding it twice."""
    clocks = encode({key: snapshot[key] for key in CLOCKS if key in snapshot})
    if picture == b"{}" or clocks == b"{}":
        return picture if clocks == b"{}" else clocks
    return clocks[:-1] + b"," + picture[1:]
