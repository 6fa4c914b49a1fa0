"""People with accounts: one of every role, in a database made once and copied for each test; and their browsers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from manyi.office import OfficeSettings, configure
from manyi.office.access.policy import Policy

from tests.office.city import City
from tests.office.conftest import Office, serving

PASSWORD = "岱州-long enough-77"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
# role → where it stands in the invented city
PLACES = {
    "centre": {},
    "county": {"county": "c1"},
    "hall_leader": {"hall": "h1-0"},
    "staff": {"hall": "h1-0", "staff": "s1"},
    "technician": {},
    "auditor": {},
    "screen": {},
    "administrator": {},
    "security": {},
}
HTTP = Policy(https=False)
CODES_S = 1_795_233_600.0  # Unix time
PATIENCE_S = 60  # a loaded machine takes its time over a password


def make_people(folder: Path) -> Path:
    """A database with an account of every role, named as the role; second factors where the role needs one."""
    configure(OfficeSettings(folder, source=City(1, 1), access=HTTP))
    from allauth.mfa.totp.internal.auth import TOTP  # noqa: PLC0415  needs configure()
    from django.db import connections  # noqa: PLC0415
    from manyi.office.access.models import User  # noqa: PLC0415

    for role, place in PLACES.items():
        user = User(username=role, display_name=role.title(), role=role, must_change=False, **place)
        user.set_password(PASSWORD)
        if role == "screen":
            user.set_unusable_password()
        user.save()
        if role in HTTP.second_factor:
            TOTP.activate(user, SECRET)
    connections.close_all()
    return folder


class People:
    """A running office with accounts."""

    def __init__(self, office: Office, city: City) -> None:
        self.office, self.city = office, city

    def user(self, name: str) -> Any:
        from manyi.office.access.models import User  # noqa: PLC0415

        return User.objects.get(username=name)

    def browser(self, role: str = "") -> httpx.Client:
        """A browser; with a role it is logged in already, by a session made as a login makes it."""
        client = httpx.Client(base_url=self.office.url, trust_env=False, timeout=PATIENCE_S)
        if role:
            client.cookies.set("manyi", session(self.user(role)), domain="127.0.0.1")
        return client

    def forget_codes(self) -> None:
        """A used code is refused for thirty seconds; a test does not wait for the next."""
        from django.core.cache import cache  # noqa: PLC0415

        cache.clear()


@contextmanager
def people(template: Path, folder: Path, city: City, **more: Any) -> Iterator[People]:
    folder.mkdir(exist_ok=True)
    for name in (
        "office.db",
        "office.secret",
    ):  # the secret is the process's: made by whichever test came first
        if (template / name).exists():
            shutil.copy(template / name, folder / name)
    from django.db import connections  # noqa: PLC0415

    connections.close_all()  # this thread may still hold the accounts of the test before
    with serving(city, folder, **{"login": True, "access": HTTP, **more}) as office:
        _stop_the_clock_of_codes()
        try:
            yield People(office, city)
        finally:
            connections.close_all()


def session(user: Any) -> str:
    from django.contrib.auth import login  # noqa: PLC0415
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415
    from django.http import HttpRequest  # noqa: PLC0415

    request = HttpRequest()
    request.session = SessionStore()
    login(request, user, backend=BACKEND)
    request.session.save()
    assert request.session.session_key
    return str(request.session.session_key)


def code(ahead: int = 0, secret: str = SECRET) -> str:
    """What the authenticator shows now, which for the server of this test is always the same half minute: no test falls
    into its end."""
    from allauth.mfa.totp.internal import auth  # noqa: PLC0415

    return str(auth.format_hotp_value(auth.hotp_value(secret, int(auth.time.time()) // 30 + ahead)))


def _stop_the_clock_of_codes() -> None:
    from allauth.mfa.totp.internal import auth  # noqa: PLC0415  needs configure()

    auth.time = SimpleNamespace(time=lambda: CODES_S)


def form(page: httpx.Response) -> str:
    """The page's token against forged forms."""
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert found, page.text[:500]
    return found[1]


def post(client: httpx.Client, path: str, page: str = "", **fields: str) -> httpx.Response:
    """Fill in the form of `page` (the same path if none) and send it."""
    token = form(client.get(page or path))
    return client.post(path, data={"csrfmiddlewaretoken": token, **fields})


def log_in(
    client: httpx.Client, name: str, password: str = PASSWORD, path: str = "/login/"
) -> httpx.Response:
    return post(client, path, login=name, password=password)


def log_in_fully(client: httpx.Client, name: str, password: str = PASSWORD) -> httpx.Response:
    """Password and code."""
    first = log_in(client, name, password)
    assert first.headers["location"] == "/login/code/", first.text
    return post(client, "/login/code/", code=code())


def events() -> list[tuple[str, str]]:
    """(event, subject) of the audit log, oldest first."""
    from auditlog.models import LogEntry  # noqa: PLC0415

    return [
        (str((each.additional_data or {}).get("event", each.action)), each.object_repr)
        for each in LogEntry.objects.order_by("pk")
    ]
