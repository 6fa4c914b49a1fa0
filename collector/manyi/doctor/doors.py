"""Doors that should be shut: servers of this machine that others reach past the proxy, and a password everybody knows.

Looks at this machine's own table of listening sockets and at Grafana's login; refuses to knock at another machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import urllib3

from manyi.core.config import LOOPBACK
from manyi.doctor import servers
from manyi.doctor.finding import Finding, Place, bad, good, skipped, warn

INFLUX, GRAFANA = "InfluxDB", "Grafana"
USUAL: Final = {8086: INFLUX, 3000: GRAFANA}  # where both listen as they are delivered
HOW: Final = {
    INFLUX: 'http-bind-address = "127.0.0.1:8086" (/etc/influxdb/config.toml)',
    GRAFANA: "GF_SERVER_HTTP_ADDR=127.0.0.1 (/etc/default/grafana-server)",
}
UNIT: Final = {INFLUX: "influxdb", GRAFANA: "grafana-server"}
TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LISTENING: Final = "0A"
IPV6_BYTES, LOOPBACK_NET = 16, 127
DELIVERED: Final = "admin:admin"  # Grafana's first account, until somebody changes it


def doors(place: Place) -> Iterator[Finding]:
    yield from _reached(place)
    if place.grafana:
        yield from _password(place.grafana.rstrip("/"), place)


def _reached(place: Place) -> Iterator[Finding]:
    """Plain HTTP with passwords and tokens in it, for whoever listens on the way."""
    try:
        beyond = set().union(*(beyond_this_machine(table.read_text()) for table in TABLES if table.exists()))
    except OSError as error:
        yield skipped("doors", f"看不到监听的端口：{error}", f"Listening ports cannot be read ({error}).")
        return
    ports = _ports(place)
    for port in sorted(beyond & ports.keys()):
        name = ports[port]
        yield warn(
            "doors",
            f"{name} 的端口 {port} 对外开放，未加密",
            f"{name} listens on port {port} for other machines, unencrypted",
            f"改成只听本机：{HOW[name]}；再执行 systemctl restart {UNIT[name]}",
            f"let it listen to this machine alone: {HOW[name]}; then systemctl restart {UNIT[name]}",
        )
    elsewhere = [name for url, name in _servers(place) if urlsplit(url).hostname not in (None, *LOOPBACK)]
    if elsewhere:
        names = "、".join(elsewhere), " and ".join(elsewhere)
        yield skipped(
            "doors",
            f"{names[0]} 在别的机器或容器里，这里看不到它对谁开放",
            f"{names[1]}: of another machine or container; to whom it is open cannot be seen from here.",
            "ss -tln",
        )
    elif not beyond & ports.keys():
        yield good("doors", "InfluxDB、Grafana 不对外开放", "InfluxDB and Grafana are not open to others.")


def _servers(place: Place) -> list[tuple[str, str]]:
    return [(place.config.influx.url if place.config.influx else "", INFLUX), (place.grafana, GRAFANA)]


def _ports(place: Place) -> dict[int, str]:
    return USUAL | {port: name for url, name in _servers(place) if (port := urlsplit(url).port)}


def beyond_this_machine(table: str) -> set[int]:
    """Ports that /proc/net/tcp or tcp6 shows listening on more than the loopback addresses."""
    found = set()
    for line in table.splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        address, port = local.split(":")
        if state == LISTENING and not _is_loopback(address):
            found.add(int(port, 16))
    return found


def _is_loopback(digits: str) -> bool:
    """Words of four bytes, each in this machine's order: 0100007F is 127.0.0.1."""
    raw = b"".join(bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8))
    mapped = raw.startswith(bytes(10) + b"\xff\xff")
    if len(raw) == IPV6_BYTES and not mapped:
        return raw == bytes(15) + b"\x01"
    return raw[-4] == LOOPBACK_NET


def _password(url: str, place: Place) -> Iterator[Finding]:
    headers = urllib3.make_headers(basic_auth=DELIVERED)
    try:
        status = servers.ask(place, "GET", f"{url}/api/org", headers=headers).status
    except (urllib3.exceptions.HTTPError, OSError):
        return  # servers.grafana says so
    if status == 200:
        yield bad(
            "doors",
            f"{url} 的 admin 还是出厂口令，谁都知道",
            f"{url}: admin has the password it came with, which everybody knows",
            "grafana cli admin reset-admin-password NEW-PASSWORD",
        )
    else:
        yield good("doors", "Grafana 的 admin 口令已改", "Grafana's admin has a password of its own.")
