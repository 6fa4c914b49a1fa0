"""Every page for every role: what the matrix says and nothing else. A new page without a rule, or not in the matrix, fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from manyi.office.access.scope import EVERYBODY, GRANTS, NOBODY, OFFICERS, Action, Role, Scope, scope_of

from tests.office.people import People, events, post

ME = 999_999  # an account that does not exist: a page that may be opened answers 404


def views(patterns: list[object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for each in patterns:
        if hasattr(each, "url_patterns"):
            yield from views(each.url_patterns, prefix + str(each.pattern))
        else:
            yield prefix + str(each.pattern), each


def all_views() -> list[tuple[str, object]]:
    from manyi.office import urls  # noqa: PLC0415

    return list(views(list(urls.urlpatterns)))


# What nobody has to log in for, each with its reason.
PUBLIC = {
    "hall": "the public screen",
    "hall-events": "the public screen",
    "api-hall": "the public screen",
    "language": "a cookie",
    "healthz": "a watchdog has no account, and learns yes or no",
    "metrics": "asks for a token or this machine by itself",
    "home": "sends everybody where they belong",
    "account_login": "the login",
    "mfa_authenticate": "the login's second step",
    "account_inactive": "says why",
    "account_logout": "a form with a token",
    "screen": "a link that works once",
    "socialaccount_login_error": "says why",
    "socialaccount_login_cancelled": "says why",
    "openid_connect_login": "the login elsewhere",
    "openid_connect_callback": "the way back from there",
    "api-visits": "queue systems have a token of their own",
    "api-duty": "queue and personnel systems have a token of their own",
}


def test_every_view_has_a_rule(town: People) -> None:
    for address, pattern in all_views():
        rule = getattr(pattern.callback, "rule", None)  # type: ignore[attr-defined]
        assert rule == "public" or isinstance(rule, Action), f"{address} has no rule"
        assert (rule == "public") == (pattern.name in PUBLIC), f"{address}: {rule}"  # type: ignore[attr-defined]


def test_every_action_that_a_role_is_granted_has_a_view(town: People) -> None:
    """A right that opens nothing is a promise that nobody keeps."""
    ruled = {getattr(pattern.callback, "rule", None) for _, pattern in all_views()}  # type: ignore[attr-defined]
    assert set(Action) - ruled == {Action.metrics}, "which is asked for by a view that a token opens too"
    assert "metrics" in PUBLIC
    assert set(Action) == frozenset().union(*GRANTS.values())


def test_a_view_without_a_rule_is_answered_to_nobody(town: People) -> None:
    from django.http import HttpResponse  # noqa: PLC0415
    from django.urls import path  # noqa: PLC0415
    from manyi.office import urls  # noqa: PLC0415

    async def forgotten(request: object) -> HttpResponse:
        return HttpResponse("secret")

    urls.urlpatterns.append(path("forgotten/", forgotten))
    try:
        for role in ("", "centre", "security"):
            with town.browser(role) as client:
                answer = client.get("/forgotten/")
                assert answer.status_code in (302, 403)
                assert "secret" not in answer.text
    finally:
        urls.urlpatterns.pop()


def addresses() -> dict[str, tuple[str, Action]]:
    """An address for each view that needs a role, with made-up ids."""
    from django.urls import reverse  # noqa: PLC0415

    found = {}
    for address, pattern in all_views():
        rule = pattern.callback.rule  # type: ignore[attr-defined]
        if rule == "public":
            continue
        kinds = pattern.pattern.converters  # type: ignore[attr-defined]
        groups = set(kinds) | set(getattr(pattern.pattern.regex, "groupindex", {}))  # type: ignore[attr-defined]
        given = {
            name: (ME if type(kinds.get(name)).__name__ == "IntConverter" else "h0-0") for name in groups
        }
        found[address] = (reverse(pattern.name, kwargs=given), rule)  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("role", ["", *Role])
def test_every_page_for_every_role(town: People, role: str) -> None:
    wrong = []
    with town.browser(role) as client:
        for address, rule in addresses().values():
            method = "HEAD" if address.startswith("/events") else "GET"
            status = client.request(method, address).status_code
            may = bool(role) and rule in GRANTS[Role(role)]
            # A page that may be opened may still lead elsewhere, or not find a made-up id; it is never "no".
            # The front page sends whoever may not see it to his own first page.
            refused = status in (401, 403) or (
                status == 302 and client.get(address).headers["location"].startswith(("/login/", "/start/"))
            )
            # A table may refuse more than its rule does (a place that the account has not), never less.
            if may == refused and not (may and address.startswith("/tables/")):
                wrong.append((address, rule, status))
    assert wrong == []


def test_what_the_officers_may_is_kept_apart() -> None:
    administrator, security = GRANTS[Role.administrator], GRANTS[Role.security]
    auditor = GRANTS[Role.auditor]
    for mine, others in (
        (administrator, security | auditor),
        (security, administrator | auditor),
        (auditor, administrator | security),
    ):
        assert (mine & others) <= {Action.self}
    about_ratings = {Action.wall, Action.ratings, Action.persons, Action.known, Action.own}
    assert not about_ratings & (administrator | security | auditor)
    working = set(Role) - OFFICERS
    assert not any({Action.accounts, Action.roles, Action.audit} & GRANTS[role] for role in working)


def test_a_refusal_is_logged_and_says_who_can_help(town: People) -> None:
    with town.browser("staff") as client:
        answer = client.get("/audit/")
        assert answer.status_code == 403
        assert "安全管理员" in answer.text
    assert ("refused", "/audit/") in events()


@pytest.mark.parametrize(
    ("role", "first"),
    [
        ("administrator", "/accounts/"),
        ("security", "/roles/"),
        ("auditor", "/tables/account/"),
        ("technician", "/tables/boxes/"),
        ("staff", "/me/ratings/"),
        ("centre", "/"),
    ],
)
def test_the_front_page_leads_each_role_to_its_own_work(town: People, role: str, first: str) -> None:
    """Everybody types the same address; whoever may not see the wall is neither turned away nor written down."""
    with town.browser(role) as client:
        if first != "/":
            assert client.get("/").headers["location"] == "/start/"
        assert client.get("/start/").headers["location"] == first
    assert ("refused", "/") not in events()


def test_an_account_without_a_role_sees_nothing(town: People) -> None:
    user = town.user("staff")
    user.role = ""
    user.save()
    with town.browser("staff") as client:
        assert client.get("/start/").status_code == 403
        assert client.get("/me/").status_code == 403
        assert post(client, "/logout/", "/start/").status_code == 302


def test_scopes_see_their_own_place_alone() -> None:
    county, leader = Scope(Role.county, county="c1"), Scope(Role.hall_leader, hall="h1")
    assert county.sees_county("c1")
    assert not county.sees_county("c2")
    assert county.sees_hall("h9", "c1")
    assert not county.sees_hall("h1", "c2")
    assert leader.sees_hall("h1", "c1")
    assert not leader.sees_county("c1")
    assert not leader.sees_hall("h2", "c1")


@pytest.mark.parametrize("role", [Role.county, Role.hall_leader, Role.staff])
def test_a_place_that_was_forgotten_opens_nothing(role: Role) -> None:
    scope = Scope(role)
    assert not scope.sees_county("")
    assert not scope.sees_hall("", "")
    assert not scope.whole_city


def test_nobody_is_nobody() -> None:
    assert not any(NOBODY.may(action) for action in Action)
    assert scope_of(None) == NOBODY
    assert EVERYBODY.whole_city


def test_metrics_are_for_this_machine_a_token_or_a_role(town: People) -> None:
    with town.browser() as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 401
    with town.browser("technician") as client:
        assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 200
    with town.browser("staff") as client:
        assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403
