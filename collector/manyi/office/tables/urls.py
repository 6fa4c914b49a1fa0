"""The addresses of tables. `open_tables` need no account; `named` needs somebody with a name behind every request."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _

from manyi.office.access.menu import MENU, Entry
from manyi.office.access.scope import Action
from manyi.office.tables import views
from manyi.office.tables.catalogue import TABLES

open_tables: list[URLPattern | URLResolver] = [path("tables/", views.tables, name="tables")]
for _entry in TABLES.values():
    open_tables.append(path(f"tables/{_entry.name}/", views.page(_entry), name=f"table-{_entry.name}"))
    open_tables.append(
        path(f"tables/{_entry.name}/file/", views.file(_entry), name=f"table-{_entry.name}-file")
    )

# Beside the wall: what is looked at most. A role finds here what it may open, and nothing else.
MENU[1:1] = [
    Entry(Action.ratings, "tables", _("Tables")),
    Entry(Action.own, "own", _("My ratings")),
    Entry(Action.fleet, "table-boxes", _("Boxes")),
    Entry(Action.account, "table-account", _("Account")),
    Entry(Action.verify, "ledger", _("Ledger check")),
    Entry(Action.roster, "roster-template", _("Roster template")),
]


def named() -> list[URLPattern | URLResolver]:
    """Asked for only where accounts exist: what it imports needs their models."""
    from manyi.office.tables import known, own, roster  # noqa: PLC0415

    return [
        path("known/", known.mark, name="known"),
        path("me/ratings/", own.own, name="own"),
        path("me/ratings/file/", own.own_file, name="own-file"),
        path("roster/template/", roster.blank, name="roster-template"),
    ]
