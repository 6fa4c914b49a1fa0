"""Who is looking, for every template; and which pages the menu offers. It refuses to offer what the role may not open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from manyi.office.access.scope import NOBODY, Action, Scope


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu; `name` is the address's name."""

    action: Action
    name: str
    label: Promise | str


# Pages add themselves here, in the order in which people need them.
MENU: list[Entry] = [
    Entry(Action.wall, "wall", _("Live wall")),
    Entry(Action.accounts, "accounts", _("Accounts")),
    Entry(Action.roles, "roles", _("Roles and unlocking")),
    Entry(Action.audit, "audit", _("Audit log")),
    Entry(Action.self, "me", _("My account")),
]


def menu(scope: Scope) -> list[tuple[str, Promise | str]]:
    """(address, label) of what this scope may open; what has no address here is left out."""
    found = []
    for entry in MENU:
        if scope.may(entry.action):
            try:
                found.append((reverse(entry.name), entry.label))
            except NoReverseMatch:
                continue
    return found


def context(request: HttpRequest) -> dict[str, Any]:
    """`scope`, `who` (None without accounts) and `menu`. Never asks the database: the gate has done so."""
    scope: Scope = getattr(request, "office_scope", NOBODY)
    user = getattr(request, "user", None) if scope.role is not None else None
    who = user if getattr(user, "is_authenticated", False) else None
    return {"scope": scope, "who": who, "menu": menu(scope)}
