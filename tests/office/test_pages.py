"""Every address of the office, asked properly and improperly."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import manyi.office
import pytest
from manyi.core.errors import SetupError
from manyi.office.runtime import OfficeSettings, configure, secret

from tests.office.city import NAMES, City
from tests.office.conftest import Get

OFFICE = Path(manyi.office.__file__).parent
PAGES = ["/", "/hall/h0-0/"]
ANSWERS = [
    *PAGES,
    "/api/wall",
    "/healthz",
    "/metrics",
    "/static/office/wall.js",
    "/nothing",
    "/api/hall/nowhere",
]


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_carries_the_security_headers(get: Get, path: str) -> None:
    headers = get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers.get("X-Frame-Options") == "DENY" or path.startswith("/static/")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_page_needs_nothing_from_outside_and_nothing_inline(get: Get, path: str, language: str) -> None:
    page = get(f"{path}?lang={language}")
    html = page.content.decode()
    assert page.status_code == 200
    assert not re.search(r"https?://", html)
    for tag, attributes in Tags(html).tags:
        assert tag != "style"
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        if tag == "script":
            source = attributes.get("src")
            assert source.startswith("/static/") if source else attributes["type"] == "application/json"


def test_no_file_of_the_screens_names_an_outside_address() -> None:
    for path in OFFICE.glob("static/**/*.*"):
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"^\s*//.*$|\s// .*$", "", text, flags=re.M), path


def test_chinese_comes_first_whatever_the_browser_prefers(get: Get) -> None:
    html = get("/", accept_language="en-US").content.decode()
    assert '<html lang="zh-CN">' in html
    assert "服务评价监控大屏" in html


def test_the_switch_turns_the_screen_english_and_stays(get: Get) -> None:
    switched = get("/lang/en/?next=/hall/h0-0/")
    assert (switched.status_code, switched["Location"]) == (302, "/hall/h0-0/")
    assert switched.cookies["django_language"].value == "en"
    html = get("/", cookies={"django_language": "en"}).content.decode()
    assert '<html lang="en">' in html
    assert "Service ratings wall" in html


def test_a_kiosk_address_can_fix_its_language(get: Get) -> None:
    assert "Service ratings wall" in get("/?lang=en", cookies={"django_language": "zh-hans"}).content.decode()


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil", "%0d%0aX:1"]
)
def test_the_switch_leads_nowhere_else(get: Get, back: str) -> None:
    location = get(f"/lang/en/?next={back}")["Location"]
    assert location == "/" or location.startswith("%0D%0A")


def test_an_unknown_language_changes_nothing(get: Get) -> None:
    assert not get("/lang/xx/").cookies
    assert (
        '<html lang="zh-CN">' in get("/?lang=../../etc", cookies={"django_language": "fr"}).content.decode()
    )


def test_the_only_cookie_is_the_language(get: Get) -> None:
    assert [dict(get(path).cookies) for path in ANSWERS] == [{}] * len(ANSWERS)


@pytest.mark.parametrize(
    "path",
    [
        "/hall/",
        "/hall/nowhere/",
        "/hall/%00/",
        "/hall/%F0%28%8C%28/",
        "/hall/..%2F..%2Fetc%2Fpasswd/",
        f"/hall/{'x' * 65}/",
        "/hall/';DROP TABLE ratings;--/",
        "/events/hall/nowhere",
        f"/api/hall/{'九' * 64}",
        "/static/office/../../runtime.py",
        "/static/%2e%2e/%2e%2e/runtime.py",
        "/static//etc/passwd",
        "/api/",
        "/api/wall/x",
        "/admin/",
        "/healthz/",
        "/events/",
        "/\u202e",
    ],
)
def test_a_garbage_path_is_not_found(get: Get, path: str) -> None:
    assert get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/hall/h0-0/", "/api/wall", "/api/account", "/events", "/healthz", "/metrics"]
)
@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_written(get: Get, path: str, method: str) -> None:
    assert get(path, method=method).status_code == 405


def test_a_strange_host_name_is_refused_with_what_to_do(get: Get) -> None:
    answer = get("/", host="evil.example")
    assert answer.status_code == 400
    assert "allowed_hosts" in answer.content.decode()


def test_the_json_pages_give_the_stores_own_figures(get: Get, city: City) -> None:
    wall = json.loads(get("/api/wall").content)
    assert wall["total"] == city.wall(0)["total"]
    account = json.loads(get("/api/account").content)
    assert account["pressed"] == account["stored"] + account["waiting"] + account["lost"]
    assert get("/api/wall").headers["Cache-Control"] == "no-store"


def test_a_store_that_cannot_be_read_is_said_so(get: Get, city: City) -> None:
    city.down = "wall.db: disk I/O error"
    answer = get("/api/wall")
    assert answer.status_code == 503
    assert json.loads(answer.content) == {"error": "wall.db: disk I/O error"}
    assert get("/").status_code == 200, "the page itself still comes up and says that it waits"
    assert get("/hall/h0-0/").status_code == 200


def test_the_hall_screen_knows_no_person_no_window_no_order(get: Get, city: City) -> None:
    told = get("/api/hall/h0-0").content.decode() + get("/hall/h0-0/").content.decode()
    snapshot = json.loads(get("/api/hall/h0-0").content)
    assert not [name for name in NAMES if name in told]
    assert "号窗口" not in told
    assert set(snapshot) == {
        "hall",
        "name",
        "name_en",
        "released",
        "batches",
        "waiting_hint",
        "as_of_batch_ms",
    }
    assert sum(snapshot["released"]["level"]) == snapshot["released"]["n"]


def healthz(get: Get) -> tuple[int, Any]:
    answer = get("/healthz")
    return answer.status_code, json.loads(answer.content)


def test_healthz_is_200_while_the_pipeline_lives(get: Get) -> None:
    assert healthz(get) == (200, {"ok": True, "reasons": []})


def test_healthz_names_a_projector_that_hangs(get: Get, city: City) -> None:
    city.age_ms = 9_500
    assert healthz(get) == (503, {"ok": False, "reasons": ["the projector last ran 9 s ago"]})


def test_healthz_names_a_store_that_cannot_be_read(get: Get, city: City) -> None:
    city.down = "ledger.db: no such file"
    assert healthz(get) == (503, {"ok": False, "reasons": ["store cannot be read: ledger.db: no such file"]})


def test_metrics_have_the_cores_figures_and_the_offices(get: Get) -> None:
    text = get("/metrics").content.decode()
    assert "manyi_test 1" in text
    assert "manyi_office_streams 0.0" in text


def test_the_secret_is_made_once_and_for_the_service_alone(tmp_path: Path) -> None:
    path = tmp_path / "office.secret"
    made = secret(path)
    assert len(made) >= 50
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret(path) == made
    path.chmod(0o644)
    with pytest.raises(SetupError, match="chmod 600"):
        secret(path)


def test_a_secret_that_cannot_be_made_names_its_file_and_not_the_port(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"nowhere/office\.secret：.*the secret key cannot be made"):
        secret(tmp_path / "nowhere" / "office.secret")


def test_debug_does_not_exist(get: Get) -> None:
    from django.conf import settings  # noqa: PLC0415

    assert settings.DEBUG is False
    assert "Traceback" not in get("/nothing").content.decode()


def test_the_address_it_listens_on_may_be_used_as_its_name(tmp_path: Path, city: City) -> None:
    from django.conf import settings  # noqa: PLC0415

    configure(OfficeSettings(tmp_path, host="192.0.2.7", source=city, allowed_hosts=("wall.example",)))
    assert {"192.0.2.7", "wall.example", "localhost"} <= set(settings.ALLOWED_HOSTS)
    configure(OfficeSettings(tmp_path, host="0.0.0.0", source=city))
    assert "0.0.0.0" not in settings.ALLOWED_HOSTS
    assert "*" not in settings.ALLOWED_HOSTS
