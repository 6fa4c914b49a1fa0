"""The doors themselves: TLS, cookies behind it, headers, host names, paths, a public screen beside a login; and the console."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from manyi.cli import app
from manyi.core.errors import SetupError
from manyi.core.ledger import facts, schema
from manyi.office import OfficeSettings, configure
from typer.testing import CliRunner

from tests.collector.paper_ledger import TOWN
from tests.office.city import City
from tests.office.people import (
    HTTP,
    PASSWORD,
    PATIENCE_S,
    People,
    events,
    form,
    log_in,
    people,
    post,
    session,
)
from tests.services.certs import Certs

CONFIG = """
[city]
name = "示范市"
[data]
dir = "data"
[broker]
host = "127.0.0.1"
plain = true
[keys]
link_file = "link.keys"
[web]
https = false
"""
OWN_PAGES = ["/login/", "/me/", "/audit/", "/start/", "/nothing/", "/screen/x/"]


def test_over_tls_cookies_never_travel_without_it(
    accounts_template: Path, tmp_path: Path, city: City, certs: Certs
) -> None:
    more = {"cert_file": certs.server_cert, "key_file": certs.server_key, "access": replace(HTTP, https=True)}
    trusted = ssl.create_default_context(cafile=str(certs.ca))
    with people(accounts_template, tmp_path / "d", city, **more) as town:
        base = f"https://127.0.0.1:{town.office.port}"
        with httpx.Client(base_url=base, verify=trusted, trust_env=False, timeout=PATIENCE_S) as client:
            token = form(client.get("/login/"))
            told = {"csrfmiddlewaretoken": token, "login": "staff", "password": PASSWORD}
            assert client.post("/login/", data=told).status_code == 403, "no Referer, no Origin"
            done = client.post("/login/", data=told, headers={"Origin": base})
            assert done.headers["location"] == "/start/"
            cookies = done.headers.get_list("set-cookie")
            assert cookies
            for cookie in cookies:
                assert cookie.startswith("__Host-manyi")
                assert "Secure" in cookie
            assert "max-age=31536000" in done.headers["strict-transport-security"]


@pytest.mark.parametrize("path", OWN_PAGES)
def test_every_answer_of_the_accounts_carries_the_security_headers(town: People, path: str) -> None:
    with town.browser("auditor") as client:
        headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


def test_pages_have_nothing_inline_and_nothing_from_outside(town: People) -> None:
    for role, path in (
        ("", "/login/"),
        ("centre", "/me/"),
        ("administrator", "/accounts/"),
        ("security", "/roles/"),
        ("auditor", "/audit/"),
        ("hall_leader", "/me/password/"),
    ):
        with town.browser(role) as client:
            page = client.get(path)
            assert page.status_code == 200
            for forbidden in ("<script", " style=", "<style", " onclick", "http://", "https://"):
                assert forbidden not in page.text, (path, forbidden)


def test_no_name_of_an_account_is_more_than_words(town: People) -> None:
    """Whoever makes accounts, or only types a name at the login, writes for officers to read."""
    from manyi.office.access.models import User  # noqa: PLC0415  needs configure()

    mark = "<b class=planted>"
    User.objects.filter(username="staff").update(display_name=mark)
    with town.browser() as stranger:
        log_in(stranger, mark, "x")
    for role, path in (("administrator", "/accounts/"), ("security", "/roles/"), ("auditor", "/audit/")):
        with town.browser(role) as client:
            page = client.get(path).text
        assert "&lt;b class=planted&gt;" in page, path
        assert mark not in page, path


def test_a_strange_host_name_is_refused(town: People) -> None:
    with town.browser() as client:
        assert client.get("/login/", headers={"Host": "evil.example"}).status_code == 400


def test_a_logged_in_browser_and_a_stranger_see_the_same_public_screen(town: People) -> None:
    with town.browser() as stranger, town.browser("centre") as known:
        assert stranger.get("/api/hall/h0-0").json() == known.get("/api/hall/h0-0").json()
        assert not stranger.get("/hall/h0-0/").cookies
        assert stranger.get("/healthz").status_code in (200, 503)


def test_the_accounts_are_readable_by_the_service_alone(town: People, tmp_path: Path) -> None:
    with town.browser() as client:
        log_in(client, "staff")
    for name in ("office.db", "office.db-wal", "office.secret"):
        file = tmp_path / "data" / name
        if name == "office.db" or file.exists():
            assert file.stat().st_mode & 0o077 == 0, name


def test_accounts_that_others_may_read_are_refused(tmp_path: Path, city: City) -> None:
    (tmp_path / "office.db").touch(mode=0o644)
    (tmp_path / "office.db").chmod(0o644)
    with pytest.raises(SetupError, match="chmod 600"):
        configure(OfficeSettings(tmp_path, source=city, access=HTTP))


def test_no_login_is_for_this_machine_alone(tmp_path: Path, city: City) -> None:
    with pytest.raises(SetupError, match="login = false"):
        configure(OfficeSettings(tmp_path, host="0.0.0.0", source=city, login=False))


# the console


@pytest.fixture
def console(tmp_path: Path) -> Path:
    (tmp_path / "manyi.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def run(folder: Path, *words: str, typed: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(app, ["--config", str(folder / "manyi.toml"), "office", *words], input=typed)
    return done.exit_code, done.output


def test_init_makes_three_officers_with_passwords_nobody_knows(console: Path) -> None:
    assert run(console, "init")[0] == 0
    files = sorted((console / "data" / "first-passwords").iterdir())
    assert [file.stem for file in files] == ["administrator", "auditor", "security"]
    passwords = {file.read_text().splitlines()[1] for file in files}
    assert len(passwords) == 3
    assert all(len(each) >= 12 for each in passwords)
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    from manyi.office.access.models import User  # noqa: PLC0415

    for file in files:
        user = User.objects.get(username=file.stem)
        assert user.check_password(file.read_text().splitlines()[1])
        assert user.must_change
    status, said = run(console, "init")
    assert status == 2
    assert "manyi office officer" in said


def test_a_wall_link_is_of_the_wall_asked_for(console: Path) -> None:
    status, said = run(console, "screen", "wall-1", "--county", "c1", "--url", "https://wall.example")
    assert status == 0
    assert "https://wall.example/screen/" in said
    from manyi.office.access.models import User  # noqa: PLC0415

    wall = User.objects.get(username="wall-1")
    assert (wall.role, wall.county, wall.has_usable_password()) == ("screen", "c1", False)
    run(console, "init")
    assert run(console, "screen", "auditor")[0] == 2, "an officer does not become a wall"


def test_a_wall_is_of_a_place_that_the_roster_has(console: Path) -> None:
    (console / "data").mkdir()
    ledger = schema.open_for_writing(console / "data" / "ledger.db")
    facts.append_facts(ledger, 1, TOWN)
    ledger.close()
    for words in (("--county", "c9"), ("--hall", "c1")):
        status, said = run(console, "screen", "wall-1", *words)
        assert status == 2
        assert "名册中没有" in said
    assert run(console, "screen", "wall-1", "--hall", "h1")[0] == 0


def test_the_console_resets_disables_and_unlocks(console: Path) -> None:
    run(console, "init")
    assert run(console, "officer", "centre", "li")[0] == 2, "no role of the browser's"
    assert run(console, "officer", "auditor", "security")[0] == 2, "no officer becomes another"
    assert run(console, "officer", "auditor", "li", "--out", str(console / "li"))[0] == 0
    assert run(console, "unlock", "nobody")[0] == 2
    assert run(console, "unlock", "li")[0] == 0
    from manyi.office.access.models import User  # noqa: PLC0415

    kept = session(User.objects.get(username="li"))
    assert run(console, "disable", "li")[0] == 0
    from django.contrib.sessions.models import Session  # noqa: PLC0415

    assert not Session.objects.filter(session_key=kept).exists()
    assert not User.objects.get(username="li").is_active


def test_a_wall_link_opens_once_and_shows_its_county(town: People) -> None:
    from django.core import signing  # noqa: PLC0415
    from manyi.office.access.models import User  # noqa: PLC0415
    from manyi.office.access.pages import LINK_SALT  # noqa: PLC0415

    User.objects.filter(username="screen").update(link="nonce", county="c1")
    path = f"/screen/{signing.dumps([town.user('screen').pk, 'nonce'], salt=LINK_SALT)}/"
    with town.browser() as client:
        assert client.get(path).status_code == 200, "a preview does not use it up"
        assert post(client, path).headers["location"] == "/"
        assert [c["id"] for c in client.get("/api/wall").json()["counties"]] == ["c1"]
        assert client.get("/me/").status_code == 403
    with town.browser() as client:
        assert post(client, path).status_code == 403
        assert client.get("/screen/forged/").status_code == 403
    assert ("screen_opened", "screen") in events()
