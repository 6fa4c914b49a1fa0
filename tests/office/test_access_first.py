"""First passwords: whoever hands one over can use it once at the most, and then the owner learns of it."""

from __future__ import annotations

import io
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.office.people import PATIENCE_S, People, events, log_in, post
from tests.office.test_access_officers import secret

NEW = "something-else-entirely-9"


def reset(town: People, name: str = "staff") -> str:
    with town.browser("administrator") as client:
        return secret(post(client, f"/accounts/{town.user(name).pk}/", do="password").text)


def test_a_first_password_opens_one_session_and_the_owner_learns_who_took_it(town: People) -> None:
    password = reset(town)
    with town.browser() as thief:
        assert log_in(thief, "staff", password).headers["location"] == "/start/"
    with town.browser() as owner:
        said = log_in(owner, "staff", password)
        assert said.status_code == 403
        assert "已经用过" in said.text
        assert "安全管理员" in said.text
        assert owner.get("/me/").headers["location"].startswith("/login/"), "and nothing is open"
    assert ("first_refused", "staff") in events()


def test_a_first_password_opens_one_session_though_several_try_at_the_same_moment(
    town: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are let past the first look before any of them is in."""
    from manyi.office.access import first  # noqa: PLC0415  needs configure()

    password, asked = reset(town), first.refused
    looked = threading.Barrier(3)

    def together(request: Any, user: Any) -> Any:
        answer = asked(request, user)
        looked.wait(PATIENCE_S)
        return answer

    monkeypatch.setattr(first, "refused", together)

    def enter(_: int) -> tuple[int, str]:
        with town.browser() as client:
            return log_in(client, "staff", password).status_code, client.get("/me/").headers["location"]

    with ThreadPoolExecutor(3) as crowd:
        came = sorted(crowd.map(enter, range(3)))
    assert [status for status, _ in came] == [302, 403, 403]
    assert came[0][1] == "/me/password/"
    assert all(where.startswith("/login/") for _, where in came[1:]), "and nothing is open"
    assert events().count(("first_refused", "staff")) == 2
    assert events().count(("login", "staff")) == 1


def test_a_first_password_that_lay_about_is_refused(town: People) -> None:
    from manyi.office.access.models import User  # noqa: PLC0415
    from manyi.office.access.policy import FIRST_PASSWORD_HOURS  # noqa: PLC0415

    password = reset(town)
    for hours, expected in ((FIRST_PASSWORD_HOURS + 1, 403), (FIRST_PASSWORD_HOURS - 1, 302)):
        made = town.user("staff").password_at - timedelta(hours=hours)
        User.objects.filter(username="staff").update(password_at=made)
        with town.browser() as client:
            assert log_in(client, "staff", password).status_code == expected
        User.objects.filter(username="staff").update(password_at=made + timedelta(hours=hours))


def test_a_wrong_guess_learns_nothing_of_a_first_password(town: People) -> None:
    reset(town)
    with town.browser() as client:
        said = log_in(client, "staff", "wrong-guess-1")
    assert said.status_code == 200
    assert "初始口令" not in said.text


def test_a_changed_password_opens_as_often_as_one_likes(town: People) -> None:
    password = reset(town)
    with town.browser() as client:
        log_in(client, "staff", password)
        assert client.get("/me/").headers["location"] == "/me/password/"
        done = post(client, "/me/password/", oldpassword=password, password1=NEW, password2=NEW)
        assert done.headers["location"] == "/start/"
    for _ in range(2):
        with town.browser() as client:
            assert log_in(client, "staff", NEW).headers["location"] == "/start/"
    user = town.user("staff")
    assert (user.must_change, user.password_by, user.password_used) == (False, "", None)


def test_with_a_second_factor_only_the_whole_login_uses_it_up(town: People) -> None:
    password = reset(town, "centre")
    for _ in range(2):
        with town.browser() as client:
            assert log_in(client, "centre", password).headers["location"] == "/login/code/"


def test_the_officers_lists_are_taken_away_as_workbooks(town: People, tmp_path: Path) -> None:
    from manyi.office.access.models import User  # noqa: PLC0415
    from python_calamine import CalamineWorkbook  # noqa: PLC0415

    User.objects.filter(username="staff").update(display_name="=cmd()|x")
    for role, path, columns in (("administrator", "/accounts/file/", 4), ("security", "/roles/file/", 8)):
        with town.browser(role) as client:
            page = client.get(path.removesuffix("file/"))
            assert path in page.text
            file = tmp_path / "list.xlsx"
            file.write_bytes(client.get(path).content)
        cells = CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python()
        gap = next(at for at, row in enumerate(cells) if not any(row))  # between the head and the list
        assert all(cells[gap + 1][:columns])
        rows = [row for row in cells[gap + 2 :] if any(row)]
        assert len(rows) == User.objects.count()
        assert "=cmd()|x" in [row[1] for row in rows], "a text, and no formula"
        assert ("export", path.split("/")[1]) in events()


def test_no_name_that_somebody_types_makes_a_workbook_unreadable(town: People) -> None:
    from manyi.office.access import audit  # noqa: PLC0415

    for strange in ("a\ufffeb", "c\x01d", "=e+f", "<g>&h"):
        audit.record(None, audit.Event.login_failed, subject=strange)
    with town.browser("auditor") as client:
        body = client.get("/audit/file/?event=login_failed").content
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        for name in parts.namelist():
            ElementTree.fromstring(parts.read(name))
        texts = parts.read("xl/sharedStrings.xml").decode()
    for kept in (">ab<", ">cd<", ">=e+f<", ">&lt;g&gt;&amp;h<"):
        assert kept in texts
