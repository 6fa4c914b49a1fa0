"""The office's addresses without accounts (`[web] login = false`), and the list that new pages are added to.

A new page is an async view with `@needs(Action....)` and a line in `pages`.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from manyi.office import api, ledger
from manyi.office import pages as views
from manyi.office.tables.urls import open_tables
from manyi.office.told import duty, visits
from manyi.office.urls_public import urlpatterns as hall_screens

pages: list[URLPattern | URLResolver] = [
    path("", views.wall, name="wall"),
    path("events", api.wall_events, name="events"),
    path("api/wall", api.wall, name="api-wall"),
    path("api/account", api.account, name="api-account"),
    *open_tables,
    path("ledger/", ledger.ledger, name="ledger"),
    path("ledger/file/", ledger.roots_file, name="roots-file"),
    path("ledger/file/<str:day>/", ledger.root_file, name="root-file"),
    path("api/visits", visits, name="api-visits"),
    path("api/duty", duty, name="api-duty"),
    path("healthz", api.healthz, name="healthz"),
    path("metrics", api.metrics, name="metrics"),
]

urlpatterns = [*hall_screens, *pages]

handler400 = "manyi.office.pages.bad_request"
handler403 = "manyi.office.pages.forbidden"
handler404 = "manyi.office.pages.not_found"
handler500 = "manyi.office.pages.server_error"
