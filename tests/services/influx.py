"""The real influxd 2 as a fixture: on a free loopback port, set up with one organisation and one token.

`influx` is shared by a whole run and must not be killed: take a bucket of your own from it. `own_influx`
belongs to one test, which may kill and restart it.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.services.processes import Server, find, free_port, missing

ORG = "manyi"
TOKEN = "test-token-of-no-value"  # the server lives on loopback for one test run
TIMEOUT_S = 30.0  # for one request; the first one after a start is the slow one


class Influx(Server):
    """`url`, `org`, `token`, `bucket()`, `write()`, `query()`, and `start() kill() stop() restart() freeze() thaw()`."""

    org = ORG
    token = TOKEN

    def __init__(self, folder: Path) -> None:
        program = influxd()
        if program is None:
            missing("influxd 2", "make services builds one (Go and cargo needed), or put one on PATH")
        assert program is not None
        self.url = f"http://127.0.0.1:{free_port()}"
        self._names = count(1)
        folder.mkdir(parents=True, exist_ok=True)
        options = {
            "bolt-path": folder / "influxd.bolt",
            "engine-path": folder / "engine",
            "http-bind-address": self.url.removeprefix("http://"),
            "log-level": "warn",
        }
        command = [program, "--reporting-disabled", *(f"--{name}={value}" for name, value in options.items())]
        super().__init__("influxd", command, folder / "influxd.log", self._healthy)

    def set_up(self) -> None:
        """Once per folder: the organisation, a user, and the token."""
        user = {"username": "test", "password": "test-password", "token": TOKEN}
        self._call("POST", "/api/v2/setup", user | {"org": ORG, "bucket": "unused"})

    def bucket(self) -> str:
        """A new bucket of its own name, queryable by InfluxQL as a database of that name."""
        name = f"test{next(self._names)}-{os.getpid()}"
        org = self._call("GET", f"/api/v2/orgs?{urlencode({'org': ORG})}")["orgs"][0]["id"]
        self._call("POST", "/api/v2/buckets", {"orgID": org, "name": name, "retentionRules": []})
        return name

    def write(self, bucket: str, lines: list[str]) -> None:
        """Line protocol, times in ns."""
        path = f"/api/v2/write?{urlencode({'org': ORG, 'bucket': bucket})}"
        request = urllib.request.Request(
            self.url + path, "\n".join(lines).encode(), {"Authorization": f"Token {TOKEN}"}, method="POST"
        )
        no_proxy = urllib.request.ProxyHandler({})
        urllib.request.build_opener(no_proxy).open(request, timeout=TIMEOUT_S).close()

    def query(self, bucket: str, influxql: str) -> list[dict[str, object]]:
        """The rows of an InfluxQL query's series, as dictionaries; tags of a GROUP BY are among the keys."""
        asked = urlencode({"db": bucket, "q": influxql, "epoch": "ns"})
        rows: list[dict[str, object]] = []
        for result in self._call("GET", f"/query?{asked}")["results"]:
            if "error" in result:
                raise ValueError(result["error"])
            for series in result.get("series", []):
                tags, columns = series.get("tags", {}), series["columns"]
                rows += [tags | dict(zip(columns, values, strict=True)) for values in series["values"]]
        return rows

    def _healthy(self) -> bool:
        try:
            return self._call("GET", "/health", timeout_s=2.0)["status"] == "pass"
        except (OSError, ValueError, KeyError):
            return False

    def _call(self, method: str, path: str, body: object = None, timeout_s: float = TIMEOUT_S) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        no_proxy = urllib.request.ProxyHandler({})  # it is on loopback, whatever the shell says
        opener = urllib.request.build_opener(no_proxy)
        try:
            with opener.open(request, timeout=timeout_s) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise ValueError(f"{method} {path}: {error.code} {said}") from error


def influxd() -> str | None:
    """INFLUXD, or a laptop's own if it is of version 2, or one that build.sh has built."""
    chosen = os.environ.get("INFLUXD")
    if chosen:
        return chosen
    own = find("influxd")
    if own and b"InfluxDB v2." in subprocess.run([own, "version"], capture_output=True, check=False).stdout:
        return own
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "manyi"
    built = sorted(cache.glob("influxd-*/influxd"))
    return str(built[-1]) if built else None


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """The shared influxd: `influx.url`, `.org`, `.token`, and a bucket of your own from `influx.bucket()`."""
    yield from _one(tmp_path_factory.mktemp("influxd"))


@pytest.fixture
def own_influx(tmp_path: Path) -> Iterator[Influx]:
    """An influxd of this test's own, which it may kill, freeze and restart."""
    yield from _one(tmp_path / "influxd")


def _one(folder: Path) -> Iterator[Influx]:
    server = Influx(folder)
    server.start()
    try:
        server.set_up()
        yield server
    finally:
        server.kill()
