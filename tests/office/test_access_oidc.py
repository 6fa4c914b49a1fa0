"""Single sign-on from end to end against a provider on loopback: who gets in, and who does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from manyi.office.access import policy
from manyi.office.access.policy import Oidc

from tests.office.browser import Chromium
from tests.office.city import City
from tests.office.fake_oidc import CLIENT, SECRET, Provider
from tests.office.people import HTTP, People, code, events, form, people, post

START = "/sso/sso/login/"


@pytest.fixture
def provider() -> Iterator[Provider]:
    found = Provider()
    yield found
    found.close()


@pytest.fixture
def joined(accounts_template: Path, tmp_path: Path, city: City, provider: Provider) -> Iterator[People]:
    """An office that trusts the provider."""
    access = replace(HTTP, oidc=Oidc("岱州统一认证", provider.url, CLIENT, SECRET))
    with people(accounts_template, tmp_path / "data", city, access=access) as found:
        yield found


def sign_on(client: httpx.Client, page: str = "/login/", process: str = "login") -> httpx.Response:
    """From the login page to the provider and back; the answer of the way back."""
    there = post(client, f"{START}?process={process}", page).headers["location"]
    back = httpx.get(there, trust_env=False, timeout=60).headers["location"]
    return client.get(back)


def test_the_login_page_offers_it_by_name(joined: People) -> None:
    with joined.browser() as client:
        assert "岱州统一认证" in client.get("/login/").text


def test_an_account_of_the_same_name_gets_in(joined: People, provider: Provider) -> None:
    provider.who = "Hall_Leader"
    with joined.browser() as client:
        assert sign_on(client).headers["location"] == "/start/"
        assert [c["id"] for c in client.get("/api/wall").json()["counties"]] == ["c1"]
    assert ("sso_connected", "hall_leader") in events()
    with joined.browser() as again:
        assert sign_on(again).headers["location"] == "/start/"


def test_the_second_factor_is_asked_for_all_the_same(joined: People, provider: Provider) -> None:
    provider.who = "centre"
    with joined.browser() as client:
        assert sign_on(client).headers["location"] == "/login/code/"
        assert client.get("/").status_code == 302
        assert post(client, "/login/code/", code=code()).status_code == 302
        assert client.get("/").status_code == 200


@pytest.mark.parametrize("who", ["stranger", "", "administrator", "security", "auditor", "screen"])
def test_nobody_else_gets_in(joined: People, provider: Provider, who: str) -> None:
    from manyi.office.access.models import User  # noqa: PLC0415

    before = User.objects.count()
    provider.who = who
    with joined.browser() as client:
        assert sign_on(client).status_code == 403
        assert client.get("/me/").status_code == 302
    assert User.objects.count() == before
    assert ("sso_refused", who) in events()


def test_a_disabled_account_stays_out(joined: People, provider: Provider) -> None:
    user = joined.user("hall_leader")
    user.is_active = False
    user.save()
    provider.who = "hall_leader"
    with joined.browser() as client:
        assert sign_on(client).status_code == 403


def test_an_identity_that_takes_another_name_does_not_get_that_account(
    joined: People, provider: Provider
) -> None:
    provider.who = "hall_leader"
    with joined.browser() as client:
        sign_on(client)
    provider.who = "staff"
    with joined.browser() as client:
        assert sign_on(client).status_code == 403


def test_a_second_identity_of_the_same_name_gets_nothing_until_an_officer_says_so(
    joined: People, provider: Provider
) -> None:
    number = joined.user("hall_leader").pk
    provider.who = "hall_leader"
    with joined.browser() as client:
        assert sign_on(client).status_code == 302
    provider.sub = "subject-2"  # the provider gave the name away again
    with joined.browser() as client:
        assert sign_on(client).status_code == 403
        assert client.get("/me/").status_code == 302
    with joined.browser("security") as client:
        assert 'value="factor"' in client.get(f"/roles/{number}/").text
        post(client, f"/roles/{number}/", do="factor")
    with joined.browser() as client:
        assert sign_on(client).headers["location"] == "/start/"


@pytest.mark.parametrize("process", ["login", "connect"])
def test_somebody_logged_in_cannot_become_an_officer_by_the_way(
    joined: People, provider: Provider, process: str
) -> None:
    provider.who = "security"
    with joined.browser("hall_leader") as client:
        assert sign_on(client, "/me/", process).status_code == 403
    with joined.browser() as client:
        assert sign_on(client).status_code == 403


def test_setting_out_again_and_again_fills_neither_the_accounts_nor_the_provider(
    joined: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs no account, and each time leaves a session behind. An hour instead of the rule's minute: a machine may be slow."""
    from django.conf import settings  # noqa: PLC0415  needs configure()
    from django.contrib.sessions.models import Session  # noqa: PLC0415

    most, every = policy.SSO_RATE.split("/m/")
    assert settings.ACCOUNT_RATE_LIMITS["sso_started"] == policy.SSO_RATE
    rates = {**settings.ACCOUNT_RATE_LIMITS, "sso_started": f"{most}/h/{every}"}
    monkeypatch.setattr(settings, "ACCOUNT_RATE_LIMITS", rates)
    with joined.browser() as client:
        token = form(client.get("/login/"))
        said = []
        for _ in range(int(most) + 2):
            client.cookies.pop("manyi", None)
            said.append(client.post(START, data={"csrfmiddlewaretoken": token}).status_code)
    assert said == [302] * int(most) + [429] * 2
    assert Session.objects.count() == int(most)


def test_a_token_for_another_service_is_refused(joined: People, provider: Provider) -> None:
    provider.who, provider.audience = "hall_leader", "another-service"
    with joined.browser() as client:
        sign_on(client)
        assert client.get("/me/").status_code == 302


def test_a_way_back_that_nobody_set_out_on_is_refused(joined: People, provider: Provider) -> None:
    provider.who = "hall_leader"
    with joined.browser() as mine:
        there = post(mine, START, "/login/").headers["location"]
    back = httpx.get(there, trust_env=False, timeout=60).headers["location"]
    with joined.browser() as victim:
        victim.get(back)
        assert victim.get("/me/").status_code == 302


def test_without_it_there_is_no_such_address(town: People) -> None:
    with town.browser() as client:
        assert client.get(START).status_code == 404


def test_a_browser_finds_its_way_there_and_back_under_the_content_policy(
    joined: People, provider: Provider, chromium: str, tmp_path: Path
) -> None:
    provider.who = "hall_leader"
    with Chromium(chromium, tmp_path / "profile", 1280, 800) as browser:
        browser.open(f"{joined.office.url}/login/")
        browser.until(
            "document.readyState === 'complete' && document.querySelector('form.other button') !== null"
        )
        browser.value("document.querySelector('form.other button').click()")
        browser.until("document.body.dataset.events === '/events' && document.body.dataset.pictures > 0")
        browser.until("document.querySelectorAll('#places .row').length > 1")
        assert "政务服务中心" in browser.value("document.body.innerText")
