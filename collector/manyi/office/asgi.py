"""The ASGI application. manyi.office.configure() comes first; it refuses to start with settings of its own invention."""

from __future__ import annotations

from typing import Any

from django.core.asgi import get_asgi_application

from manyi.office.runtime import current


def make() -> Any:
    """A handler with the settings of this moment: with accounts, or without."""
    current()
    return get_asgi_application()
