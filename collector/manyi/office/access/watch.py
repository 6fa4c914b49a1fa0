"""Streams outlive requests: whether one may go on is asked again every RECHECK_MS. It refuses to trust the first answer.

Logout, a disabled account, a changed password, role or place, an idle session: each ends the stream, and the screen that
comes back finds the login page.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.http import HttpRequest

from manyi.office.access.gate import complete
from manyi.office.access.policy import Policy
from manyi.office.access.scope import NOBODY, Role, Scope, scope_of
from manyi.office.access.signals import STARTED

# One thread for all streams: 500 of them ask 17 times a second, and an answer takes 2 to 3 ms, half of it to open the file.
_asking = ThreadPoolExecutor(1, thread_name_prefix="office-accounts")


async def watched(
    frames: AsyncIterator[bytes], session: str, scope: Scope, policy: Policy
) -> AsyncIterator[bytes]:
    """The same frames, until this session's scope is another than `scope`. Frames come at least once a second."""
    asked = time.monotonic()
    try:
        async for frame in frames:
            yield frame
            if (time.monotonic() - asked) * 1000 >= policy.recheck_ms:
                asked = time.monotonic()
                loop = asyncio.get_running_loop()
                if await loop.run_in_executor(_asking, scope_now, session, policy) != scope:
                    return
    finally:
        close = getattr(frames, "aclose", None)
        if close is not None:
            await close()  # its place at the hub is free at once


def scope_now(session: str, policy: Policy) -> Scope:
    """What that session may see at this moment; NOBODY once it has ended. Sessions and users are Django's to judge."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session)
    try:
        user = get_user(request)
        scope = scope_of(user)
        if scope.role is None or not complete(user, policy):
            return NOBODY
        old = time.time() - request.session.get(STARTED, 0) > policy.session_hours * 3600
        return NOBODY if old and scope.role is not Role.screen else scope
    finally:
        connections.close_all()
