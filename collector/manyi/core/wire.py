"""docs/WIRE.md as the collector reads and writes it. Pure; `decode` never raises.

The mac is checked over the bytes as received before any field is looked at. What cannot be read becomes
Unreadable with a reason, to be counted and kept aside. Refuses to judge: whether a batch fits the ledger is
ledger/ingest.py's question.

Messages are msgspec structs: frozen and slotted like our dataclasses, and four times faster to make.
Longer than 300 lines because one page of law is best read against one file.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from struct import error as StructError
from typing import Annotated, Final, Literal, Protocol, TypeAlias

import msgspec
from msgspec import Meta, Struct

from manyi.core.record import PACKED, Levels

ROOT: Final = "manyi/1"
SUBSCRIPTION: Final = "manyi/1/+/+"
PAYLOAD_MAX_BYTES: Final = 4096
SEAL_BYTES: Final = len(',"mac":"') + 32 + len('"}')
_DETAIL_MAX: Final = 200  # characters of a decoder's own words that are worth keeping

Why: TypeAlias = Literal["topic", "box", "oversize", "mac", "utf8", "json", "version", "shape"]

U8 = Annotated[int, Meta(ge=0, le=0xFF)]
U16 = Annotated[int, Meta(ge=0, le=0xFFFF)]
U32 = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
U63 = Annotated[
    int, Meta(ge=0, le=0x7FFF_FFFF_FFFF_FFFF)
]  # beats are kept in SQLite, whose integers are signed
I16 = Annotated[int, Meta(ge=-0x8000, le=0x7FFF)]
Unbounded = Annotated[int, Meta(ge=0)]  # u64: msgspec's bounds end at 63 bits, packing refuses the rest
# What a box says of itself ends in terminals, logs and on screens: ASCII that can be printed, as docs/WIRE.md has it.
Said = Annotated[str, Meta(pattern=r"^[ !#-\[\]-~]{0,80}\Z")]
Release = Annotated[str, Meta(pattern=r"^[ !#-\[\]-~]{0,32}\Z")]
Id = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,16}\Z")]


class LinkKeys(Protocol):
    def link(self, box: str) -> bytes | None: ...


class Sealed(Struct, frozen=True, gc=False):
    """A record as it goes into the ledger: its packed bytes and tag, and the four fields that ingest looks
    at.
    """

    seq: int
    kind: int
    level: int
    n: Levels
    packed: bytes
    tag: bytes


class Batch(Struct, frozen=True):
    box: str
    life: str
    boot: int
    up_ms: int
    base: int
    first: int
    prev: bytes
    depth: int
    records: tuple[Sealed, ...]


class Beat(Struct, frozen=True, kw_only=True):
    box: str
    life: str
    boot: int
    up_ms: int
    seq: int
    n: Levels
    depth: int
    oldest_ms: int
    lost: Levels
    unknown: int
    room: int
    clock: int
    stuck: int
    heap: int
    rssi: int
    erases: int
    faults: int
    config: str


class State(Struct, frozen=True):
    box: str
    online: bool
    fw: str = ""
    life: str = ""
    boot: int = 0
    reason: int = 0


class Reply(Struct, frozen=True):
    box: str
    id: str
    ok: bool
    text: str


class Fetch(Struct, frozen=True):
    """A box asks for a piece of the firmware that command `id` told it of."""

    box: str
    id: str
    at: int


class Unreadable(Struct, frozen=True):
    topic: str
    why: Why
    detail: str
    payload: bytes


Message: TypeAlias = Batch | Beat | State | Reply | Fetch | Unreadable


class _Record(Struct, gc=False):
    seq: Annotated[int, Meta(ge=1, le=0xFFFF_FFFF)]
    fmt: U8
    kind: U8
    boot: U16
    up_ms: Unbounded
    n: tuple[U32, U32, U32]
    level: U8
    reason: U8
    held: U16
    flags: U8
    data: Annotated[str, Meta(max_length=40)]
    tag: Annotated[str, Meta(min_length=16, max_length=16)]


class _Batch(Struct):
    v: Literal[1]
    life: str
    boot: U16
    up_ms: Unbounded
    base: Annotated[int, Meta(ge=1, le=0xFFFF_FFFF)]
    first: Annotated[int, Meta(ge=1, le=0xFFFF_FFFF)]
    prev: str
    depth: U32
    records: list[_Record]


class _Beat(Struct):
    v: Literal[1]
    life: str
    boot: U16
    up_ms: U63
    seq: U32
    n: tuple[U32, U32, U32]
    depth: U32
    oldest_ms: U63
    lost: tuple[U32, U32, U32]
    unknown: U32
    room: U32
    clock: U8
    stuck: U8
    heap: U32
    rssi: I16
    erases: U32
    faults: U32
    config: Annotated[str, Meta(pattern=r"^!?[a-z0-9-]{0,16}\Z")]


class _State(Struct):
    v: Literal[1]
    state: Literal["online", "offline"]
    fw: Release = ""
    life: str = ""
    boot: U16 = 0
    reason: U8 = 0


class _Reply(Struct):
    v: Literal[1]
    id: Id
    ok: Literal[0, 1]
    text: Said


class _Fetch(Struct):
    v: Literal[1]
    id: Id
    at: U32


class _Version(Struct):
    v: int


_READ_BATCH = msgspec.json.Decoder(_Batch)
_READ_BEAT = msgspec.json.Decoder(_Beat)
_READ_STATE = msgspec.json.Decoder(_State)
_READ_REPLY = msgspec.json.Decoder(_Reply)
_READ_FETCH = msgspec.json.Decoder(_Fetch)
_READ_VERSION = msgspec.json.Decoder(_Version)


def decode(topic: str, payload: bytes, keys: LinkKeys) -> Message:
    """Any bytes on any topic to a Message. Never raises; an exception out of here is a bug."""
    box, name = _address(topic)
    read = _READERS.get(name)
    key = keys.link(box) if read else None
    if read is None or key is None or len(payload) > PAYLOAD_MAX_BYTES:
        why: Why = "topic" if read is None else "box" if key is None else "oversize"
        long = len(payload) > PAYLOAD_MAX_BYTES  # the inbox keeps one byte too many of it
        return Unreadable(
            topic, why, f"over {PAYLOAD_MAX_BYTES} bytes" if long else f"{len(payload)} bytes", payload
        )
    if name != "state" and not is_sealed(topic, payload, key):
        return _unsealed(topic, payload)
    try:
        if not payload.isascii():
            payload.decode()
        return read(box, payload)
    except UnicodeDecodeError as error:
        return Unreadable(topic, "utf8", str(error), payload)
    except (ValueError, StructError, RecursionError) as error:  # msgspec's errors are ValueErrors
        return _diagnose(topic, payload, str(error)[:_DETAIL_MAX])


def _address(topic: str) -> tuple[str, str]:
    parts = topic.split("/")
    return (parts[2], parts[3]) if len(parts) == 4 and topic.startswith("manyi/1/") else ("", "")


def is_sealed(topic: str, payload: bytes, key: bytes) -> bool:
    """Whether the payload was made for this topic by whoever holds the key."""
    return hmac.compare_digest(payload[-SEAL_BYTES:], seal(topic, payload[:-SEAL_BYTES], key))


def seal(topic: str, body: bytes, key: bytes) -> bytes:
    """What a payload that begins with `body` must end in."""
    digest = hmac.digest(key, topic.encode() + b"\0" + body, sha256)
    return b',"mac":"' + digest[:16].hex().encode() + b'"}'


def _unsealed(topic: str, payload: bytes) -> Unreadable:
    """No valid mac. Bytes that are no message at all are named as such: a technician looks elsewhere then."""
    found = _diagnose(topic, payload, "")
    return Unreadable(topic, "mac", "", payload) if found.why in ("shape", "version") else found


def _diagnose(topic: str, payload: bytes, detail: str) -> Unreadable:
    why: Why = "shape"
    try:
        payload.decode()
        if _READ_VERSION.decode(payload).v != 1:
            why = "version"
    except UnicodeDecodeError:
        why = "utf8"
    except msgspec.ValidationError:
        pass  # JSON, but not an object with a version
    except (ValueError, RecursionError):
        why = "json"
    return Unreadable(topic, why, detail, payload)


def _hex(text: str, size: int) -> bytes:
    """Exactly `size` bytes from lower-case hex; bytes.fromhex alone would take capitals and blanks."""
    value = bytes.fromhex(text)
    if len(value) != size or value.hex() != text:
        raise ValueError(f"{text[:40]!r} is not {size} bytes in lower-case hex")
    return value


def _batch(box: str, payload: bytes) -> Batch:
    b = _READ_BATCH.decode(payload)
    _hex(b.life, 8)
    expected = b.first
    sealed = []
    for r in b.records:
        if r.seq != expected:
            raise ValueError(f"record {r.seq} where {expected} belongs")
        expected += 1
        data = _hex(r.data, len(r.data) >> 1) if r.data else b""
        packed = PACKED.pack(
            r.fmt, r.kind, r.boot, r.seq, r.up_ms, *r.n, r.level, r.reason, r.held, r.flags, data
        )
        sealed.append(Sealed(r.seq, r.kind, r.level, r.n, packed, _hex(r.tag, 8)))
    if b.base > b.first:
        raise ValueError(f"base {b.base} is after first {b.first}")
    if b.up_ms >> 64:
        raise ValueError("up_ms is longer than 64 bits")
    return Batch(box, b.life, b.boot, b.up_ms, b.base, b.first, _hex(b.prev, 8), b.depth, tuple(sealed))


def _beat(box: str, payload: bytes) -> Beat:
    b = _READ_BEAT.decode(payload)
    _hex(b.life, 8)
    return Beat(
        box=box, life=b.life, boot=b.boot, up_ms=b.up_ms, seq=b.seq, n=b.n, depth=b.depth,
        oldest_ms=b.oldest_ms, lost=b.lost, unknown=b.unknown, room=b.room, clock=b.clock, stuck=b.stuck,
        heap=b.heap, rssi=b.rssi, erases=b.erases, faults=b.faults, config=b.config,
    )  # fmt: skip


def _state(box: str, payload: bytes) -> State:
    s = _READ_STATE.decode(payload)
    if s.state == "offline":
        return State(box, False)
    _hex(s.life, 8)
    return State(box, True, s.fw, s.life, s.boot, s.reason)


def _reply(box: str, payload: bytes) -> Reply:
    r = _READ_REPLY.decode(payload)
    return Reply(box, r.id, r.ok == 1, r.text)


def _fetch(box: str, payload: bytes) -> Fetch:
    f = _READ_FETCH.decode(payload)
    return Fetch(box, f.id, f.at)


_READERS: Final[dict[str, Callable[[str, bytes], Message]]] = {
    "record": _batch,
    "beat": _beat,
    "state": _state,
    "reply": _reply,
    "fetch": _fetch,
}


def write_ack(batch: Batch, key: bytes, seq: int, tag: bytes, now_ms: int) -> tuple[str, bytes]:
    """(topic, payload) of the answer to `batch`: the head (seq, tag) of its branch; seq 0, tag b"" for
    none.
    """
    text = (
        f'{{"v":1,"life":"{batch.life}","seq":{seq},"tag":"{tag.hex()}","boot":{batch.boot},'
        f'"up_ms":{batch.up_ms},"now":{now_ms}'
    )
    return write(batch.box, key, "ack", text)


def write_config(box: str, key: bytes, settings: Mapping[str, int | str]) -> tuple[str, bytes]:
    """(topic, payload) of a config message, to be published retained; `settings` has every field."""
    order = ("id", "beat_s", "bright", "volume", "mode", "second", "visit_ms", "open")
    return write(box, key, "config", '{"v":1' + "".join(f',"{k}":{json.dumps(settings[k])}' for k in order))


def write_cmd(box: str, key: bytes, cmd_id: str, boot: int, do: str, *, arg: str = "") -> tuple[str, bytes]:
    """(topic, payload) of one command for one boot of one box."""
    body = f'{{"v":1,"id":{json.dumps(cmd_id)},"boot":{boot},"do":{json.dumps(do)},"arg":{json.dumps(arg)}'
    return write(box, key, "cmd", body)


def write_chunk(box: str, key: bytes, cmd_id: str, at: int, data: bytes) -> tuple[str, bytes]:
    """(topic, payload) of a piece of a firmware: at most 256 bytes."""
    body = f'{{"v":1,"id":{json.dumps(cmd_id)},"at":{at},"data":"{base64.b64encode(data).decode()}"'
    return write(box, key, "chunk", body)


def write(box: str, key: bytes, name: str, text: str) -> tuple[str, bytes]:
    """(topic, payload) of a message to a box or of one; `text` is its JSON without the last brace."""
    topic, body = f"{ROOT}/{box}/{name}", text.encode()
    return topic, body + seal(topic, body, key)
