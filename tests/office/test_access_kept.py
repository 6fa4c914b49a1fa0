"""What lies in the accounts' database, and what happens when the log cannot be written: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from tests.office.people import People, events, log_in, post
from tests.office.test_access_doors import console, run  # noqa: F401  a fixture
from tests.office.test_access_officers import secret


@contextmanager
def deaf() -> Iterator[None]:
    """A database that takes no entry of the audit log any more, as on a failing disk."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER deaf BEFORE INSERT ON auditlog_logentry BEGIN SELECT RAISE(ABORT, 'no log'); END"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER deaf")


def test_passwords_lie_as_argon2(town: People) -> None:
    with town.browser("administrator") as client:
        password = secret(post(client, "/accounts/new/", username="zhangwei", display_name="张伟").text)
    kept = town.user("zhangwei").password
    assert kept.startswith("argon2$argon2id$")
    assert password not in kept


def test_a_session_without_a_click_ends(town: People) -> None:
    from django.contrib.sessions.models import Session  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    with town.browser("hall_leader") as client:
        mine = Session.objects.filter(session_key=client.cookies["manyi"])
        mine.update(expire_date=timezone.now() + timedelta(minutes=1))
        assert client.get("/me/").status_code == 200
        left = mine.get().expire_date - timezone.now()
        assert timedelta(minutes=29) < left <= timedelta(minutes=30), "half an hour from the last click"
        mine.update(expire_date=timezone.now() - timedelta(seconds=1))
        assert client.get("/me/").headers["location"].startswith("/login/")


def test_what_cannot_be_logged_does_not_happen(town: People) -> None:
    number = town.user("staff").pk
    with (
        town.browser("security") as security,
        town.browser("administrator") as administrator,
        town.browser() as stranger,
        deaf(),
    ):
        done = post(security, f"/roles/{number}/", do="role", role="hall_leader", hall="h1-0")
        assert done.status_code == 500
        assert post(administrator, f"/accounts/{number}/", display_name="Staff").status_code == 500
        user = town.user("staff")
        assert (user.role, user.is_active) == ("staff", True)
        assert log_in(stranger, "staff").status_code == 500
        assert stranger.get("/me/").status_code == 302, "not logged in either"
    with town.browser() as stranger:
        assert log_in(stranger, "staff").status_code == 302, "and all is well again"


def test_the_console_leaves_its_trace(console: Path) -> None:  # noqa: F811
    assert run(console, "init")[0] == 0
    assert run(console, "officer", "auditor", "li", "--out", str(console / "li"))[0] == 0
    run(console, "unlock", "li")
    run(console, "disable", "li")
    told = events()
    for event, subject in (
        ("account_made", "security"),
        ("account_made", "li"),
        ("unlocked", "li"),
        ("account_changed", "li"),
    ):
        assert (event, subject) in told
