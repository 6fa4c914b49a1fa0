"""One table at a time for one account: two threads make them for everybody, and nobody's loop of year's workbooks may take both.

It refuses whoever keeps asking while his tables are still being made; another account's table is made beside them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from django.http import HttpRequest

# Tables of one account under way, the one being made among them: somebody's tabs, and not a script's.
ASKED = 4


class Crowded(Exception):
    """This account has ASKED tables under way."""


@dataclass(slots=True)
class _Line:
    asked: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


_lines: dict[str, _Line] = {}  # of the accounts that wait now


@asynccontextmanager
async def turn(request: HttpRequest) -> AsyncIterator[None]:
    """Holds the account's turn. Raises Crowded. Without accounts there is one desk, and it is everybody's."""
    whose = str(request.user.pk)
    line = _lines.setdefault(whose, _Line())
    if line.asked >= ASKED:
        raise Crowded
    line.asked += 1
    try:
        async with line.turn:
            yield
    finally:
        line.asked -= 1
        if not line.asked:
            del _lines[whose]
