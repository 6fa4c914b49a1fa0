"""The office's addresses with accounts: what urls_open has, and the accounts' own pages.

Every view has a rule (access/scope.py); one without is answered to nobody, and fails a test.
"""

from __future__ import annotations

from manyi.office import urls_open
from manyi.office.access.urls import access
from manyi.office.tables.urls import named

urlpatterns = [*urls_open.urlpatterns, *named(), *access]

handler400 = "manyi.office.pages.bad_request"
handler403 = "manyi.office.pages.forbidden"
handler404 = "manyi.office.pages.not_found"
handler429 = "manyi.office.pages.too_many"  # allauth's, for whoever types passwords too fast
handler500 = "manyi.office.pages.server_error"
