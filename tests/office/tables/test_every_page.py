"""Every page that each role may open, in a real Chromium: drawn, in words, without a complaint, asking nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from manyi.office.access.scope import GRANTS, Role

from tests.office.browser import Chromium
from tests.office.people import People, session
from tests.office.tables.test_scope import MAY
from tests.office.test_access_roles import ME, addresses

NO_PAGES = (
    "/api/",
    "/events",
    "/metrics",
    "/known/",
)  # for programs; what a workbook holds is tested as a workbook
NOT_YET = ("/me/factor/codes/", "/me/factor/remove/")  # 404 until there are some: office/test_access_login.py
WIDE = "document.documentElement.scrollWidth - innerWidth"
TEXT = "document.body.innerText.trim()"
STRANGERS = ["/login/", "/hall/h1-0/", "/tables/"]  # the last leads to the login


@pytest.fixture(scope="module")
def screen(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(chromium, tmp_path_factory.mktemp("profile"), 1280, 800) as browser:
        yield browser


def pages_of(role: str) -> list[str]:
    return sorted(
        address
        for address, rule in addresses().values()
        if rule in GRANTS[Role(role)]
        and not address.startswith(NO_PAGES)
        and "/file/" not in address
        and address not in NOT_YET
        and (not address.startswith("/tables/") or address.split("/")[2] in MAY[role])
    )


@pytest.mark.parametrize("role", ["", *Role])
def test_every_page_of_every_role_is_drawn_and_complains_of_nothing(
    screen: Chromium, town: People, role: str
) -> None:
    screen.call("Network.clearBrowserCookies")
    if role:
        screen.call("Network.setCookie", name="manyi", value=session(town.user(role)), url=town.office.url)
    pages = pages_of(role) if role else STRANGERS
    assert {"screen": "/", "": "/login/"}.get(role, "/me/") in pages
    somebody = str(town.user("staff").pk)
    screen.open("about:blank")  # a wall of the test before calls its server still
    for language in ("zh-hans", "en"):
        screen.said.clear()
        screen.asked.clear()
        for page in pages:
            address = page.replace(str(ME), somebody)
            screen.open(f"{town.office.url}{address}?lang={language}")
            screen.until(f"document.readyState === 'complete' && {TEXT}.length > 20 // {address}")
            complaints = [said for said in screen.said if not said.startswith("[DOM]")]  # that is advice
            assert complaints == [], address
            assert screen.value("document.title").strip(), address
            assert screen.value(WIDE) <= 0, f"{address} scrolls sideways"
            if role:
                assert screen.value("location.pathname") != "/login/", address
        assert {url for url in screen.asked if not url.startswith((town.office.url, "data:"))} == set()
