"""The ASGI application. manyi.office.configure() comes first; it refuses to start with settings of its own invention."""

from __future__ import annotations

from django.core.asgi import get_asgi_application

from manyi.office.runtime import current

current()
application = get_asgi_application()
