"""Reads the wall over HTTP as any browser would, on loopback and past every proxy. Knows no database."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

TIMEOUT_S = 5.0  # a collector that was just killed does not answer at all

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


async def get(url: str) -> dict[str, Any] | None:
    """The JSON object at `url`, or None if nobody answers properly just now."""
    return await asyncio.to_thread(_get, url)


def _get(url: str) -> dict[str, Any] | None:
    try:
        with _opener.open(url, timeout=TIMEOUT_S) as answer:
            found = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return None
    return found if isinstance(found, dict) else None
