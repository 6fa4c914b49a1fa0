"""The browsers that an account came in from before, told by a signed cookie: a stranger's wrong passwords are counted apart
from theirs, so that whoever knows a name cannot keep its owner out.

The cookie opens nothing: password and second factor are asked as ever, and wrong ones from such a browser lock it too. It
holds a random number and the last accounts of that browser (two clerks share a desk). It refuses one that is not ours.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

SALT = "manyi.office.device"
DAYS = 180  # from the last login; whoever comes back later is a stranger once
ACCOUNTS = 8  # that one browser is known for; a desk has two or three
ID_BYTES = 16
# Between an account's name and the browser's number where failures are counted; no name has a blank in it.
JOINT = " @ "


def of(request: HttpRequest | None, name: str) -> str:
    """The number of this browser, if that account came in from it before; else ""."""
    number, names = _read(request)
    return number if name in names else ""


def counted_as(request: HttpRequest | None, name: str) -> str:
    """Under which name failures count: the account's for a stranger, the account's at this browser for its own."""
    number = of(request, name)
    return f"{name}{JOINT}{number}" if number else name


def account(counted: str) -> str:
    """Whose failures they are."""
    return counted.partition(JOINT)[0]


def remember(request: HttpRequest, response: HttpResponseBase, name: str) -> None:
    """After a complete login."""
    number, names = _read(request)
    names = [name, *(each for each in names if each != name)][:ACCOUNTS]
    response.set_cookie(
        _cookie(),
        signing.dumps([number or secrets.token_hex(ID_BYTES), names], salt=SALT),
        max_age=DAYS * 24 * 3600,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest | None) -> tuple[str, list[str]]:
    told = request.COOKIES.get(_cookie(), "") if request is not None else ""
    try:
        found: Any = signing.loads(told, salt=SALT, max_age=DAYS * 24 * 3600)
        return str(found[0]), [str(each) for each in found[1]]
    except (signing.BadSignature, ValueError, TypeError, IndexError):
        return "", []


def _cookie() -> str:
    return "__Host-manyi-device" if settings.SESSION_COOKIE_SECURE else "manyi-device"
