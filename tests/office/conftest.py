"""The office with an invented city behind it: as a client in this process, and as a real server on a free port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from manyi.office import OfficeSettings, configure
from manyi.office.serve import run

from tests.office.city import City

# A server on loopback is up in well under a second; a loaded machine may take its time.
START_S = 60.0

Get = Callable[..., Any]


@pytest.fixture
def city() -> City:
    """A busy city of three counties with three halls each."""
    return City()


@pytest.fixture
def get(city: City, tmp_path: Path) -> Get:
    """`get(path, method="get", cookies={}, **headers)`: one request to the office, answered with its whole body."""
    runtime = configure(OfficeSettings(tmp_path, source=city, allowed_hosts=("testserver",), login=False))
    from django.test import AsyncClient  # noqa: PLC0415  needs configure()

    def ask(path: str, method: str = "get", cookies: dict[str, str] | None = None, **headers: str) -> Any:
        async def once() -> Any:
            client = AsyncClient(raise_request_exception=False)
            client.cookies.load(cookies or {})
            return await getattr(client, method)(path, headers=headers)

        return asyncio.run(once())

    ask.runtime = runtime  # type: ignore[attr-defined]
    return ask


class Office:
    """A real uvicorn in a thread of its own."""

    def __init__(self, settings: OfficeSettings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = settings.port

    def start(self) -> None:
        """Returns once it accepts connections."""
        self._thread.start()
        assert self._up.wait(START_S), "the office did not start"

    def stop(self, patience_s: float = 60.0) -> None:
        """Ask it to stop and wait until it has."""
        self._stop.set()
        self._thread.join(patience_s)
        assert not self._thread.is_alive(), "the office did not stop"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self) -> None:
        run(self._settings, self._stop, self._ready)

    def _ready(self, host: str, port: int) -> None:
        self.port = port
        self._up.set()


@contextmanager
def serving(city: City, folder: Path, port: int = 0, **more: Any) -> Iterator[Office]:
    """A running office; stopped at the end if the test has not done so."""
    office = Office(OfficeSettings(folder, **({"login": False} | more), port=port, source=city))
    office.start()
    try:
        yield office
    finally:
        office.stop()


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., Any]:
    """`with serve(city, port=0, max_streams=...) as office:`"""
    return lambda city, **more: serving(city, tmp_path, **more)


@pytest.fixture(scope="session")
def accounts_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """office.db with an account of every role."""
    from tests.office.people import make_people  # noqa: PLC0415  imports this file

    return make_people(tmp_path_factory.mktemp("accounts"))


@pytest.fixture
def town(accounts_template: Path, tmp_path: Path, city: City) -> Iterator[Any]:
    """`town.browser("county")`: a running office with an account of every role."""
    from tests.office.people import people  # noqa: PLC0415

    with people(accounts_template, tmp_path / "data", city) as found:
        yield found
