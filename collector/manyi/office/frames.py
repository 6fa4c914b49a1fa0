"""Bytes for a stream: server-sent events and the snapshot without its clocks. Pure; it refuses to know who reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

# A browser's own first pause before it reconnects; stream.js backs off from there by itself.
HELLO = b"retry: 1000\n\n"
# These move with every look although nothing happened; a picture that differs in them alone is not new.
CLOCKS = ("now_ms", "projected_ms")


def event(name: str, json: bytes) -> bytes:
    """One server-sent event. JSON has no raw line break, so one data line is enough."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), json)


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
