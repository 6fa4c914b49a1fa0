"""POST /api/visits and /api/duty on the real office: who may, what each answer is, and that the ledger has it when it says so.
What is the same of both."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from manyi.core.projector import unix_ms
from manyi.core.told import measure

from tests.office.telling import DUTY, VISITS, Office, office, stay, visit

__all__ = ["office"]  # a fixture

Make = Callable[..., dict[str, Any]]
both = pytest.mark.parametrize(("path", "item"), [(VISITS, visit), (DUTY, stay)], ids=["visits", "duty"])


@both
def test_what_is_told_is_in_the_ledger_when_the_answer_says_so(office: Office, path: str, item: Make) -> None:
    one, two = item(1), [item(2), item(3)]
    aside = {"aside": []} if path == DUTY else {}
    assert office.post(path, one) == (200, {"taken": 1, "repeated": 0, "refused": [], **aside})
    assert office.post(path, two)[1]["taken"] == 2
    assert office.post(path, two) == (200, {"taken": 0, "repeated": 2, "refused": [], **aside})
    assert office.told() == ["N001", "N002", "N003"]


@both
def test_bad_one_is_422_with_place_and_field_and_the_others_are_taken(
    office: Office, path: str, item: Make
) -> None:
    status, told = office.post(path, [item(1), item(2, window="w3", rev=-1), item(3)])
    assert (status, told["taken"]) == (422, 2)
    assert [(r["index"], r["id"], r["field"]) for r in told["refused"]] == [
        (1, "N002", "rev"),
        (1, "N002", "window"),
    ]
    assert "不属于该" in told["refused"][1]["why"]
    assert "not this" in told["refused"][1]["why_en"]


@both
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("token", ["", "x", "Bearer", "0" * 43])
def test_without_its_token_nobody_is_heard_and_nothing_is_shown(
    office: Office, path: str, item: Make, method: str, token: str
) -> None:
    answer = office.ask(method, path, item(1), token=token)
    assert answer.status_code == (405 if (method, path) == ("GET", VISITS) else 401)
    assert office.told() == []


@both
def test_scheme_other_than_bearer_is_nobody(office: Office, path: str, item: Make) -> None:
    status, told = office.post(path, item(1), scheme="Basic")
    assert status == 401
    assert "nobody's" in told["error"]


def test_token_tells_what_it_was_given_for_and_nothing_else(office: Office) -> None:
    tokens = office.tokens
    assert office.post(DUTY, stay(1), token=tokens["visits"])[0] == 403
    assert office.get(DUTY, token=tokens["visits"])[0] == 403
    for what in ("duty", "leaders"):
        assert office.post(VISITS, visit(1), token=tokens[what])[0] == 403
    assert office.told() == []


@both
@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b"null", b'["\\ud800"]'])
def test_message_that_is_none_is_400_in_both_languages(
    office: Office, path: str, item: Make, body: bytes
) -> None:
    status, told = office.post(path, body)
    assert status == 400
    assert " / " in told["error"]
    assert office.post(path, json.dumps(item(1) | {"id": "\ud800"}).encode())[0] == 400


@both
def test_too_long_is_413_and_another_method_405(office: Office, path: str, item: Make) -> None:
    assert office.post(path, b" " * (512 * 1024 + 1))[0] == 413
    answer = office.ask("DELETE", path, item(1))
    assert (answer.status_code, answer["Allow"]) == (405, "POST" if path == VISITS else "GET, POST")


@both
def test_ledger_that_cannot_be_written_is_503_and_the_same_again_succeeds(
    office: Office, path: str, item: Make
) -> None:
    ledger, one = office.folder / "ledger.db", item(1)
    ledger.rename(office.folder / "away.db")
    status, told = office.post(path, one)
    assert status == 503
    assert "send the same again" in told["error"]
    (office.folder / "away.db").rename(ledger)
    assert office.post(path, one)[1]["taken"] == 1


@both
def test_list_of_sources_that_others_may_read_lets_nobody_in(office: Office, path: str, item: Make) -> None:
    (office.folder / "visits.toml").chmod(0o644)
    status, told = office.post(path, item(1))
    assert status == 503
    assert "administrator" in told["error"]
    assert str(office.folder) not in told["error"]


@both
def test_inner_zone_sends_a_system_to_the_collecting_zone(office: Office, path: str, item: Make) -> None:
    office.ledger.execute("INSERT INTO meta VALUES ('follows', 'x')")
    status, told = office.post(path, item(1))
    assert status == 409
    assert "collecting zone" in told["error"]
    assert office.told() == []


@both
def test_installation_that_lets_no_system_in_has_no_such_address(
    office: Office, path: str, item: Make
) -> None:
    office.configure(login=False)
    assert office.post(path, item(1))[0] == 404


def test_source_in_a_loop_is_stopped_and_no_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from manyi.office import told  # noqa: PLC0415  needs configure()

    clock = [unix_ms()]
    monkeypatch.setattr(measure, "PER_MINUTE", 3)
    monkeypatch.setattr(told, "unix_ms", lambda: clock[0])
    one = stay(1, from_ms=clock[0] - 1)
    assert [office.post(DUTY, one)[0] for _ in range(4)] == [200, 200, 200, 429]
    assert office.ask("POST", DUTY, one)["Retry-After"] == "60"
    assert office.post(VISITS, visit(1, finished_ms=clock[0]))[0] == 200
    clock[0] += 60_000
    assert office.post(DUTY, one)[0] == 200


@both
def test_source_that_tells_without_end_fills_no_disk_and_stops_no_other(
    office: Office, monkeypatch: pytest.MonkeyPatch, path: str, item: Make
) -> None:
    """What is new stands in the ledger for good; what is told again does not."""
    from manyi.office import told  # noqa: PLC0415  needs configure()

    clock = [unix_ms()]
    monkeypatch.setattr(measure, "PER_DAY", 2)
    monkeypatch.setattr(told, "unix_ms", lambda: clock[0])
    one = item(1)
    assert [office.post(path, each)[0] for each in (one, one, item(2), item(3))] == [200, 200, 200, 429]
    other = {DUTY: (VISITS, visit(9)), VISITS: (DUTY, stay(9))}[path]
    assert office.post(*other)[0] == 200
    clock[0] += 86_400_000
    assert office.post(path, item(3))[0] == 200


@both
def test_accounts_do_not_stand_in_the_way_and_do_not_help(tmp_path: Path, path: str, item: Make) -> None:
    office = Office(tmp_path, login=True)
    assert office.post(path, item(1))[0] == 200, "no session, no CSRF token"
    assert office.post(path, item(2), token="no")[0] == 401
    office.ledger.close()
