"""POST and GET /api/duty on the real office: who may, what each answer is, and that the ledger has it when it says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from manyi.core.duty.stay import said
from manyi.core.ledger import facts, schema
from manyi.core.projector import unix_ms
from manyi.core.ratings.store import Ratings
from manyi.core.told.sources import add_source
from manyi.office import OfficeSettings, configure

from tests.collector.paper_ledger import TOWN
from tests.office.city import City

MINUTE = 60_000


class Hall:
    """A queue system of hall h1 that tells sign-ins, one that tells visits alone, and the office they speak to."""

    def __init__(self, folder: Path, *, login: bool = False) -> None:
        self.folder = folder
        self.ledger = schema.open_for_writing(folder / "ledger.db")
        facts.append_facts(self.ledger, unix_ms(), TOWN)
        add_source(folder / "visits.toml", "queue_h1", ["h1"], folder / "token", tells=["duty"])
        add_source(folder / "visits.toml", "queue_h2", ["h1"], folder / "visits.token")
        self.token = (folder / "token").read_text().strip()
        self.visits_token = (folder / "visits.token").read_text().strip()
        configure(
            OfficeSettings(
                folder,
                source=City(),
                allowed_hosts=("testserver",),
                login=login,
                visits_file=folder / "visits.toml",
            )
        )
        self.drain()

    def drain(self) -> None:
        with closing(Ratings(self.folder / "ratings.db", self.ledger)) as ratings:
            ratings.drain()

    def ask(
        self, method: str, body: bytes | object = b"", path: str = "/api/duty", token: str | None = None
    ) -> Any:
        from django.test import AsyncClient  # noqa: PLC0415  needs configure()

        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}

        async def once() -> Any:
            client = AsyncClient(raise_request_exception=False, enforce_csrf_checks=True)
            return await client.generic(method, path, raw, content_type="application/json", headers=headers)

        answer = asyncio.run(once())
        assert answer["Cache-Control"] == "no-store"
        return answer

    def post(self, body: bytes | object, **more: Any) -> tuple[int, Any]:
        answer = self.ask("POST", body, **more)
        return answer.status_code, json.loads(answer.content)

    def get(self, path: str = "/api/duty", **more: Any) -> tuple[int, Any]:
        answer = self.ask("GET", path=path, **more)
        return answer.status_code, json.loads(answer.content)

    def told(self) -> list[str]:
        rows = self.ledger.execute("SELECT body FROM row WHERE kind = 'signin' ORDER BY id")
        return [stay.id for (raw,) in rows for stay in said(raw)[1]]


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    made = Hall(tmp_path)
    yield made
    made.ledger.close()


def stay(n: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": f"S{n:03}", "window": "w1", "staff": "ann", "from_ms": unix_ms() - 1, **more}


def test_sign_ins_are_in_the_ledger_when_the_answer_says_so(hall: Hall) -> None:
    one = stay(1)
    assert hall.post(one) == (200, {"taken": 1, "repeated": 0, "aside": [], "refused": []})
    assert hall.post(one) == (200, {"taken": 0, "repeated": 1, "aside": [], "refused": []})
    assert hall.post([stay(2), stay(3)])[1]["taken"] == 2
    assert hall.told() == ["S001", "S002", "S003"]


def test_bad_one_is_422_with_place_and_field_and_the_others_are_taken(hall: Hall) -> None:
    status, told = hall.post([stay(1), stay(2, window="w3", rev=-1), stay(3)])
    assert (status, told["taken"]) == (422, 2)
    assert [(r["index"], r["id"], r["field"]) for r in told["refused"]] == [
        (1, "S002", "rev"),
        (1, "S002", "window"),
    ]
    assert "不属于该系统" in told["refused"][1]["why"]


def test_what_the_roster_does_not_know_is_taken_and_named(hall: Hall) -> None:
    status, told = hall.post([stay(1, staff="g99"), stay(2, window="w77")])
    assert (status, told["taken"]) == (200, 2)
    assert [(a["index"], a["field"]) for a in told["aside"]] == [(0, "staff"), (1, "window")]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("token", ["", "x", "0" * 43])
def test_without_its_token_nobody_is_heard_and_nothing_is_shown(hall: Hall, method: str, token: str) -> None:
    answer = hall.ask(method, stay(1), token=token)
    assert answer.status_code == 401
    assert hall.told() == []


def test_token_for_visits_tells_no_sign_ins_and_the_other_way_round(hall: Hall) -> None:
    assert hall.post(stay(1), token=hall.visits_token)[0] == 403
    assert hall.get(token=hall.visits_token)[0] == 403
    assert hall.post({"id": "A1", "window": "w1", "finished_ms": unix_ms()}, path="/api/visits")[0] == 403
    assert (
        hall.ledger.execute("SELECT count(*) FROM row WHERE kind IN ('signin', 'visit')").fetchone()[0] == 0
    )


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b"null"])
def test_message_that_is_none_is_400_in_both_languages(hall: Hall, body: bytes) -> None:
    status, told = hall.post(body)
    assert status == 400
    assert " / " in told["error"]


def test_too_long_is_413_and_another_method_405(hall: Hall) -> None:
    assert hall.post(b" " * (512 * 1024 + 1))[0] == 413
    answer = hall.ask("DELETE", stay(1))
    assert (answer.status_code, answer["Allow"]) == (405, "GET, POST")


def test_ledger_that_cannot_be_written_is_503_and_the_same_again_succeeds(hall: Hall) -> None:
    ledger = hall.folder / "ledger.db"
    ledger.rename(hall.folder / "away.db")
    one = stay(1)
    assert hall.post(one)[0] == 503
    (hall.folder / "away.db").rename(ledger)
    assert hall.post(one)[1]["taken"] == 1


def test_inner_zone_sends_a_system_to_the_collecting_zone(hall: Hall) -> None:
    hall.ledger.execute("INSERT INTO meta VALUES ('follows', 'x')")
    for status, answer in (hall.post(stay(1)), hall.get()):
        assert status == 409
        assert "collecting zone" in answer["error"]
    assert hall.told() == []


def test_system_sees_what_counts_of_its_words(hall: Hall) -> None:
    now_ms = unix_ms()
    hall.post([stay(1, from_ms=now_ms - 1), stay(2, window="w2", staff="g99", from_ms=now_ms - 1)])
    hall.drain()
    status, seen = hall.get()
    assert (status, seen["now"]) == (200, {"w1": "ann", "w2": ""})
    assert [(d["id"], d["rev"], d["window"], d["staff"], d["from_ms"], d["to_ms"], d["aside"]) for d in seen["duty"]] == [
        ("S001", 0, "w1", "ann", now_ms - 1, None, []), ("S002", 0, "w2", "g99", now_ms - 1, None, ["staff"]),
    ]  # fmt: skip
    assert hall.get("/api/duty?day=2020-01-01")[1]["duty"] == []
    assert hall.get("/api/duty?day=today")[0] == 400


def test_ratings_that_are_not_there_yet_are_503(hall: Hall) -> None:
    (hall.folder / "ratings.db").unlink()
    assert hall.get()[0] == 503


def test_source_in_a_loop_is_stopped_and_no_other(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    from manyi.office import told  # noqa: PLC0415  needs configure()

    clock = [unix_ms()]
    monkeypatch.setattr(told, "PER_MINUTE", 3)
    monkeypatch.setattr(told, "unix_ms", lambda: clock[0])
    one = stay(1, from_ms=clock[0] - 1)
    assert [hall.post(one)[0] for _ in range(4)] == [200, 200, 200, 429]
    assert hall.ask("POST", one)["Retry-After"] == "60"
    visit = {"id": "A1", "window": "w1", "finished_ms": clock[0]}
    assert hall.post(visit, path="/api/visits", token=hall.visits_token)[0] == 200
    clock[0] += 60_000
    assert hall.post(one)[0] == 200


def test_accounts_do_not_stand_in_the_way_and_do_not_help(tmp_path: Path) -> None:
    hall = Hall(tmp_path, login=True)
    assert hall.post(stay(1))[0] == 200, "no session, no CSRF token"
    assert hall.post(stay(2), token="no")[0] == 401
    hall.ledger.close()
