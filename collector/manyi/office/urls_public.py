"""The addresses of the halls' public screens: all that the public port answers. It refuses a hall id that no roster
could hold, and everything that knows a person, a window or a moment.
"""

from __future__ import annotations

from django.urls import re_path

from manyi.office import api
from manyi.office import pages as views

# One path segment, at most 64 characters; the roster decides whether it exists.
HALL = r"(?P<hall>[^/]{1,64})"

urlpatterns = [
    re_path(rf"^hall/{HALL}/$", views.hall, name="hall"),
    re_path(rf"^events/hall/{HALL}$", api.hall_events, name="hall-events"),
    re_path(rf"^api/hall/{HALL}$", api.hall, name="api-hall"),
    re_path(r"^lang/(?P<code>[a-z-]{2,10})/$", views.language, name="language"),
]

handler400 = "manyi.office.pages.bad_request"
handler403 = "manyi.office.pages.forbidden"
handler404 = "manyi.office.pages.not_found"
handler500 = "manyi.office.pages.server_error"
