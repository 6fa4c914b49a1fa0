"""Paths that climb out of the served folder, byte by byte as no client library lets them through, to files that are there."""

from __future__ import annotations

import os
import socket
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import manyi.office

from tests.office.people import PATIENCE_S, People

STATIC = Path(manyi.office.__file__).parent / "static"
UP = (
    "../",
    "%2e%2e/",
    "..%2f",
    "%2e%2e%2f",
    "%252e%252e%252f",
    "..\\",
    "..%5c",
    ".%00./",
    "%c0%ae%c0%ae/",
    "....//",
)
REFUSED = (301, 302, 400, 403, 404)  # 301: to the same path with a slash at its end, which is 404
ENTRANCES = ("/static/", "/static/office/", "/hall/", "/screen/", "/lang/", "/")


def raw(url: str, path: str, cookie: str = "") -> tuple[int, bytes]:
    """Status and body of GET; the path goes as it is."""
    place = urlsplit(url)
    head = f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((place.hostname, place.port or 80), timeout=PATIENCE_S) as sock:
        sock.sendall(head.encode())
        answer = b"".join(iter(lambda: sock.recv(65_536), b""))
    top, _, body = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), body


def test_nothing_outside_the_served_folder_is_given_to_anybody(town: People, tmp_path: Path) -> None:
    database = tmp_path / "data" / "office.db"
    with town.browser("centre") as known:
        cookie = "; ".join(f"{name}={value}" for name, value in known.cookies.items())
    assert raw(town.office.url, "/static/office/common.css") == (
        200,
        (STATIC / "office" / "common.css").read_bytes(),
    )
    for file in (STATIC.parent / "runtime.py", database, Path("/etc/passwd")):
        begins = file.read_bytes()[:16]
        assert begins
        steps = os.path.relpath(file, STATIC)  # as many up as it takes from the folder that is served
        climbs = steps.count("../")
        for entrance, up, whole in product(ENTRANCES, UP, (climbs, climbs + 1)):
            path = entrance + up * whole + steps.replace("../", "")
            status, body = raw(town.office.url, path, cookie)
            assert (status in REFUSED, begins in body) == (True, False), path
        for entrance in ENTRANCES:
            for path in (f"{entrance}{file}", f"{entrance}%2F{str(file)[1:]}", f"{entrance}file://{file}"):
                status, body = raw(town.office.url, path, cookie)
                assert (status in REFUSED, begins in body) == (True, False), path
