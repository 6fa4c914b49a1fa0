"""Batches, beats and states as bytes on the wire, made field by field as docs/WIRE.md says. Imports no writer of ours."""

from __future__ import annotations

import hashlib
import hmac
from threading import Event

from manyi.core.record import unpack
from manyi.core.wire import Batch
from paho.mqtt.client import Client

K_LINK = bytes(range(32))


class OneKey:
    """Every box has the same link key, but for those that are strangers."""

    def __init__(self, key: bytes = K_LINK, strangers: tuple[str, ...] = ()) -> None:
        self._key, self._strangers = key, strangers

    def link(self, box: str) -> bytes | None:
        return None if box in self._strangers else self._key


def subscribed(client: Client) -> Event:
    """Set once the broker has confirmed what the client asks for at its connection: what is published before is not for
    it. To be asked before it connects."""
    heard = Event()
    client.on_subscribe = lambda *_: heard.set()
    return heard


def sealed(topic: str, body: str | bytes, key: bytes = K_LINK) -> tuple[str, bytes]:
    """`body` is the payload up to the mac."""
    raw = body.encode() if isinstance(body, str) else body
    digest = hmac.new(key, topic.encode() + b"\0" + raw, hashlib.sha256).digest()[:16]
    return topic, raw + b',"mac":"' + digest.hex().encode() + b'"}'


def spoken(batch: Batch, key: bytes = K_LINK) -> tuple[str, bytes]:
    records = []
    for s in batch.records:
        r = unpack(s.packed)
        data = r.data.rstrip(b"\0").hex()
        records.append(
            f'{{"seq":{r.seq},"fmt":{r.fmt},"kind":{r.kind},"boot":{r.boot},"up_ms":{r.up_ms},'
            f'"n":[{r.n[0]},{r.n[1]},{r.n[2]}],"level":{r.level},"reason":{r.reason},"held":{r.held},'
            f'"flags":{r.flags},"data":"{data}","tag":"{s.tag.hex()}"}}'
        )
    body = (
        f'{{"v":1,"life":"{batch.life}","boot":{batch.boot},"up_ms":{batch.up_ms},"base":{batch.base},'
        f'"first":{batch.first},"prev":"{batch.prev.hex()}","depth":{batch.depth},"records":[{",".join(records)}]'
    )
    return sealed(f"manyi/1/{batch.box}/record", body, key)


def beat(box: str, life: str, n: tuple[int, int, int], seq: int, **fields: int) -> tuple[str, bytes]:
    f = {"boot": 1, "up_ms": 120000, "depth": 0, "room": 7800} | fields
    body = (
        f'{{"v":1,"life":"{life}","boot":{f["boot"]},"up_ms":{f["up_ms"]},"seq":{seq},'
        f'"n":[{n[0]},{n[1]},{n[2]}],"depth":{f["depth"]},"oldest_ms":0,"lost":[0,0,0],"unknown":0,'
        f'"room":{f["room"]},"clock":1,"stuck":0,"heap":31200,"rssi":-61,"erases":12,"faults":0,"config":""'
    )
    return sealed(f"manyi/1/{box}/beat", body)
