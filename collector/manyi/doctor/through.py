"""One message all the way: broker → collector → ledger → acknowledgement, under the doctor's own account.

The doctor speaks as a box that has no keys of presses: it sends a `reply` (which the ledger's database keeps, one row for
each box) and an empty batch ("where are you?", docs/WIRE.md), and waits for the collector's answer. So the whole path is
walked, commit included, and nothing is left that a figure, an account or a list of boxes knows of.

What is found missing is named by the place that it did not reach. Refuses to send a record.
"""

from __future__ import annotations

import json
import secrets
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from manyi.broker.names import DOCTOR, DOCTOR_FILE
from manyi.core.config import secret
from manyi.core.errors import ManyiError
from manyi.core.keys import load as load_keys
from manyi.core.ledger import schema
from manyi.core.wire import is_sealed, write
from manyi.doctor import books, link, mqtt_probe, servers
from manyi.doctor.finding import BROKER_CHECK, Finding, Place, bad, good, skipped, why

TRIES: Final = 2  # QoS 0 may lose one
SLOW_MS: Final = 2_000  # a round trip that a box no longer takes the time from (docs/WIRE.md)
REPLY_ID: Final = "doctor"
ACK: Final = f"manyi/1/{DOCTOR}/ack"
_REPLY: Final = "SELECT text FROM reply WHERE box = ?"
_ASIDE: Final = "SELECT why FROM aside WHERE at_ms >= ? AND topic LIKE ? ORDER BY id DESC LIMIT 1"
ENROL: Final = (
    "manyi broker add doctor --dir /etc/manyi/broker --out /etc/manyi/secrets/doctor.jsonl "
    "--link-file /etc/manyi/secrets/link.keys; chown manyi:manyi /etc/manyi/secrets/doctor.jsonl; systemctl reload mosquitto"
)


AGAIN: Final = f"manyi broker remove doctor --dir /etc/manyi/broker; {ENROL}"


def credential_of(place: Place) -> Path | None:
    """Where the doctor's account is kept; None where the broker has no accounts at all."""
    password = place.config.broker.password_file
    return None if password is None else password.with_name(DOCTOR_FILE)


def through(place: Place) -> Iterator[Finding]:
    path = None if place.config.follows else credential_of(place)
    if path is None:
        return
    if not path.exists():
        yield skipped(
            "through",
            "体检没有自己的账户，全程没有试",
            "The doctor has no account of its own, so the whole way was not tried",
            ENROL,
        )
    elif not books.running(place):
        yield skipped(
            "through", "服务没有运行，全程没有试", "The whole way was not tried: the service does not run."
        )
    else:
        yield _send(place, path)


def _send(place: Place, path: Path) -> Finding:
    try:
        own = json.loads(secret(path, "doctor's account"))
        key, password = bytes.fromhex(own["k_link"]), str(own["password"])
        known = load_keys(place.config.keys.link_file, "link key file").get(DOCTOR)
    except (ManyiError, ValueError, KeyError, TypeError) as error:
        zh, en = why(error)
        return bad(
            "through",
            f"体检账户 {path} 读不出：{zh}",
            f"The doctor's account {path} cannot be read: {en}",
            f"chown manyi:manyi {path}；内容坏了就删掉它，重开账户：{AGAIN}",
            f"chown manyi:manyi {path}; if it is broken, remove it and enrol the doctor again: {AGAIN}",
        )
    if known != key:
        return bad(
            "through",
            f"{place.config.keys.link_file} 里没有体检账户的密钥，或不是这一把",
            f"{place.config.keys.link_file} has no line for {DOCTOR}, or another key than {path}",
            f"删掉 {path} 和密钥文件里 {DOCTOR} 那一行，重开账户：{AGAIN}",
            f"remove {path} and the key file's line of {DOCTOR}, and enrol the doctor again: {AGAIN}",
        )
    try:
        with link.dial(place.config.broker, place.timeout_s) as sock:
            code = mqtt_probe.connect(sock, f"{DOCTOR}-{secrets.token_hex(4)}", DOCTOR, password)
            if code != mqtt_probe.ACCEPTED:
                return bad(
                    "through",
                    f"消息服务器拒绝体检账户（返回码 {code}）",
                    f"The broker refuses the doctor's account (code {code})",
                    f"systemctl reload mosquitto；还这样就 {BROKER_CHECK}",
                    f"systemctl reload mosquitto; if it stays so, {BROKER_CHECK}",
                )
            return _ask(place, sock, key)
    except (OSError, ManyiError) as error:
        zh, en = why(error)
        return bad(
            "through",
            f"连不上消息服务器：{zh}",
            f"The broker cannot be reached: {en}",
            "systemctl status mosquitto；见上面 broker 一行",
            "systemctl status mosquitto; see the line broker above",
        )


def _ask(place: Place, sock: socket.socket, key: bytes) -> Finding:
    life, nonce = secrets.token_hex(8), secrets.token_hex(8)
    began_ms, began = time.time_ns() // 1_000_000, time.monotonic()
    mqtt_probe.subscribe(sock, ACK)
    for _ in range(TRIES):
        reply = f'{{"v":1,"id":"{REPLY_ID}","ok":1,"text":"{nonce}"'
        mqtt_probe.publish(sock, *write(DOCTOR, key, "reply", reply))
        mqtt_probe.publish(sock, *write(DOCTOR, key, "record", _empty_batch(life)))
        if _answered(sock, life, key):
            took_ms = int((time.monotonic() - began) * 1000)
            return _kept(place, nonce, took_ms)
    return _where(place, nonce, began_ms)


def _empty_batch(life: str) -> str:
    return f'{{"v":1,"life":"{life}","boot":1,"up_ms":1,"base":1,"first":1,"prev":"{"0" * 16}","depth":0,"records":[]'


def _answered(sock: socket.socket, life: str, key: bytes) -> bool:
    """Whether the collector's own answer to this very batch came in time."""
    try:
        while (packet := mqtt_probe.receive(sock)) is not None:
            if packet.kind != mqtt_probe.PUBLISH:
                continue
            payload = packet.body[2 + int.from_bytes(packet.body[:2], "big") :]
            if is_sealed(ACK, payload, key) and _life(payload) == life:
                return True
    except TimeoutError:
        pass
    return False


def _life(payload: bytes) -> Any:
    try:
        return json.loads(payload).get("life")
    except (ValueError, AttributeError):
        return None


def _kept(place: Place, nonce: str, took_ms: int) -> Finding:
    if _stored(place) != nonce:
        return bad(
            "through",
            f"消息有应答，但不在 {place.config.data.ledger} 里：服务用的是另一个台账",
            f"The message was answered, and is not in {place.config.data.ledger}: the service keeps another ledger",
            "核对 systemctl cat manyi 里的 --config 与体检用的 -c 是不是同一个文件",
            "compare --config in systemctl cat manyi with the doctor's -c: is it one file?",
        )
    if took_ms > SLOW_MS:
        return bad(
            "through",
            f"全程 {took_ms} 毫秒，太慢：评价器不再据此对时",
            f"The whole way takes {took_ms} ms, too long for boxes to take the time from",
            "查什么占着磁盘、处理器或网络：top、iostat -x 1；空下来再体检",
            "look what keeps disk, processor or network busy (top, iostat -x 1), then try again",
        )
    return good(
        "through",
        f"消息服务器→采集→台账→应答，全程 {took_ms} 毫秒",
        f"Broker, collector, ledger and the way back: {took_ms} ms.",
    )


def _stored(place: Place) -> str:
    try:
        with closing(schema.open_for_reading(place.config.data.ledger)) as conn:
            found = conn.execute(_REPLY, (DOCTOR,)).fetchone()
    except (ManyiError, sqlite3.Error):
        return ""
    return str(found[0]) if found else ""


def _where(place: Place, nonce: str, began_ms: int) -> Finding:
    """No answer has come: how far did it get?"""
    if _stored(place) == nonce:
        return bad(
            "through",
            "消息进了台账，应答没有回来：多半是访问控制不放行 ack",
            "It reached the ledger, and the answer did not come back: most likely the access list shuts ack",
            f"{BROKER_CHECK}，照它说的改；再执行 systemctl reload mosquitto",
            f"{BROKER_CHECK}, do what it says, then systemctl reload mosquitto",
        )
    try:
        with closing(schema.open_for_reading(place.config.data.ledger)) as conn:
            aside = conn.execute(_ASIDE, (began_ms, f"manyi/1/{DOCTOR}/%")).fetchone()
    except (ManyiError, sqlite3.Error):
        aside = None
    if aside is not None:
        return bad(
            "through",
            f"采集服务收到了，但不认（{aside[0]}）",
            f"The collector has it and does not take it ({aside[0]})",
            "等一分钟再体检（密钥文件刚改过时服务还没重读）；还这样就 systemctl restart manyi",
            "try again in a minute (the service rereads a changed key file); if it stays so, systemctl restart manyi",
        )
    if servers.metric(place, "manyi_broker_connected") == 0:
        return bad(
            "through",
            "采集服务没有连上消息服务器",
            "The collector is not connected to the broker",
            "journalctl -u manyi 看原因；见上面 broker、login 两行",
            "journalctl -u manyi says why; see the lines broker and login above",
        )
    if servers.metric(place, r'manyi_failing\{part="pipeline"\}'):
        return bad(
            "through",
            "采集服务写不进台账",
            "The collector cannot write the ledger",
            "journalctl -u manyi 看原因；磁盘满不满见上面 disk 一行",
            "journalctl -u manyi says why; the line disk above says whether there is room",
        )
    return bad(
        "through",
        "消息没有到采集服务：消息服务器不放行，或服务卡住",
        "It did not reach the collector: the broker lets it not through, or the service hangs",
        f"{BROKER_CHECK}；没有问题就看 journalctl -u manyi",
        f"{BROKER_CHECK}; if nothing is wrong there, journalctl -u manyi",
    )
