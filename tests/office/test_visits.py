"""POST /api/visits on the real office: who may, what each answer is, and that the ledger has it when it says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from manyi.core.ledger import facts, schema
from manyi.core.projector import unix_ms
from manyi.core.told.sources import add_source
from manyi.core.visits import report as visits
from manyi.office import OfficeSettings, configure

from tests.collector.paper_ledger import TOWN
from tests.office.city import City


class Queue:
    """A queue system of hall h1, and the office it speaks to."""

    def __init__(self, folder: Path, *, login: bool = False) -> None:
        self.folder = folder
        self.ledger = schema.open_for_writing(folder / "ledger.db")
        facts.append_facts(self.ledger, unix_ms(), TOWN)
        add_source(folder / "visits.toml", "queue_h1", ["h1"], folder / "token")
        self.token = (folder / "token").read_text().strip()
        configure(
            OfficeSettings(
                folder,
                source=City(),
                allowed_hosts=("testserver",),
                login=login,
                visits_file=folder / "visits.toml",
            )
        )

    def post(self, body: bytes | object, token: str | None = None, **more: Any) -> tuple[int, Any]:
        from django.test import AsyncClient  # noqa: PLC0415  needs configure()

        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"} | more

        async def once() -> Any:
            client = AsyncClient(raise_request_exception=False, enforce_csrf_checks=True)
            return await client.post("/api/visits", raw, content_type="application/json", headers=headers)

        answer = asyncio.run(once())
        assert answer["Cache-Control"] == "no-store"
        return answer.status_code, json.loads(answer.content)

    def told(self) -> list[str]:
        rows = self.ledger.execute("SELECT body FROM row WHERE kind = 'visit' ORDER BY id")
        return [v.id for (raw,) in rows for v in (visits.said(raw) or ("", []))[1]]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path)
    yield made
    made.ledger.close()


def visit(n: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": f"A{n:03}", "window": "w1", "finished_ms": unix_ms(), **more}


def test_visits_are_in_the_ledger_when_the_answer_says_so(queue: Queue) -> None:
    assert queue.post(visit(1)) == (200, {"taken": 1, "repeated": 0, "refused": []})
    two = [visit(2), visit(3)]
    assert queue.post(two)[0] == 200
    assert queue.post(two) == (200, {"taken": 0, "repeated": 2, "refused": []})
    assert queue.told() == ["A001", "A002", "A003"]


def test_bad_visit_is_422_with_its_place_and_the_others_are_taken(queue: Queue) -> None:
    status, said = queue.post([visit(1), visit(2, window="w3"), visit(3)])
    assert (status, said["taken"]) == (422, 2)
    (refused,) = said["refused"]
    assert (refused["index"], refused["id"]) == (1, "A002")
    assert "不属于该排队系统" in refused["why"]
    assert "not this queue system's" in refused["why_en"]


@pytest.mark.parametrize("token", ["", "x", "Bearer", "0" * 43])
def test_without_its_token_nobody_is_heard(queue: Queue, token: str) -> None:
    status, said = queue.post(visit(1), token=token)
    assert status == 401
    assert "nobody's" in said["error"]
    assert queue.told() == []


def test_scheme_other_than_bearer_is_nobody(queue: Queue) -> None:
    assert queue.post(visit(1), Authorization=f"Basic {queue.token}")[0] == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b"null"])
def test_message_that_is_none_is_400_in_both_languages(queue: Queue, body: bytes) -> None:
    status, said = queue.post(body)
    assert status == 400
    assert " / " in said["error"]


def test_too_long_a_message_is_413(queue: Queue) -> None:
    assert queue.post(b" " * (512 * 1024 + 1))[0] == 413


@pytest.mark.parametrize("name", ["id", "window", "staff", "\ud800"])
def test_half_a_character_is_said_to_be_none(queue: Queue, name: str) -> None:
    body = json.dumps(visit(1) | {name: "\ud800"}).encode()
    assert queue.post(body)[0] == 400
    assert queue.told() == []


def test_reading_is_405(queue: Queue) -> None:
    from django.test import AsyncClient  # noqa: PLC0415  needs configure()

    answer = asyncio.run(AsyncClient().get("/api/visits"))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_ledger_that_cannot_be_written_is_503_and_the_same_again_succeeds(queue: Queue) -> None:
    ledger = queue.folder / "ledger.db"
    ledger.rename(queue.folder / "away.db")
    status, said = queue.post(visit(1))
    assert status == 503
    assert "send the same again" in said["error"]
    (queue.folder / "away.db").rename(ledger)
    assert queue.post(visit(1))[0] == 200


def test_list_of_sources_that_others_may_read_lets_nobody_in(queue: Queue) -> None:
    (queue.folder / "visits.toml").chmod(0o644)
    status, said = queue.post(visit(1))
    assert status == 503
    assert "administrator" in said["error"]
    assert str(queue.folder) not in said["error"]


def test_installation_without_queue_systems_has_no_such_address(queue: Queue, tmp_path: Path) -> None:
    configure(OfficeSettings(tmp_path, source=City(), allowed_hosts=("testserver",), login=False))
    assert queue.post(visit(1))[0] == 404


def test_accounts_do_not_stand_in_the_way_and_do_not_help(tmp_path: Path) -> None:
    queue = Queue(tmp_path, login=True)
    assert queue.post(visit(1))[0] == 200, "no session, no CSRF token"
    assert queue.post(visit(2), token="no")[0] == 401
    queue.ledger.close()
