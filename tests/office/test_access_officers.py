"""The officers at work, and the audit log that watches them."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from manyi.core.errors import SetupError
from manyi.office.access.scope import OFFICERS, Role
from manyi.office.pace import SNAPSHOT_GAP_MS

from tests.office.city import City
from tests.office.people import HTTP, PASSWORD, People, code, events, log_in, people, post
from tests.office.tables.conftest import rows_below, sheet


def secret(text: str) -> str:
    found = re.search(r'class="secret"><code>([^<]+)<', text)
    assert found, text
    return found[1]


def test_from_a_new_account_to_its_first_look(town: People) -> None:
    with town.browser("administrator") as client:
        made = post(client, "/accounts/new/", username="zhangwei", display_name="张伟")
        password = secret(made.text)
    new = "my-own-choice-now-1"
    with town.browser() as client:
        log_in(client, "zhangwei", password)
        assert client.get("/start/").headers["location"] == "/me/password/"
        page = client.get("/me/password/").text
        assert "设置人：" in page
        assert "administrator" in page
        post(client, "/me/password/", oldpassword=password, password1=new, password2=new)
        assert client.get("/start/").status_code == 403, "no role yet"
    number = town.user("zhangwei").pk
    with town.browser("security") as client:
        assert post(client, f"/roles/{number}/", do="role", role="hall_leader").status_code == 200, "no hall"
        done = post(client, f"/roles/{number}/", do="role", role="hall_leader", hall="h1-0", county="c9")
        assert done.status_code == 302
    user = town.user("zhangwei")
    assert (user.role, user.hall, user.county) == ("hall_leader", "h1-0", "")
    with town.browser() as client:
        log_in(client, "zhangwei", new)
        assert client.get("/").status_code == 200
        mine = client.get("/me/").text
    assert "首次登录" in mine
    assert "127.0.0.1" in mine
    told = events()
    assert ("account_made", "zhangwei") in told
    assert told.count(("first_login", "zhangwei")) == 1
    assert ("role_changed", "zhangwei") in told


@pytest.mark.parametrize("role", sorted(OFFICERS | {Role.screen}))
def test_no_officer_can_be_made_in_the_browser(town: People, role: str) -> None:
    with town.browser("security") as client:
        number = town.user("staff").pk
        assert post(client, f"/roles/{number}/", do="role", role=role).status_code == 200
    assert town.user("staff").role == "staff"


@pytest.mark.parametrize("name", ["administrator", "security", "auditor"])
def test_officers_are_out_of_reach_of_each_other_and_themselves(town: People, name: str) -> None:
    number = town.user(name).pk
    for officer, path in (("administrator", f"/accounts/{number}/"), ("security", f"/roles/{number}/")):
        with town.browser(officer) as client:
            assert client.get(path).status_code == 404


def test_disabling_logs_out_at_once(town: People) -> None:
    number = town.user("hall_leader").pk
    with town.browser("hall_leader") as leader, town.browser("administrator") as client:
        assert leader.get("/").status_code == 200
        post(client, f"/accounts/{number}/", display_name="Leader")
        assert leader.get("/").status_code == 302
        assert log_in(leader, "hall_leader").headers.get("location", "") != "/start/"


def test_the_security_officer_unlocks(town: People) -> None:
    with town.browser() as client:
        for _ in range(5):
            log_in(client, "staff", "wrong")
        assert log_in(client, "staff").status_code == 429
    with town.browser("security") as client:
        assert "口令输错" in client.get("/roles/").text
        post(client, f"/roles/{town.user('staff').pk}/", do="unlock")
    with town.browser() as client:
        assert log_in(client, "staff").headers["location"] == "/start/"
    assert ("unlocked", "staff") in events()


def test_a_reset_password_is_new_unlocks_and_must_be_changed(town: People) -> None:
    with town.browser("administrator") as client:
        done = post(client, f"/accounts/{town.user('staff').pk}/", do="password")
        password = secret(done.text)
        assert done.headers["cache-control"] == "no-store"
    with town.browser() as client:
        assert log_in(client, "staff", PASSWORD).status_code == 200
        log_in(client, "staff", password)
        assert client.get("/me/").headers["location"] == "/me/password/"


def test_no_officer_alone_can_become_somebody_else(town: People) -> None:
    """The one sets passwords, the other takes second factors away: neither does both."""
    number = town.user("centre").pk
    with town.browser("security") as client:
        kept = town.user("centre").password
        post(client, f"/roles/{number}/", do="password")
        assert town.user("centre").password == kept
        assert client.get(f"/accounts/{number}/").status_code == 403
    with town.browser("administrator") as client:
        password = secret(post(client, f"/accounts/{number}/", do="password").text)
        post(client, f"/accounts/{number}/", do="factor", display_name="Centre", is_active="on")
        assert client.get(f"/roles/{number}/").status_code == 403
        assert post(client, f"/accounts/{town.user('screen').pk}/", do="password").status_code != 500
    assert not town.user("screen").has_usable_password()
    with town.browser() as client:
        assert log_in(client, "centre", password).headers["location"] == "/login/code/"
        assert client.get("/").status_code == 302
        assert client.get("/me/factor/add/").headers["location"].startswith("/login/")


def test_a_place_is_one_of_the_rosters(town: People) -> None:
    number = town.user("staff").pk
    with town.browser("security") as client:
        page = client.get(f"/roles/{number}/").text
        assert '<option value="c1">' in page
        assert town.city.units[1]["name"] in page
        for role, place in (
            ("county", {"county": "c9"}),
            ("county", {"county": "h1-0"}),
            ("hall_leader", {"hall": "h9-0"}),
            ("staff", {"staff": "s1", "hall": "nowhere"}),
            ("staff", {"staff": "nobody"}),
        ):
            said = post(client, f"/roles/{number}/", do="role", role=role, **place)
            assert said.status_code == 200
            assert "名册中没有" in said.text
        assert town.user("staff").role == "staff"
        assert post(client, f"/roles/{number}/", do="role", role="county", county="c2").status_code == 302
        town.city.down = "ledger.db: no such file"
        time.sleep(SNAPSHOT_GAP_MS / 1000)
        said = post(client, f"/roles/{number}/", do="role", role="county", county="c1")
        assert "暂时无法读取名册" in said.text
        assert post(client, f"/roles/{number}/", do="role", role="technician").status_code == 302
    user = town.user("staff")
    assert (user.role, user.county) == ("technician", "")


def test_a_reset_factor_must_be_added_anew(town: People) -> None:
    with town.browser("security") as client:
        post(client, f"/roles/{town.user('county').pk}/", do="factor")
    with town.browser() as client:
        assert log_in(client, "county").headers["location"] == "/start/"
        assert client.get("/").headers["location"] == "/me/factor/add/"
    assert ("factor_reset", "county") in events()


def test_the_auditor_reads_filters_and_takes_a_workbook(town: People) -> None:
    with town.browser() as client:
        log_in(client, "=cmd()|x", "wrong")
    with town.browser("auditor") as client:
        page = client.get("/audit/?event=login_failed").text
        assert "=cmd()|x" in page
        rows = re.findall(r"<tr><td>.*?</tr>", page, re.S)
        assert len(rows) == 1
        assert "没有符合条件的记录" in client.get("/audit/?event=login_failed&text=nobody").text
        file = client.get("/audit/file/?event=login_failed")
        _heads, found = rows_below(sheet(file.content), "时间")
        assert [row[3] for row in found] == ["=cmd()|x"]
        assert isinstance(found[0][0], datetime)
    assert ("export", "audit") in events()


@pytest.mark.parametrize(
    "query",
    [
        "?page=zz",
        "?page=999",
        "?from=x&to=2026-13-40",
        "?event=%00&text=%27%22",
        "?to=9999-12-31",
        "?from=0001-01-01",
    ],
)
def test_a_strange_filter_is_no_error(town: People, query: str) -> None:
    with town.browser("auditor") as client:
        assert client.get(f"/audit/{query}").status_code == 200


def test_no_way_of_reading_the_log_is_unlogged(town: People) -> None:
    from manyi.office.access import audit  # noqa: PLC0415

    for at in range(60):
        audit.record(None, audit.Event.refused, subject=f"x{at}")

    def reads() -> int:
        return events().count(("audit_read", "audit"))

    with town.browser("auditor") as client:
        client.get("/audit/?page=1&text=x")
        assert reads() == 1
        client.get("/audit/?page=2&text=x")
        assert reads() == 1, "a page turned is no other look"
        client.get("/audit/?page=2")
        assert reads() == 2
        client.get("/audit/?text=x&page=2")
        assert reads() == 3


def test_an_entry_can_neither_be_changed_nor_removed(town: People) -> None:
    from auditlog.models import LogEntry  # noqa: PLC0415
    from django.db import DatabaseError  # noqa: PLC0415

    with town.browser() as client:
        log_in(client, "staff", "wrong")
    entry = LogEntry.objects.get(object_repr="staff", additional_data__event="login_failed")
    with pytest.raises(DatabaseError, match="append-only"):
        LogEntry.objects.filter(pk=entry.pk).update(object_repr="somebody else")
    with pytest.raises(DatabaseError, match="180 days"):
        LogEntry.objects.filter(pk=entry.pk)._raw_delete("default")
    with town.browser("auditor") as client:
        for path in ("/audit/", "/audit/file/"):
            assert client.post(path).status_code in (403, 405)


def test_old_entries_go_and_young_ones_stay(town: People) -> None:
    from auditlog.models import LogEntry  # noqa: PLC0415
    from django.contrib.contenttypes.models import ContentType  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415
    from manyi.office.access import audit  # noqa: PLC0415

    kind = ContentType.objects.get_for_model(type(town.user("staff")))
    for days in (400, 181, 179):
        LogEntry.objects.create(
            content_type=kind,
            object_pk="x",
            object_repr=f"{days}",
            action=3,
            timestamp=timezone.now() - timedelta(days=days),
        )
    audit.prune(365)
    left = {each.object_repr for each in LogEntry.objects.filter(object_pk="x")}
    assert left == {"181", "179"}
    audit.prune(1)
    left = {each.object_repr for each in LogEntry.objects.filter(object_pk="x")}
    assert left == {"179"}, "never less than 180 days"


def test_a_clock_that_jumps_ahead_does_not_empty_the_log(
    town: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set by somebody who wants it empty, or by a time server that is wrong: by then all entries seem old."""
    from auditlog.models import LogEntry  # noqa: PLC0415
    from django.contrib.contenttypes.models import ContentType  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415
    from manyi.office.access import audit  # noqa: PLC0415

    now = timezone.now()
    kind = ContentType.objects.get_for_model(type(town.user("staff")))
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER audit_is_kept")  # it asks the same clock
    for days in range(0, 30):
        LogEntry.objects.create(
            content_type=kind,
            object_pk="x",
            object_repr=f"{days}",
            action=3,
            timestamp=now - timedelta(days=days),
        )
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(days=4_000))
    audit.prune(365)
    left = {int(each.object_repr) for each in LogEntry.objects.filter(object_pk="x")}
    assert left == set(range(0, 29 - audit.PRUNE_DAYS + 1))


def test_the_log_holds_no_secret(town: People) -> None:
    from auditlog.models import LogEntry  # noqa: PLC0415

    with town.browser("administrator") as client:
        password = secret(post(client, f"/accounts/{town.user('staff').pk}/", do="password").text)
    shown = code()
    with town.browser() as client:
        log_in(client, "staff", "wrong-guess-1")
        log_in(client, "centre")
        post(client, "/login/code/", code=shown)
    told = " ".join(f"{e.changes} {e.additional_data} {e.object_repr}" for e in LogEntry.objects.all())
    for hidden in (password, "wrong-guess-1", PASSWORD, "argon2", shown):
        assert hidden not in told


def test_syslog_gets_a_copy_of_every_entry(accounts_template: Path, tmp_path: Path, city: City) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(20)
        where = f"127.0.0.1:{listener.getsockname()[1]}"
        with people(accounts_template, tmp_path / "d", city, access=replace(HTTP, syslog=where)) as town:
            with town.browser() as client:
                log_in(client, "staff", "wrong")
            told = listener.recv(4096).decode()
    assert "manyi-audit: " in told
    assert '"event": "login_failed"' in told
    assert '"subject": "staff"' in told


def test_a_syslog_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    from manyi.office.access import audit  # noqa: PLC0415

    with pytest.raises(SetupError, match="syslog"):
        audit.send_to(str(tmp_path / "nothing"))
