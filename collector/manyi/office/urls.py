"""The office's addresses. It refuses a hall id that no roster could hold."""

from __future__ import annotations

from django.urls import path, re_path

from manyi.office import api, pages

# One path segment, at most 64 characters; the roster decides whether it exists.
HALL = r"(?P<hall>[^/]{1,64})"

urlpatterns = [
    path("", pages.wall, name="wall"),
    re_path(rf"^hall/{HALL}/$", pages.hall, name="hall"),
    re_path(r"^lang/(?P<code>[a-z-]{2,10})/$", pages.language, name="language"),
    path("events", api.wall_events, name="events"),
    re_path(rf"^events/hall/{HALL}$", api.hall_events, name="hall-events"),
    path("api/wall", api.wall),
    path("api/account", api.account),
    re_path(rf"^api/hall/{HALL}$", api.hall),
    path("healthz", api.healthz),
    path("metrics", api.metrics),
]

handler400 = "manyi.office.pages.bad_request"
handler404 = "manyi.office.pages.not_found"
handler500 = "manyi.office.pages.server_error"
