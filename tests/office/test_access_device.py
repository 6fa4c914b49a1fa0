"""Strangers who guess at a name, and its owner who has to work: each is counted for himself."""

from __future__ import annotations

import httpx
from manyi.office.access import policy

from tests.office.people import PASSWORD, PATIENCE_S, People, log_in

GUESSES = int(policy.ACCOUNT_RATE.split("/")[0])
FROM_ONE_ADDRESS = int(policy.ADDRESS_RATE.split("/")[0])


def elsewhere(town: People, address: str) -> httpx.Client:
    """A browser behind a proxy that this machine trusts."""
    headers = {"X-Forwarded-For": address}
    return httpx.Client(base_url=town.office.url, trust_env=False, timeout=PATIENCE_S, headers=headers)


def guess(town: People, name: str, times: int, *, from_one: bool = False) -> None:
    for at in range(times):
        with elsewhere(town, "192.0.2.1" if from_one else f"192.0.2.{at + 1}") as stranger:
            log_in(stranger, name, "wrong")


def test_strangers_guesses_do_not_keep_an_owner_from_his_own_desk(town: People) -> None:
    with town.browser() as desk:
        log_in(desk, "staff")
        desk.cookies.delete("manyi")
        guess(town, "staff", GUESSES)
        with elsewhere(town, "192.0.2.99") as stranger:
            assert log_in(stranger, "staff", PASSWORD).status_code == 200, (
                "a stranger waits, even a right one"
            )
        assert log_in(desk, "staff").headers["location"] == "/start/"


def test_a_neighbour_behind_the_same_router_locks_nobody_out(town: People) -> None:
    with elsewhere(town, "192.0.2.1") as desk:
        log_in(desk, "staff")
        desk.cookies.delete("manyi")
        guess(town, "staff", policy.FAILURES, from_one=True)
        for at in range(FROM_ONE_ADDRESS):
            with elsewhere(town, "192.0.2.1") as neighbour:
                log_in(neighbour, f"nobody{at}", "wrong")
        with elsewhere(town, "192.0.2.1") as neighbour:
            assert log_in(neighbour, "technician").status_code != 302, "the address has used up its guesses"
        assert log_in(desk, "staff").headers["location"] == "/start/"


def test_a_known_browser_is_locked_by_its_own_wrong_passwords_and_unlocked_with_the_account(
    town: People,
) -> None:
    from manyi.office.access.officers import unlock  # noqa: PLC0415

    with town.browser() as desk:
        log_in(desk, "staff")
        desk.cookies.delete("manyi")
        for _ in range(policy.FAILURES):
            log_in(desk, "staff", "wrong")
        assert log_in(desk, "staff").status_code == 429
        with town.browser("security") as officer:
            assert "口令输错" in officer.get("/roles/").text
        assert unlock("staff") == 1
        assert log_in(desk, "staff").headers["location"] == "/start/"


def test_a_browser_is_known_for_those_who_logged_in_there_and_for_nobody_else(town: People) -> None:
    with town.browser() as desk:
        log_in(desk, "technician")
        desk.cookies.delete("manyi")
        for _ in range(GUESSES):
            log_in(desk, "staff", "wrong")
        with town.browser() as stranger:
            assert log_in(stranger, "staff").status_code != 302, "counted as a stranger's guesses"
        assert log_in(desk, "technician").headers["location"] == "/start/"


def test_a_made_up_cookie_is_a_strangers(town: People) -> None:
    with town.browser() as desk:
        log_in(desk, "staff")
        mine = desk.cookies["manyi-device"]
    for forged in ("", "x", mine[:-2] + "xx", '["1",["staff"]]'):
        guess_from = town.browser()
        with guess_from as stranger:
            stranger.cookies.set("manyi-device", forged, domain="127.0.0.1")
            log_in(stranger, "staff", "wrong")
    from axes.models import AccessAttempt  # noqa: PLC0415

    assert {each.username for each in AccessAttempt.objects.all()} == {"staff"}


def test_the_cookie_opens_nothing_and_no_script_reads_it(town: People) -> None:
    with town.browser() as desk:
        done = log_in(desk, "staff")
        told = next(line for line in done.headers.get_list("set-cookie") if line.startswith("manyi-device="))
        assert "HttpOnly" in told
        assert "SameSite=Lax" in told
        desk.cookies.delete("manyi")
        assert desk.get("/me/").headers["location"].startswith("/login/")
