"""A place by the name that tells where to go: halls of one name are told apart, and no name is said twice."""

import json

import pytest
from manyi.core.alarms.kinds import TEXTS, of_box
from manyi.core.ledger.reader import Row
from manyi.core.roster.model import Roster
from manyi.core.roster.names import MISSING, named, standing

from tests.collector.paper_ledger import NOON, placed


def unit(tier: str, id: str, parent: str = "", zh: str = "", en: str = "") -> tuple[str, dict[str, object]]:
    return "office", {"id": id, "tier": tier, "parent": parent, "zh": zh, "en": en, "tel": ""}


CITY = (
    unit("county", "sh", zh="松河县", en="Songhe County"), unit("county", "np", zh="南屏区", en="Nanping District"),
    unit("township", "ll", "sh", "柳林镇", "Liulin"),
    unit("hall", "sh-1", "sh", "政务服务中心", "Service Centre"), unit("hall", "np-1", "np", "政务服务中心", "Service Centre"),
    unit("hall", "sh-2", "sh", "松河人社服务大厅", "Songhe HRSS Hall"), unit("hall", "ll-1", "ll", "柳林镇人社所", ""),
    unit("hall", "lost", "", "流动服务车", "Service Bus"),
    unit("window", "w1", "sh-1", "2号窗口", "Window 2"), unit("window", "w2", "sh-2", "2号窗口", "Window 2"),
    unit("window", "w3", "lost", "车窗", "Hatch"),
    placed("box-1", "w1"),
)  # fmt: skip


@pytest.fixture(scope="module")
def roster() -> Roster:
    rows = (
        Row(n, NOON, kind, "", "", 0, 0, json.dumps(body).encode()) for n, (kind, body) in enumerate(CITY, 1)
    )
    return Roster.from_facts(rows)


@pytest.mark.parametrize(
    ("id", "zh", "en"),
    [
        ("sh", "松河县", "Songhe County"),
        ("ll", "松河县柳林镇", "Songhe, Liulin"),
        ("sh-1", "松河县政务服务中心", "Songhe, Service Centre"),
        ("np-1", "南屏区政务服务中心", "Nanping, Service Centre"),
        ("sh-2", "松河人社服务大厅", "Songhe HRSS Hall"),
        ("ll-1", "松河县柳林镇人社所", "Songhe, 柳林镇人社所"),
        ("w1", "松河县政务服务中心2号窗口", "Songhe, Service Centre Window 2"),
        ("w2", "松河人社服务大厅2号窗口", "Songhe HRSS Hall Window 2"),
        ("w3", "流动服务车车窗", "Service Bus Hatch"),
        ("x9", "x9", "x9"),
        ("", *MISSING),
    ],
)
def test_a_place_has_its_county_unless_its_name_says_it(roster: Roster, id: str, zh: str, en: str) -> None:
    assert named(roster, id) == (zh, en)


def test_a_box_is_where_it_hangs_and_one_in_store_nowhere(roster: Roster) -> None:
    assert standing(roster, "box-1", NOON)[0] == "松河县政务服务中心2号窗口"
    assert standing(roster, "box-2", NOON) == MISSING


@pytest.mark.parametrize("kind", sorted(kind for kind, (zh, _) in TEXTS.items() if "{box}" in zh))
def test_every_alarm_about_a_box_says_where_it_hangs(roster: Roster, kind: str) -> None:
    more = {"keys": "满意", "keys_en": "green", "lost": [1, 0, 0], "badge": "04a1", "expected": 3, "days": 30}
    one = of_box(kind, NOON, "box-1", roster, NOON, **({} if kind == "loss" else {"n": 1}), **more)
    assert "box-1（松河县政务服务中心2号窗口）" in one["text_zh"]
    assert "ox box-1 (Songhe, Service Centre Window 2)" in one["text_en"]
    assert one["county"] == "sh"
