"""The screens as people see them: a real Chromium before a real server. Skipped with a clear word where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import manyi.office
import pytest
from manyi.core.alarms.kinds import alarm

from tests.office.browser import Chromium
from tests.office.city import NAMES, City

Serve = Callable[..., Any]
STATIC = Path(manyi.office.__file__).parent / "static" / "office"
LIVE = "document.body.dataset.state === 'live'"
STALE = "document.body.dataset.state === 'stale'"
TOTAL = "document.querySelector('.all .huge').textContent.replaceAll(',', '')"
BIG = "document.getElementById('stopped-big').textContent"
FITS = "[document.documentElement.scrollWidth <= innerWidth, document.documentElement.scrollHeight <= innerHeight]"
# Boxes of text that are cut off: a wall has nobody to scroll it. Names may be shortened, figures may not.
TEXTS = ".huge, .value, .said, .foot, .verdict, .sum, dd, .places .row > :not(:first-child), .cellrate > *, .hall .why, .asof"
CUT = f"""[...document.querySelectorAll('{TEXTS}')].filter((node) => node.clientWidth
  && (node.scrollWidth > node.clientWidth + 1 || node.getBoundingClientRect().right > innerWidth))
  .map((node) => node.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def screen(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(chromium, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def opened(screen: Chromium, url: str) -> None:
    screen.open("about:blank")  # a page of the test before calls for its server still
    screen.said.clear()
    screen.asked.clear()
    screen.open(url)
    screen.until(LIVE)


def test_the_wall_shows_the_stores_figures_and_follows_them(
    screen: Chromium, city: City, serve: Serve
) -> None:
    with serve(city) as office:
        opened(screen, office.url)
        for _ in range(3):
            screen.until(f"{TOTAL} === '{city.wall(0)['total']['n']}'")
            city.press(3)
        wall = city.wall(0)
        screen.until(f"{TOTAL} === '{wall['total']['n']}'")
        counts = "[...document.querySelectorAll('.level .count')].map((node) => node.textContent).join()"
        screen.until(f"{counts} === '{','.join(str(n) for n in wall['total']['level'])}'")
        shown = screen.value("document.body.innerText")
        for word in (
            "满意及基本满意率",
            "不满意",
            "改评",
            "样本不足",
            "置信区间",
            "已承认丢失",
            wall["counties"][0]["name"],
        ):
            assert word in shown
        assert screen.value("document.querySelector('#latest .word').textContent") == "不满意"
        assert screen.said == []
        assert {url for url in screen.asked if not url.startswith(office.url)} == set()


def test_a_server_that_dies_stops_the_screen_and_one_that_returns_starts_it(
    screen: Chromium, city: City, serve: Serve
) -> None:
    with serve(city) as office:
        opened(screen, office.url)
        port = office.port
    screen.until(STALE)
    assert re.fullmatch(r"数据停于 \d\d:\d\d:\d\d", screen.value(BIG))
    size = "parseFloat(getComputedStyle(document.getElementById('stopped-big')).fontSize) / innerHeight"
    assert screen.value(size) > 0.1, "very large letters"
    city.press()
    with serve(city, port=port):
        screen.until(LIVE)
        screen.until(f"{TOTAL} === '{city.wall(0)['total']['n']}'")
        assert screen.value("document.getElementById('stopped').hidden")


def test_figures_that_stand_still_stop_the_screen_although_the_server_answers(
    screen: Chromium, city: City, serve: Serve
) -> None:
    with serve(city) as office:
        opened(screen, office.url)
        city.age_ms = 7_000
        screen.until(STALE)
        assert "数据停于" in screen.value(BIG)
        assert "服务器有应答" in screen.value("document.getElementById('stopped-why').textContent")
        city.age_ms = 0
        screen.until(LIVE)


def test_the_verdict_on_freshness(screen: Chromium, city: City, serve: Serve) -> None:
    cases = {
        "{mono: 4000, startedAt: 0, beatAt: null, nowMs: 0, projectedMs: 0}": "waiting",
        "{mono: 5001, startedAt: 0, beatAt: null, nowMs: 0, projectedMs: 0}": "never",
        "{mono: 9000, startedAt: 0, beatAt: 4000, nowMs: 100000, projectedMs: 100000}": "live",
        "{mono: 9001, startedAt: 0, beatAt: 4000, nowMs: 100000, projectedMs: 100000}": "lost",
        "{mono: 9000, startedAt: 0, beatAt: 9000, nowMs: 105000, projectedMs: 100000}": "live",
        "{mono: 9001, startedAt: 0, beatAt: 9000, nowMs: 105000, projectedMs: 100000}": "behind",
        "{mono: 9000, startedAt: 0, beatAt: 9000, nowMs: 105000, projectedMs: 0}": "never",
    }
    with serve(city) as office:
        opened(screen, office.url)
        module = "import('/static/office/stream.js')"
        for given, wanted in cases.items():
            verdict = screen.value(f"{module}.then(({{judge}}) => judge({given}))")
            assert wanted in (verdict["state"], verdict.get("why")), given


def test_the_hall_screen_shows_released_batches_and_nobody(
    screen: Chromium, city: City, serve: Serve
) -> None:
    with serve(city) as office:
        opened(screen, f"{office.url}/hall/h0-0/")
        hall = city.hall("h0-0", 0)
        screen.until(f"document.getElementById('n').textContent === '{hall['released']['n']}'")
        shown = screen.value("document.body.innerText")
        assert hall["name"] in shown
        assert "为保护每一位评价人" in shown
        assert not [name for name in NAMES if name in shown]
        assert screen.value(FITS) == [True, True]
        assert screen.value(CUT) == []
        assert screen.said == []


class Planted(City):
    """A roster, accounts and alarms written by somebody who hopes that a screen takes them for more than words."""

    MARK = '<img src=x class="planted"><b class=planted onclick=1>'

    def wall(self, now_ms: int) -> dict[str, Any]:
        return self._planted(super().wall(now_ms))

    def hall(self, hall: str, now_ms: int) -> dict[str, Any]:
        return self._planted(super().hall(hall, now_ms))

    def _planted(self, part: Any, key: str = "") -> Any:
        if isinstance(part, dict):
            return {name: self._planted(value, name) for name, value in part.items()}
        if isinstance(part, list):
            return [self._planted(value, key) for value in part]
        words = (
            isinstance(part, str)
            and part
            and key not in ("id", "kind", "county", "hall", "day", "known_role")
        )
        return f"{self.MARK}{part}" if words else part


def test_no_name_on_a_screen_is_more_than_words(screen: Chromium, serve: Serve) -> None:
    planted = Planted()
    planted.press(3)
    planted.alarms = [alarm("silent", planted.now_ms, "sim-1", county="c1", name="窗口", name_en="Window")]
    with serve(planted) as office:
        for path in ("/", "/hall/h1-0/"):
            opened(screen, office.url + path)
            screen.until(f"document.body.innerText.includes({Planted.MARK!r})")
            assert screen.value("document.querySelectorAll('.planted, img').length") == 0
            assert screen.said == []


def test_the_hall_screen_fits_in_english_too(screen: Chromium, city: City, serve: Serve) -> None:
    with serve(city) as office:
        opened(screen, f"{office.url}/hall/h0-1/?lang=en")
        screen.until("document.getElementById('asof').textContent")
        while not city.hall("h0-1", 0)["waiting_hint"]:
            city.press()
        screen.until("document.getElementById('hint').textContent")
        assert screen.value(CUT) == []


def test_a_hall_without_ratings_says_what_it_waits_for(screen: Chromium, serve: Serve) -> None:
    with serve(City(1, 1, busy=False)) as office:
        opened(screen, f"{office.url}/hall/h0-0/?lang=en")
        assert screen.until("document.getElementById('sum').innerText").startswith("Results appear here")


@pytest.mark.parametrize("size", [(1920, 1080), (3840, 2160), (1366, 768)])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_whole_province_of_halls_fits_by_turning_pages(
    screen: Chromium, serve: Serve, size: tuple[int, int], language: str
) -> None:
    city = City(17, 20)
    city.alarms = [
        {"kind": "x", "box": "b", "text_zh": "报警" * 40, "text_en": "alarm " * 40, "time_ms": 0}
    ] * 9
    city.silent = [f"box-{number}" for number in range(60)]
    with serve(city) as office:
        screen.size(*size)
        opened(screen, f"{office.url}/?lang={language}")
        screen.until("document.querySelectorAll('#places .body .row').length === 17")
        assert screen.value(FITS) == [True, True]
        assert screen.value(CUT) == []
        if size == (1920, 1080):  # a page takes 8 s to turn
            county = "document.querySelector('.county > span')"
            screen.until(f"document.getElementById('where').textContent === {county}?.textContent")
            assert screen.value(CUT) == [], "a page of halls"
        body = "document.querySelector('#places .body')"
        assert screen.value(f"{body}.scrollHeight <= {body}.clientHeight + 1")
        assert re.search(r"\b[12]\b.*\b18\b", screen.value("document.getElementById('dots').textContent"))
        screen.size(1920, 1080)


@pytest.mark.parametrize(("language", "said"), [("zh-hans", "另有 77 条"), ("en", "and 77 more")])
def test_more_alarms_than_a_picture_holds_are_counted(
    screen: Chromium, serve: Serve, language: str, said: str
) -> None:
    city = City(2, 2)
    city.alarms = [
        {"kind": "x", "box": f"b{n}", "text_zh": f"报警 {n}", "text_en": f"alarm {n}", "time_ms": 0}
        for n in range(80)
    ]
    with serve(city) as office:
        opened(screen, f"{office.url}/?lang={language}")
        screen.until(f"document.querySelector('#alarms .rest')?.textContent === '{said}'")
        assert screen.value("document.querySelector('#alarm-count b').textContent") == "80"
        told = screen.value("fetch('/api/wall').then((answer) => answer.json())")
        assert (len(told["alarms"]), told["alarms_more"]) == (50, 30)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_small_city_with_few_ratings_says_so_and_cuts_nothing(
    screen: Chromium, serve: Serve, language: str
) -> None:
    city = City(2, 2, busy=False)
    for level in (1, 1, 3, 2, 1, 1, 1):
        city.press(level)
    with serve(city) as office:
        opened(screen, f"{office.url}/?lang={language}")
        assert (
            len(
                screen.until(
                    "[...document.querySelectorAll('.rates .badge')].map((node) => node.textContent)"
                )
            )
            == 2
        )
        assert screen.value(CUT) == []
        names = "[...document.querySelectorAll('.places .row > :first-child')]"
        assert screen.value(f"{names}.filter((node) => node.scrollWidth > node.clientWidth)") == []


def test_pages_hold_every_county_and_hall_exactly_once(screen: Chromium, city: City, serve: Serve) -> None:
    with serve(city) as office:
        opened(screen, office.url)
        script = """import('/static/office/places.js').then(({paginate}) => {
          const halls = (n) => Array.from({length: n}, (_, at) => ({id: String(at)}));
          const city = Array.from({length: 17}, (_, at) => ({id: String(at), halls: halls(at * 3)}));
          return [4, 7, 21, 1000].map((room) => {
            const pages = paginate(city, room).map((page) => page.rows);
            const rows = pages.flat();
            return [Math.max(...pages.map((page) => page.length)) <= room,
              rows.filter((row) => row.kind === 'hall').length, new Set(rows.map((row) => row.key)).size];
          });
        })"""
        halls = sum(at * 3 for at in range(17))
        assert screen.value(script) == [[True, halls, halls + 17]] * 4


def test_a_perfect_rate_is_never_made_by_rounding(screen: Chromium, city: City, serve: Serve) -> None:
    with serve(city) as office:
        opened(screen, office.url)
        script = (
            "import('/static/office/draw.js').then(({percent}) => [1, 0.99996, 0.9994, 0.5].map(percent))"
        )
        assert screen.value(script) == ["100.0", "99.9", "99.9", "50.0"]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def colours(css: str, *names: str) -> list[str]:
    return [re.findall(rf"--{name}: (#[0-9a-f]{{6}})", css)[-1] for name in names]


def test_text_is_readable_on_its_ground() -> None:
    common = (STATIC / "common.css").read_text("utf-8")
    wall = (STATIC / "wall.css").read_text("utf-8")
    hall = (STATIC / "hall.css").read_text("utf-8")
    bright = "#13263a"  # the lightest ground of the wall: the upper edge of a panel
    for colour in colours(common + wall, "text", "dim", "accent", "s", "b", "d"):
        assert contrast(colour, bright) >= 4.5, colour
    for colour in [*colours(hall, "s", "b", "d"), "#6d5337", "#6d4a22", "#80552a"]:
        assert contrast(colour, "#fdeacb") >= 4.5, colour
    assert contrast("#ffffff", "#b3261e") >= 4.5


def test_a_bar_of_one_level_is_whole(screen: Chromium, city: City, serve: Serve) -> None:
    with serve(city) as office:
        screen.size(1920, 1080)
        opened(screen, office.url)
        screen.until("document.querySelectorAll('.places .bar').length > 3")
        odd = """[...document.querySelectorAll('.places .row:not(.head)')].filter((row) => {
          const parts = [...row.querySelectorAll('.bar i')].filter((node) => node.getClientRects().length);
          const levels = [2, 3, 4].filter((at) => row.children[at].textContent !== '0');
          const gaps = row.querySelector('.bar').clientWidth - parts.reduce((sum, node) => sum + node.clientWidth, 0);
          return parts.length !== levels.length || gaps > 2 * Math.max(0, levels.length - 1) + 2;
        }).map((row) => row.textContent)"""
        assert screen.value(odd) == []
