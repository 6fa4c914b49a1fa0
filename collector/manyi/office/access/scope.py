"""Roles, what each may do and how far it may look, and the rule that stands before every view.

A view without a rule is a fault that a test finds. Refuses to look anything up: a user is given, a Scope comes out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]
AnyView = Callable[..., Any]


class Role(StrEnum):
    """The value is what the database keeps."""

    centre = "centre"
    county = "county"
    hall_leader = "hall_leader"
    staff = "staff"
    technician = "technician"
    auditor = "auditor"
    screen = "screen"
    administrator = "administrator"
    security = "security"

    @property
    def zh(self) -> str:
        return _NAMES[self][0]

    @property
    def en(self) -> str:
        return _NAMES[self][1]


_NAMES = {
    Role.centre: ("控制中心", "Control centre"),
    Role.county: ("县区", "County"),
    Role.hall_leader: ("大厅负责人", "Hall leader"),
    Role.staff: ("窗口工作人员", "Window staff"),
    Role.technician: ("技术员", "Technician"),
    Role.auditor: ("审计员", "Auditor"),
    Role.screen: ("无人值守大屏", "Unattended wall"),
    Role.administrator: ("系统管理员", "Administrator"),
    Role.security: ("安全管理员", "Security officer"),
}

# Kept apart (三员分立): made at the console alone, never granted in the browser, never by single sign-on.
OFFICERS = frozenset({Role.administrator, Role.security, Role.auditor})


class Action(StrEnum):
    """What a view is for. One action a view; a new kind of page gets a new action and a place in GRANTS.

    Who may see a table may take it away: a file holds no more than the page, and each is an entry of the audit log.
    """

    wall = "wall"  # the live wall and its stream
    account = "account"  # pressed = stored + waiting + lost, per box
    verify = "verify"  # whether the ledger was changed
    fleet = "fleet"  # boxes and their health
    ratings = "ratings"  # tables of ratings and rankings of places, and their files
    persons = "persons"  # pages that name members of staff
    roster = "roster"  # the empty workbook that offices fill in
    own = "own"  # a clerk's own results, in closed batches
    known = "known"  # mark a dissatisfied rating as 已知悉
    metrics = "metrics"  # Prometheus text
    accounts = "accounts"  # make and disable accounts
    roles = "roles"  # grant roles, unlock, reset second factors and passwords
    audit = "audit"  # read the audit log
    self = "self"  # one's own password, second factor and account page


GRANTS: dict[Role, frozenset[Action]] = {
    Role.centre: frozenset(
        {
            Action.wall,
            Action.account,
            Action.verify,
            Action.fleet,
            Action.ratings,
            Action.persons,
            Action.known,
            Action.roster,
            Action.metrics,
            Action.self,
        }
    ),
    Role.county: frozenset(
        {
            Action.wall,
            Action.account,
            Action.fleet,
            Action.ratings,
            Action.persons,
            Action.known,
            Action.roster,
            Action.self,
        }
    ),
    Role.hall_leader: frozenset(
        {Action.wall, Action.ratings, Action.persons, Action.known, Action.roster, Action.self}
    ),
    Role.staff: frozenset({Action.own, Action.self}),
    Role.technician: frozenset({Action.account, Action.fleet, Action.metrics, Action.self}),
    Role.auditor: frozenset({Action.audit, Action.account, Action.verify, Action.self}),
    Role.screen: frozenset({Action.wall}),
    Role.administrator: frozenset({Action.accounts, Action.self}),
    Role.security: frozenset({Action.roles, Action.self}),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """How far somebody may look. `county` and `hall` are ids of the roster, "" where they do not narrow.

    A county's or a hall leader's account without its place sees nothing. `role` None is nobody.
    """

    role: Role | None = None
    county: str = ""
    hall: str = ""
    staff: str = ""

    def may(self, action: Action) -> bool:
        return self.role is not None and action in GRANTS[self.role]

    @property
    def whole_city(self) -> bool:
        """Whether no place is hidden. Unattended walls may be hung for one county or one hall."""
        match self.role:
            case Role.centre | Role.technician | Role.auditor:
                return True
            case Role.screen:
                return not self.county and not self.hall
            case _:
                return False

    def sees_county(self, county: str) -> bool:
        """All of that county, its totals included. The id "" is what the roster does not place."""
        if self.whole_city:
            return True
        return (
            bool(county)
            and self.role in (Role.county, Role.screen)
            and not self.hall
            and county == self.county
        )

    def sees_hall(self, hall: str, county: str) -> bool:
        """That hall, which lies in that county."""
        if self.sees_county(county):
            return True
        return bool(hall) and self.role in (Role.hall_leader, Role.screen) and hall == self.hall

    @property
    def sees_persons(self) -> bool:
        """Whether names of staff may be shown beside ratings."""
        return self.may(Action.persons)


NOBODY = Scope()
# Without accounts (`[web] login = false`, on this machine alone) everybody is the control centre.
EVERYBODY = Scope(Role.centre)


def scope_of(user: Any) -> Scope:
    """The scope of an account; NOBODY for a visitor, a disabled account and one that has no role yet."""
    if not getattr(user, "is_authenticated", False) or not user.is_active or not user.role:
        return NOBODY
    return Scope(Role(user.role), user.county, user.hall, user.staff)


def needs(action: Action, *, machine: bool = False) -> Callable[[View], View]:
    """Before an async view: only for those who may. `request.office_scope` and `request.user` are set for the view.

    A visitor is sent to the login page and anybody else told no; `machine` says it as 401 and 403 in JSON.
    """

    def rule(view: View) -> View:
        @functools.wraps(view)
        async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            scope = await scope_for(request)
            if scope.may(action):
                return await view(request, *args, **kwargs)
            return refusal(request, machine)

        guarded.rule, guarded.machine = action, machine  # type: ignore[attr-defined]
        return guarded

    return rule


def public(view: AnyView) -> AnyView:
    """Marks a view that anybody may open."""

    @functools.wraps(view)
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return view(request, *args, **kwargs)

    if iscoroutinefunction(view):
        markcoroutinefunction(marked)
    marked.rule = "public"  # type: ignore[attr-defined]
    return marked


def ruled(view: AnyView, action: Action) -> AnyView:
    """Gives a package's synchronous view its rule; the gate sees to it."""

    @functools.wraps(view)
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return view(request, *args, **kwargs)

    marked.rule = action  # type: ignore[attr-defined]
    return marked


async def scope_for(request: HttpRequest) -> Scope:
    """The scope of whoever asks; put on the request as well."""
    from manyi.office.runtime import current  # noqa: PLC0415  the runtime composes everything, this file too

    scope = EVERYBODY
    if getattr(current().settings, "login", False):
        request.user = await request.auser()
        scope = scope_of(request.user)
    request.office_scope = scope  # type: ignore[attr-defined]  # request.scope is ASGI's own
    return scope


def refusal(request: HttpRequest, machine: bool = False) -> HttpResponseBase:
    """The answer to somebody who may not."""
    known = request.user.is_authenticated if hasattr(request, "user") else False
    if machine:
        said = {"error": "not allowed" if known else "login needed"}
        response: HttpResponseBase = JsonResponse(said, status=403 if known else 401)
    elif known:
        response = render(request, "access/forbidden.html", status=403)
    else:
        response = HttpResponseRedirect(
            f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}"
        )
    response.headers["Cache-Control"] = "no-store"
    return response
