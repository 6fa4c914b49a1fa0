"""The audit log under somebody who wants to fill the disk with it: bounded, and nothing is left out of the count."""

from __future__ import annotations

from typing import Any

import pytest
from manyi.office.access import fold
from manyi.office.access.fold import BURST, DAY_ENTRIES, STRANGERS_DAY_ENTRIES, WINDOW_S, Fold

from tests.office.people import People, events, post

NOON = 1_795_233_600.0


def write(log: Fold[str], times: int, *, whose: str = "li", rest: Any = "same", at: float = NOON) -> int:
    """How many of them were written."""
    return sum(
        log.take("refused", whose, rest(n) if callable(rest) else rest, f"e{n}", at, known=whose.isalpha())
        for n in range(times)
    )


def test_the_same_again_is_one_entry_with_its_number() -> None:
    log: Fold[str] = Fold()
    assert write(log, 5_000) == BURST
    assert list(log.due(NOON + WINDOW_S - 1)) == [], "not before its time"
    assert list(log.due(NOON + WINDOW_S)) == [("e4999", 5_000 - BURST, True)]
    assert list(log.due(NOON + 2 * WINDOW_S)) == []
    assert write(log, 1, at=NOON + WINDOW_S) == 1, "and begins anew"


def test_a_person_is_never_folded() -> None:
    log: Fold[str] = Fold()
    assert write(log, BURST) == BURST
    assert write(log, DAY_ENTRIES // 10, rest=lambda n: n) == DAY_ENTRIES // 10
    assert list(log.due(NOON, all_of_it=True)) == []


def test_different_ones_end_too_and_every_one_is_in_the_count() -> None:
    log: Fold[str] = Fold()
    tries = DAY_ENTRIES * 5
    assert write(log, tries, rest=lambda n: n) == DAY_ENTRIES
    assert log.full("li", NOON)
    assert not log.full("wang", NOON), "another account is not in the way"
    ((newest, times, alike),) = log.due(NOON, all_of_it=True)
    assert (newest, times, alike) == (f"e{tries - 1}", tries - DAY_ENTRIES, False)
    assert write(log, 1, at=NOON + fold.DAY_S) == 1


def test_a_crowd_without_accounts_is_bounded_together() -> None:
    log: Fold[str] = Fold()
    written = sum(write(log, 3, whose=f"192.0.{n // 250}.{n % 250}") for n in range(STRANGERS_DAY_ENTRIES))
    assert written == STRANGERS_DAY_ENTRIES
    assert sum(times for _entry, times, _alike in log.due(NOON, all_of_it=True)) == 2 * STRANGERS_DAY_ENTRIES
    assert write(log, 1) == 1, "people with accounts are not told with strangers"


def test_whoever_knocks_at_closed_pages_all_day_fills_no_disk(town: People) -> None:
    from auditlog.models import LogEntry  # noqa: PLC0415
    from manyi.office.access import audit  # noqa: PLC0415

    knocks = BURST + 15
    with town.browser("staff") as client:
        for _ in range(knocks):
            assert client.get("/audit/").status_code == 403
        assert events().count(("refused", "/audit/")) == BURST
        audit.settle(all_of_it=True)
    assert events().count(("refused", "/audit/")) == BURST + 1
    newest = LogEntry.objects.filter(object_repr="/audit/").latest("pk")
    assert newest.additional_data["times"] == str(knocks - BURST)
    assert newest.actor.username == "staff"
    with town.browser("auditor") as client:
        assert f"同样的又有 {knocks - BURST} 次" in client.get("/audit/?event=refused").text


def test_an_account_whose_day_is_full_takes_no_workbook_and_changes_nothing(
    town: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "DAY_ENTRIES", 30)
    with town.browser("auditor") as client:
        taken = [client.get(f"/audit/file/?text=x{n}").status_code for n in range(35)]
        assert taken[0] == 200
        assert taken[-1] == 429
        assert taken.count(200) == len([1 for _event, subject in events() if subject == "audit"])
        assert client.get("/audit/").status_code == 200, "reading goes on"
    number = town.user("staff").pk
    with town.browser("security") as client:
        for n in range(35):
            said = post(client, f"/roles/{number}/", do="role", role=("technician", "")[n % 2])
        assert said.status_code == 429
        assert "审计员" in said.text
        assert post(client, f"/roles/{number}/", do="unlock").status_code == 429
        last = [detail for event, detail in events() if event == "role_changed"]
        assert 0 < len(last) < 35


def test_what_was_counted_is_written_when_the_service_stops(town: People) -> None:
    with town.browser("staff") as client:
        for _ in range(BURST + 3):
            client.get("/audit/")
    town.office.stop()
    assert events().count(("refused", "/audit/")) == BURST + 1
