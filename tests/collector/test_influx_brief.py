"""Names cut for a line of the wall: never wider than told, never cut if they fit, and what tells them apart is kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from manyi.core.influx import brief, red
from manyi.core.ratings.rating import Rating
from manyi.core.roster.facts import Facts
from manyi.core.roster.model import Leader, Roster

from tests.collector.paper_ledger import LIFE, NOON

HALL = "鱼台县人力资源和社会保障服务中心第4办事大厅"
WINDOW = "3号窗口 城乡居民养老保险待遇核定"
# 13 of 24 columns of 1920 pixels in 18, without "25 分钟前" or "25 minutes ago".
LINE_EM = {"text_zh": 50.5, "text_en": 48}

names = some.text(some.characters(blacklist_categories=("Cs", "Cc")), max_size=60)


def test_a_hall_keeps_its_county_and_its_number_and_a_window_its_number() -> None:
    assert brief.ends(HALL, 12) == "鱼台县人力…第4办事大厅"
    assert brief.head(WINDOW, 11) == "3号窗口 城乡居民养…"
    assert brief.ends("Zoucheng City HRSS Centre, Hall 4", 11) == "Zoucheng…re, Hall 4"


def test_what_fits_is_as_it_was() -> None:
    for name in ("", "松河县人社服务大厅", "2号窗口 养老待遇"):
        assert brief.ends(name, 13) == brief.head(name, 13) == name


@given(names, some.floats(3, 40))
def test_none_is_wider_than_told(name: str, em: float) -> None:
    for cut in (brief.ends(name, em), brief.head(name, em)):
        assert brief.width(cut) <= em + 1e-9
        assert cut == name or brief.CUT in cut


def test_the_longest_names_of_a_red_fit_one_line_of_the_wall() -> None:
    offices = (
        {"id": "h", "tier": "hall", "parent": "", "zh": HALL * 2, "en": "Human Resources Hall, " * 9, "tel": "0537-6600301"},
        {"id": "w", "tier": "window", "parent": "h", "zh": WINDOW * 2, "en": "3 Pension entitlement " * 9, "tel": ""},
    )  # fmt: skip
    roster = Roster(Facts().after(Facts().differences(("office", one) for one in offices)))
    rating = Rating(
        "box", LIFE, 1, 1, 1, NOON, 1, 0, NOON, "clock", 3, 3, 1, 0, 0, 2, "", 0, 120, "", "", "h", "w", "",
    )  # fmt: skip
    for leader in (None, Leader("欧阳建国", "138-0000-0301")):
        said = red.fields(rating, roster, leader)
        for name, room in LINE_EM.items():
            line = said.split(f'{name}="')[1].split('"')[0]
            assert brief.width(line) <= room, line
            assert "0537-6600301" in line
