"""A collector for tests of the box: paho, a dictionary as ledger, acks worked out from docs/WIRE.md alone.

Imports neither the box nor the collector. It stores what continues its head and checks every mac and, since it is given
k_chain too, every tag: what it holds is the truth of what arrived.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as paho

from tests.firmware.simbox import PATIENCE_S, eventually


def sealed(key: bytes, topic: str, body: str) -> bytes:
    mac = hmac.new(key, topic.encode() + b"\0" + body.encode(), hashlib.sha256).digest()[:16]
    return f'{body},"mac":"{mac.hex()}"}}'.encode()


def packed(r: dict[str, Any]) -> bytes:
    names = ("fmt", "kind", "boot", "seq", "up_ms", *"abc", "level", "reason", "held", "flags", "data")
    f = r | dict(zip("abc", r["n"], strict=True)) | {"data": bytes.fromhex(r["data"])}
    return struct.pack("<BBHIQIIIBBHB20s", *(f[n] for n in names))


@dataclass
class Life:
    """What is stored of one life: records by seq."""

    records: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def head(self) -> tuple[int, str]:
        seq = max(self.records, default=0)
        return seq, self.records[seq]["tag"] if seq else ""


class FakeCollector:
    """`answering` False: it hears and stores nothing and says nothing. `twice`: every ack is sent twice."""

    def __init__(self, port: int, box: str, k_link: bytes, k_chain: bytes) -> None:
        self.box, self.k_link, self.k_chain = box, k_link, k_chain
        self.answering, self.twice = True, False
        self.now_ms = lambda: int(time.time() * 1000)
        self.lives: dict[str, Life] = {}
        self.batches: list[dict[str, Any]] = []
        self.heard: dict[str, list[dict[str, Any]]] = {"state": [], "beat": [], "reply": []}
        self.fetches: list[dict[str, Any]] = []
        self.on_fetch: Callable[[dict[str, Any]], None] = lambda fetch: None
        self.acks: list[bytes] = []
        self.wrong: list[str] = []  # what no honest box may send
        self._changed = threading.Condition()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, f"collector-{time.monotonic_ns()}")
        self._client.on_connect = lambda c, *_: c.subscribe(
            [(f"manyi/1/{box}/{n}", 1) for n in ("record", "fetch", *self.heard)]
        )
        self._client.on_message = lambda _c, _u, m: self._message(m.topic, m.payload)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    # ---- asked by tests

    @property
    def life(self) -> Life:
        """The one life that was heard of."""
        (life,) = self.lives.values()
        return life

    def presses(self) -> list[int]:
        """Levels of every press stored, in order of life and seq."""
        return [
            r["level"]
            for life in self.lives.values()
            for _, r in sorted(life.records.items())
            if r["kind"] == 1
        ]

    def until(self, what: str, true: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
        answer = eventually(self._changed, true, patience_s)
        assert answer, f"did not come true in {patience_s} s: {what}"
        return answer

    def send(self, name: str, body: str, seal: bool = True, retain: bool = False, qos: int = 1) -> bytes:
        """Publishes `body` (without its last brace) to the box, sealed unless told not to."""
        topic = f"manyi/1/{self.box}/{name}"
        payload = sealed(self.k_link, topic, body) if seal else (body + "}").encode()
        self.raw(name, payload, retain, qos)
        return payload

    def raw(self, name: str, payload: bytes, retain: bool = False, qos: int = 1) -> None:
        self._client.publish(f"manyi/1/{self.box}/{name}", payload, qos, retain)

    def ack_body(self, life: str, seq: int, tag: str, boot: int, up_ms: int, now: int | None = None) -> str:
        now = self.now_ms() if now is None else now
        return f'{{"v":1,"life":"{life}","seq":{seq},"tag":"{tag}","boot":{boot},"up_ms":{up_ms},"now":{now}'

    # ---- the collector

    def _message(self, topic: str, payload: bytes) -> None:
        name = topic.rsplit("/", 1)[1]
        with self._changed:
            message = json.loads(payload)
            if (
                name != "state"
                and sealed(self.k_link, topic, payload.decode().rsplit(',"mac":', 1)[0]) != payload
            ):
                self.wrong.append(f"mac of {name}")
            if len(payload) > 4096:
                self.wrong.append(f"{name} of {len(payload)} bytes")
            if name == "record":
                if self.answering:
                    self.batches.append(message)
                    self._store(message)
                    self._answer(message)
            elif name == "fetch":
                self.fetches.append(message)
                self.on_fetch(message)
            else:
                self.heard[name].append(message)
            self._changed.notify_all()

    def _store(self, batch: dict[str, Any]) -> None:
        life = self.lives.setdefault(batch["life"], Life())
        prev = batch["prev"]
        for i, r in enumerate(batch["records"]):
            if r["seq"] != batch["first"] + i:
                self.wrong.append(f"seq {r['seq']}")
            tag = hmac.new(self.k_chain, bytes.fromhex(prev) + packed(r), hashlib.sha256).digest()[:8].hex()
            if tag != r["tag"]:
                self.wrong.append(f"tag of {r['seq']}")
            prev = tag
            head = life.head[0]
            if r["seq"] <= head and life.records[r["seq"]]["tag"] != tag:
                self.wrong.append(f"two records at {r['seq']}")
            if r["seq"] == head + 1 or (not life.records and batch["first"] == batch["base"]):
                life.records[r["seq"]] = r

    def _answer(self, batch: dict[str, Any]) -> None:
        seq, tag = self.lives[batch["life"]].head
        body = self.ack_body(batch["life"], seq, tag, batch["boot"], batch["up_ms"])
        for _ in range(2 if self.twice else 1):
            self.acks.append(self.send("ack", body, qos=0))
