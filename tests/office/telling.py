"""A queue and a personnel system, and the real office they speak to, for tests of what systems tell over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from manyi.core.duty import stay as duty
from manyi.core.ledger import facts, schema
from manyi.core.projector import unix_ms
from manyi.core.ratings.store import Ratings
from manyi.core.told.sources import add_source
from manyi.core.visits import report as visits
from manyi.office import OfficeSettings, configure

from tests.collector.paper_ledger import TOWN
from tests.office.city import City

VISITS, DUTY = "/api/visits", "/api/duty"


class Office:
    """`visits`, `duty` and `leaders` are the tokens of three systems of hall h1, each of which tells that alone."""

    def __init__(self, folder: Path, *, login: bool = False) -> None:
        self.folder = folder
        self.ledger = schema.open_for_writing(folder / "ledger.db")
        facts.append_facts(self.ledger, unix_ms(), TOWN)
        self.tokens = {what: self._let_in(what) for what in ("visits", "duty", "leaders")}
        self.configure(login=login, visits_file=folder / "visits.toml")
        self.drain()

    def _let_in(self, what: str) -> str:
        file = self.folder / f"{what}.token"
        add_source(self.folder / "visits.toml", f"queue_{what}", ["h1"], file, tells=[what])
        return file.read_text().strip()

    def configure(self, **more: Any) -> None:
        configure(OfficeSettings(self.folder, source=City(), allowed_hosts=("testserver",), **more))

    def drain(self) -> None:
        with closing(Ratings(self.folder / "ratings.db", self.ledger)) as ratings:
            ratings.drain()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | object = b"",
        *,
        token: str | None = None,
        scheme: str = "Bearer",
    ) -> Any:
        """With the token of the system that tells this, unless another is given."""
        from django.test import AsyncClient  # noqa: PLC0415  needs configure()

        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        own = self.tokens[path.partition("?")[0].removeprefix("/api/")]
        headers = {"Authorization": f"{scheme} {own if token is None else token}"}

        async def once() -> Any:
            client = AsyncClient(raise_request_exception=False, enforce_csrf_checks=True)
            return await client.generic(method, path, raw, content_type="application/json", headers=headers)

        answer = asyncio.run(once())
        assert answer["Cache-Control"] == "no-store"
        return answer

    def post(self, path: str, body: bytes | object, **more: Any) -> tuple[int, Any]:
        answer = self.ask("POST", path, body, **more)
        return answer.status_code, json.loads(answer.content)

    def get(self, path: str, **more: Any) -> tuple[int, Any]:
        answer = self.ask("GET", path, **more)
        return answer.status_code, json.loads(answer.content)

    def told(self) -> list[str]:
        """The ids of all that is in the ledger, in order."""
        rows = self.ledger.execute(
            "SELECT kind, body FROM row WHERE kind IN (?, ?) ORDER BY id", (visits.KIND, duty.KIND)
        )
        found = [visits.said(raw) if kind == visits.KIND else duty.said(raw) for kind, raw in rows]
        return [one.id for _, items in filter(None, found) for one in items]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.ledger.close()


def visit(n: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": f"N{n:03}", "window": "w1", "finished_ms": unix_ms() - 1, **more}


def stay(n: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": f"N{n:03}", "window": "w1", "staff": "ann", "from_ms": unix_ms() - 1, **more}


def leader(n: int = 1, **more: Any) -> dict[str, Any]:
    at = unix_ms() - 1
    return {
        "id": f"N{n:03}",
        "hall": "h1",
        "name": "王敏",
        "telephone": "0537-6600102",
        "from_ms": at,
        **more,
    }
