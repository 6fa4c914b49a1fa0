"""Tables as people see them: a real Chromium, every size, both languages; and 已知悉 by a click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from manyi.core.projector import Figures, unix_ms

from tests.collector.test_projector import config
from tests.office.browser import Chromium
from tests.office.people import People, session
from tests.office.tables.test_known import said

SIZES = {"wall": (1920, 1080), "4K": (3840, 2160), "telephone": (400, 860)}
READY = "document.readyState === 'complete' && document.querySelector('table.grid') !== null"
WIDE = "document.documentElement.scrollWidth - innerWidth"
SMALL = "Math.min(...[...document.querySelectorAll('td, th, a, label')].map((n) => parseFloat(getComputedStyle(n).fontSize)))"
MONTH = "period=month&on=2026-11-21"


@pytest.fixture(scope="module")
def screen(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(chromium, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def log_in(screen: Chromium, town: People, role: str) -> None:
    screen.said.clear()
    screen.call("Network.clearBrowserCookies")
    screen.call("Network.setCookie", name="manyi", value=session(town.user(role)), url=town.office.url)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("size", list(SIZES))
def test_a_table_fits_every_screen(screen: Chromium, town: People, size: str, language: str) -> None:
    log_in(screen, town, "centre")
    screen.size(*SIZES[size])
    for name in ("windows", "hours", "reds", "boxes"):
        screen.open(f"{town.office.url}/tables/{name}/?{MONTH}&lang={language}")
        screen.until(f"{READY} && location.pathname.includes('{name}')")
        assert screen.value(WIDE) <= 0, "the table scrolls in its frame, the page does not sideways"
        assert screen.value(SMALL) >= 10.5
        assert screen.said == []


def test_the_menu_offers_what_the_role_may_open(screen: Chromium, town: People) -> None:
    screen.size(*SIZES["wall"])
    links = "[...document.querySelectorAll('.menu a')].map((n) => n.textContent).join()"
    for role, wanted in (
        ("centre", "监控大屏,统计表,设备,对账,台账核对,名册模板,我的账号"),
        ("auditor", "对账,台账核对,审计日志,我的账号"),
        ("hall_leader", "监控大屏,统计表,名册模板,我的账号"),
        ("staff", "我的评价,我的账号"),
    ):
        log_in(screen, town, role)
        screen.open(f"{town.office.url}/me/")
        screen.until(f"location.pathname === '/me/' && document.readyState === 'complete' && {links}")
        assert screen.value(links) == wanted


def at_a_red(screen: Chromium, town: People) -> None:
    """A hall's leader before the list of its dissatisfied ratings, with a button to press."""
    screen.size(*SIZES["wall"])
    log_in(screen, town, "hall_leader")
    screen.open(f"{town.office.url}/tables/reds/?{MONTH}")
    screen.until(f"{READY} && document.querySelector('button.known') !== null")


def test_a_click_on_the_page_marks_the_rating(screen: Chromium, town: People, folder: Path) -> None:
    at_a_red(screen, town)
    screen.value("document.querySelector('button.known').click()")
    screen.until("document.querySelector('button.known.done') !== null")
    assert "已知悉" in screen.value("document.querySelector('button.known').textContent")
    assert [fact["role"] for fact in said(folder)] == ["hall_leader"]
    assert screen.said == []


def test_a_click_that_reaches_nobody_may_be_made_again(screen: Chromium, town: People, folder: Path) -> None:
    at_a_red(screen, town)
    screen.value("window.kept = window.fetch, window.fetch = () => Promise.reject(new TypeError('cut'))")
    press = "document.querySelector('button.known').click()"
    screen.value(press)
    screen.until(
        "document.querySelector('button.known').textContent === document.getElementById('mark').dataset.failed"
    )
    assert said(folder) == []
    screen.value("window.fetch = window.kept")
    screen.value(press)
    screen.until("document.querySelector('button.known.done') !== null")
    assert len(said(folder)) == 1


def test_a_click_on_the_wall_marks_it_and_the_wall_shows_who(
    screen: Chromium, town: People, folder: Path
) -> None:
    screen.size(*SIZES["wall"])
    log_in(screen, town, "centre")
    screen.open(town.office.url)
    screen.until("document.querySelector('.mark-known') !== null")
    before = screen.value("document.querySelectorAll('.mark-known').length")
    screen.value("document.querySelector('.mark-known').click()")
    screen.until("document.querySelector('.mark-known').textContent === '…'")
    figures = Figures(config(folder), unix_ms)
    while figures.step():
        pass
    figures.close()
    told = screen.until("document.querySelector('.tags.known')?.textContent")
    assert "已知悉" in told
    assert "Centre · 控制中心" in told
    assert screen.value("document.querySelectorAll('.mark-known').length") == before - 1
    assert [fact["by"] for fact in said(folder)] == ["Centre"]
