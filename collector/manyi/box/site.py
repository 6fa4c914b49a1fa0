"""The site file: where the broker is and how a box gets there, the same for all boxes of a delivery (docs/CONSOLE.md).

What is in it ends in the box as it stands, and a box that cannot read its own file is a journey. So every value has a type
and a range here, every key is known, and all that is wrong is said at once. Pure but for the certificate's file.
"""

from __future__ import annotations

import re
import ssl
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, NetmaskValueError
from pathlib import Path
from typing import Any, NamedTuple

from manyi.box.words import Unfit, both

MAX_SSID, MIN_WIFI_KEY, MAX_WIFI_KEY = 32, 8, 63
BEAT_S = range(10, 601)  # as `manyi box config` has it
MOST = 4  # servers of a kind; a box asks one after the other
TLS_PORT = 8883
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Site:
    """What all boxes of a delivery share. `ca` is DER, or None with `plain`."""

    host: str
    port: int
    name: str
    ca: bytes | None
    extra: dict[str, Any]

    @property
    def addressed(self) -> bool:
        """Whether it gives a fixed address, which is one box's alone."""
        return any("static" in place for place in (self.extra, *self.extra.get("wifi", [])))


class Key(NamedTuple):
    """What a value must be, in words after the key's name."""

    fits: Callable[[Any], bool]
    zh: str
    en: str


def _text(value: object, most: int = 253) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= most


def _whole(value: object, within: range) -> bool:
    return type(value) is int and value in within  # and no bool


def _host(value: object) -> bool:
    return isinstance(value, str) and HOST.fullmatch(value) is not None


def _address(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(IPv4Address(value))
    except AddressValueError:
        return False


def _some(value: object, one: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and 0 < len(value) <= MOST and all(map(one, value))


def _static(value: object) -> bool:
    """Address, mask, gateway and DNS, and the gateway is a neighbour."""
    if not (isinstance(value, list) and len(value) == 4 and all(map(_address, value))):
        return False
    address, mask, gateway, _ = value
    try:
        net = IPv4Interface(f"{address}/{mask}").network
    except NetmaskValueError:
        return False
    # 0.0.0.255 is a mask to Python too, the other way round; a box would take it as it stands.
    return IPv4Address(gateway) in net and gateway != address and mask == str(net.netmask)


def _wifi_key(value: object) -> bool:
    return isinstance(value, str) and (not value or MIN_WIFI_KEY <= len(value.encode()) <= MAX_WIFI_KEY)


STATIC = Key(
    _static,
    "应为 [地址, 掩码, 网关, DNS]，网关和地址在同一网段",
    "[address, mask, gateway, dns], the gateway in the address's network",
)
TOP = {
    "beat_s": Key(lambda v: _whole(v, BEAT_S), "应为 10 至 600 的整数，不加引号", "a whole number, 10 to 600, no quotes"),
    "static": STATIC,
    "dns": Key(lambda v: _some(v, _address), '应为地址的列表，如 ["10.1.2.1"]', 'a list of addresses: ["10.1.2.1"]'),
    "ntp": Key(lambda v: _some(v, _host), '应为列表，如 ["10.1.2.1"]', 'a list of hosts: ["10.1.2.1"]'),
}  # fmt: skip
BROKER = {
    "host": Key(_host, "应为服务器的名称或地址", "the broker's name or address"),
    "port": Key(lambda v: _whole(v, range(1, 65536)), "应为 1 至 65535 的整数，不加引号", "1 to 65535, no quotes"),
    "name": Key(_host, "应为证书上的名称", "the name that is in the certificate"),
    "ca": Key(_text, "应为根证书的文件名，如 ca.der", "the file of the root: ca.der"),
    "plain": Key(lambda v: isinstance(v, bool), "应为 true 或 false", "true or false"),
}  # fmt: skip
WIFI = {
    "ssid": Key(lambda v: _text(v, MAX_SSID), "应为网络名称，至多 32 字节", "the network's name, 32 bytes at most"),
    "key": Key(_wifi_key, '应为 Wi-Fi 密码，8 至 63 位；开放网络写 ""', 'its password, 8 to 63 characters; "" if it is open'),
    "static": STATIC,
}  # fmt: skip


def read(text: str, folder: Path) -> Site:
    """The site file, TOML. `ca` is a path beside it, PEM or DER. Raises Unfit with everything that is wrong."""
    try:
        got = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unfit([both("现场文件不是 TOML", f"the site file is no TOML: {error}")]) from None
    problems: list[str] = []
    broker, networks = got.pop("broker", {}), got.pop("wifi", [])
    _check("", got, TOP, problems)
    if not isinstance(broker, dict):
        broker = {}
    _check("[broker] ", broker, BROKER, problems, need=("host",))
    if not isinstance(networks, list):
        problems.append(both("Wi-Fi 要写成 [[wifi]]", "networks are written [[wifi]]"))
        networks = []
    for one in networks:
        _check("[[wifi]] ", one if isinstance(one, dict) else {}, WIFI, problems, need=("ssid", "key"))
    der = _root(broker, folder, problems)
    if problems:
        raise Unfit(problems)
    host = broker["host"]
    return Site(host, broker.get("port", TLS_PORT), broker.get("name", host), der, {"wifi": networks, **got})


def _check(
    where: str,
    got: Mapping[str, object],
    keys: dict[str, Key],
    problems: list[str],
    need: tuple[str, ...] = (),
) -> None:
    for name, value in got.items():
        if name not in keys:
            known = " ".join(keys)
            problems.append(
                both(
                    f"{where}不认识的设置 {name}，可以写 {known}",
                    f"{where}{name} is no setting; there are {known}",
                )
            )
        elif not keys[name].fits(value):
            problems.append(_said(where, name, keys[name]))
    problems += [_said(where, name, keys[name]) for name in need if name not in got]


def _said(where: str, name: str, key: Key) -> str:
    return both(f"{where}{name} {key.zh}", f"{where}{name}: {key.en}")


def _root(broker: Mapping[str, object], folder: Path, problems: list[str]) -> bytes | None:
    plain, file = broker.get("plain") is True, broker.get("ca")
    if plain == ("ca" in broker):
        problems.append(
            both(
                "[broker] 要写 ca（manyi broker 的 ca.der）；只有试验台才写 plain = true，不写 ca",
                "[broker] ca: the root, ca.der; or plain = true without it, for a bench only",
            )
        )
    elif isinstance(file, str):
        try:
            return certificate((folder / file).read_bytes())
        except (OSError, ValueError) as error:
            problems.append(both("[broker] ca 读不出证书", f"[broker] ca is no certificate: {error}"))
    return None


def certificate(raw: bytes) -> bytes:
    """DER of one certificate given as PEM or DER: MicroPython takes DER. Raises ValueError."""
    der = ssl.PEM_cert_to_DER_cert(raw.decode("ascii")) if raw.lstrip().startswith(b"-----") else raw
    if der[:2] != b"\x30\x82" or len(der) != 4 + int.from_bytes(der[2:4], "big"):
        raise ValueError("neither PEM nor DER of one certificate")
    return der
