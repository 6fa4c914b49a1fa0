"""Servers that others reach past the proxy, and a password that everybody knows."""

from __future__ import annotations

import base64
import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from manyi.doctor import doors
from manyi.doctor.finding import Level, Place

from tests.deploy.town import T0, Town

INFLUX_ELSEWHERE = """
[influx]
url = "http://influxdb:8086"
org = "manyi"
bucket = "manyi"
rollup_bucket = "manyi_rollup"
day_bucket = "manyi_day"
wall_bucket = "manyi_wall"
token_file = "secrets/influx.token"
"""


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path / "etc")


def ask(town: Town, grafana: str = "") -> list[tuple[Level, str]]:
    return [
        (each.level, f"{each.zh} {each.do_zh}")
        for each in doors.doors(Place(town.config, town.file, T0, grafana))
    ]


@contextmanager
def listening(address: str, family: socket.AddressFamily = socket.AF_INET) -> Iterator[int]:
    with closing(socket.socket(family)) as sock:
        sock.bind((address, 0))
        sock.listen()
        yield sock.getsockname()[1]


@pytest.mark.parametrize(
    ("address", "family", "is_open"),
    [
        ("127.0.0.1", socket.AF_INET, False),
        ("127.0.0.9", socket.AF_INET, False),
        ("0.0.0.0", socket.AF_INET, True),
        ("::1", socket.AF_INET6, False),
        ("::ffff:127.0.0.1", socket.AF_INET6, False),
        ("::", socket.AF_INET6, True),
    ],
)
def test_a_server_that_other_machines_reach(
    town: Town, address: str, family: socket.AddressFamily, is_open: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(address, family) as port:
        monkeypatch.setattr(doors, "USUAL", {port: doors.INFLUX})
        ((level, said),) = ask(town)
        assert (level == Level.warn, str(port) in said) == (is_open, is_open)


def test_grafana_where_the_command_names_it(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "USUAL", {})
    with listening("0.0.0.0") as port:
        level, said = ask(town, f"http://127.0.0.1:{port}")[0]
        assert (level, "GF_SERVER_HTTP_ADDR" in said) == (Level.warn, True)


def test_a_server_elsewhere_is_not_called_shut(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container the table of sockets is the container's own: nothing in it was no news of InfluxDB."""
    monkeypatch.setattr(doors, "USUAL", {})
    level, said = ask(town, "http://grafana:3000")[0]
    assert (level, "Grafana 在别的机器" in said) == (Level.skipped, True)
    there = Town(town.folder.parent / "containers", more=INFLUX_ELSEWHERE)
    ((level, said),) = ask(there)
    assert (level, "InfluxDB 在别的机器" in said) == (Level.skipped, True)


@pytest.mark.parametrize(("password", "level"), [("admin", Level.bad), ("another", Level.good)])
def test_the_password_that_grafana_came_with(town: Town, password: str, level: Level) -> None:
    known = base64.b64encode(f"admin:{password}".encode()).decode()

    class Grafana(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.headers["Authorization"] == f"Basic {known}" and self.path == "/api/org"
            self.send_response(200 if is_known else 401)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Grafana)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert ask(town, f"http://127.0.0.1:{server.server_port}")[-1][0] == level
    finally:
        server.shutdown()
        server.server_close()


def test_a_grafana_that_does_not_answer_is_another_check_s(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "USUAL", {})  # whatever else runs on this machine
    assert [level for level, _ in ask(town, "http://127.0.0.1:9")] == [Level.good]
