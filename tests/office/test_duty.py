"""/api/duty on the real office: what is its own, beside what it shares with visits (test_told.py)."""

from __future__ import annotations

from manyi.core.projector import unix_ms

from tests import midnight
from tests.office.telling import DUTY, Office, leader, office, stay

__all__ = ["office"]  # a fixture


def test_what_the_roster_does_not_know_is_taken_and_named(office: Office) -> None:
    status, told = office.post(DUTY, [stay(1, staff="g99"), stay(2, window="w77")])
    assert (status, told["taken"]) == (200, 2)
    assert [(a["index"], a["field"]) for a in told["aside"]] == [(0, "staff"), (1, "window")]


def test_staff_and_leaders_go_to_one_address_and_need_a_right_each(office: Office) -> None:
    items = [stay(1), leader(2)]
    for right, taken, refused in (("duty", "N001", "N002"), ("leaders", "N002", "N001")):
        status, told = office.post(DUTY, items, token=office.tokens[right])
        assert (status, [r["id"] for r in told["refused"]]) == (422, [refused])
        assert office.told()[-1] == taken


def test_system_sees_what_counts_of_its_words(office: Office) -> None:
    midnight.let_it_pass(10)  # a sign-in ends with its day
    now_ms = unix_ms()
    office.post(DUTY, [stay(1, from_ms=now_ms - 1), stay(2, window="w2", staff="g99", from_ms=now_ms - 1)])
    office.post(DUTY, leader(3, from_ms=now_ms - 1), token=office.tokens["leaders"])
    office.drain()
    status, seen = office.get(DUTY)
    assert (status, seen["now"]) == (200, {"h1": "王敏", "w1": "ann", "w2": ""})
    assert [(d["id"], d["rev"], d["window"], d["staff"], d["from_ms"], d["to_ms"], d["aside"]) for d in seen["duty"]] == [
        ("N001", 0, "w1", "ann", now_ms - 1, None, []), ("N002", 0, "w2", "g99", now_ms - 1, None, ["staff"]),
    ]  # fmt: skip
    assert office.get(f"{DUTY}?day=2020-01-01")[1]["duty"] == []
    assert office.get(f"{DUTY}?day=today")[0] == 400


def test_ratings_that_are_not_there_yet_are_503(office: Office) -> None:
    (office.folder / "ratings.db").unlink()
    assert office.get(DUTY)[0] == 503


def test_inner_zone_shows_nothing_either(office: Office) -> None:
    office.ledger.execute("INSERT INTO meta VALUES ('follows', 'x')")
    assert office.get(DUTY)[0] == 409
