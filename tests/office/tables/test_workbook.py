"""Workbooks as a spreadsheet reads them: every figure against the list of visits, typed cells, nothing that runs."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime, timedelta
from io import BytesIO
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from manyi.core.account import Line
from manyi.core.duty.intake import Intake
from manyi.core.ledger import schema
from manyi.core.ratings.store import Ratings
from manyi.core.told.sources import Source
from manyi.office.tables.catalogue import TABLES
from manyi.office.tables.model import Column, Kind, Table
from manyi.office.tables.workbook import Stamp, workbook

from tests.office.tables.book import BEIJING, HOUR, NOW, WHERE, Seen, count
from tests.office.tables.conftest import Sheet, rows_below, sheet

Ask = Callable[..., Any]
MONTH = "period=month&on=2026-11-21"
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
FIGURES = 16  # columns: n, 3 levels, 2 rates of 3, sample, 3 first presses, corrected, presses


def cells(ask: Ask, table: str, query: str = MONTH) -> Sheet:
    answer = ask(f"/tables/{table}/file/?{query}")
    assert answer.status_code == 200, answer.content[:300]
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    return sheet(answer.content)


def within(seen: list[Seen], first: date = FIRST, last: date = LAST) -> list[Seen]:
    return [s for s in seen if first <= s.at.date() <= last]


def wilson(k: int, n: int) -> list[float]:
    z = 1.959963984540054
    p, q = k / n, z * z / n
    middle, half = (p + q / 2) / (1 + q), z * sqrt(p * (1 - p) / n + q / n / 4) / (1 + q)
    return [p, max(0.0, middle - half), min(1.0, middle + half)]


def figures(own: dict[str, int] | None) -> list[Any]:
    """What a row of figures must hold."""
    if own is None:
        return [0, 0, 0, 0, *[""] * 7, 0, 0, 0, 0, 0]
    n = own["n"]
    return [
        n, own["s"], own["b"], own["d"], *wilson(own["s"], n), *wilson(own["s"] + own["b"], n),
        "样本不足" if n < 59 else "", own["fs"], own["fb"], own["fd"], own["corrected"], own["presses"],
    ]  # fmt: skip


def same(row: list[Any], wanted: list[Any]) -> bool:
    return len(row) == len(wanted) and all(
        cell == pytest.approx(want) if isinstance(want, float) else cell == want
        for cell, want in zip(row, wanted, strict=True)
    )


def moment(cell: date) -> datetime:
    """calamine gives midnight as a date."""
    return cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)


@pytest.mark.parametrize(
    "query", [MONTH, "period=week&on=2026-11-18", "period=quarter&on=2026-11-01", "on=2026-11-18"]
)
def test_counties_are_what_was_seen(ask: Ask, seen: list[Seen], query: str) -> None:
    first, last = {
        MONTH: (FIRST, LAST),
        "period=week&on=2026-11-18": (date(2026, 11, 16), date(2026, 11, 22)),
        "period=quarter&on=2026-11-01": (date(2026, 10, 1), date(2026, 12, 31)),
        "on=2026-11-18": (date(2026, 11, 18), date(2026, 11, 18)),
    }[query]
    mine = within(seen, first, last)
    wanted = count(mine, lambda s: s.county)
    _heads, rows = rows_below(cells(ask, "counties", query), "县区")
    assert [row[0] for row in rows] == ["=1+1", "c2县", "未分配", "合计"]
    for row, county in zip(rows, ["c1", "c2", ""], strict=False):
        assert same(row[2 : 2 + FIGURES], figures(wanted.get(county))), (county, row)
    assert same(rows[-1][2 : 2 + FIGURES], figures(count(mine, lambda _s: 0)[0]))


@pytest.mark.parametrize(
    ("table", "head", "width", "key"),
    [
        ("halls", "县区", 3, lambda s: s.hall),
        ("windows", "县区", 3, lambda s: s.window),
        ("staff", "工作人员", 2, lambda s: s.staff),
    ],
)
def test_every_division_is_what_was_seen(
    ask: Ask, seen: list[Seen], table: str, head: str, width: int, key: Callable[[Seen], str]
) -> None:
    mine = within(seen)
    found = rows_below(cells(ask, table), head)[1]
    got = [row[width : width + FIGURES] for row in found[:-1]]
    for unit, own in count(mine, key).items():
        assert any(same(row, figures(own)) for row in got), (unit, own)
    assert same(found[-1][width : width + FIGURES], figures(count(mine, lambda _s: 0)[0]))
    assert sum(row[0] for row in got) == len(mine)


def test_days_are_days_of_beijing_with_real_dates(ask: Ask, seen: list[Seen]) -> None:
    wanted = count(within(seen), lambda s: s.at.date())
    _heads, rows = rows_below(cells(ask, "days"), "日")
    for row in rows[:-1]:
        assert isinstance(row[0], date)
        assert same(row[3 : 3 + FIGURES], figures(wanted.pop(row[0], None))), row
    assert wanted == {}


def test_a_swapped_saturday_and_a_holiday_are_called_so(ask: Ask) -> None:
    _heads, rows = rows_below(cells(ask, "days", "period=span&from=2026-09-25&to=2026-10-11"), "日")
    kinds = {row[0]: row[2] for row in rows[:-1]}
    assert kinds[date(2026, 10, 10)] == "调休上班"
    assert kinds[date(2026, 10, 1)] == "休息日"
    assert kinds[date(2026, 10, 9)] == "工作日"


def test_hours_by_weekday_add_up(ask: Ask, seen: list[Seen]) -> None:
    mine = within(seen)
    heads, rows = rows_below(cells(ask, "hours"), "时段")
    assert heads[1:9] == [
        f"评价\n{d}" for d in ("周一", "周二", "周三", "周四", "周五", "周六", "周日", "合计")
    ]
    wanted = count(mine, lambda s: (s.at.hour, s.at.isoweekday()))
    for hour, row in enumerate(rows[:-1]):
        for weekday in range(1, 8):
            own = wanted.get((hour, weekday), {"n": 0, "d": 0})
            assert (row[weekday], row[8 + weekday]) == (own["n"], own["d"]), (hour, weekday)
    assert rows[-1][8] == len(mine)


def test_corrections_by_window(ask: Ask, seen: list[Seen]) -> None:
    wanted = count(within(seen), lambda s: s.window)
    _heads, rows = rows_below(cells(ask, "corrections"), "县区")
    names = {"w1": "-2+3", "w2": "@SUM(1,2)", "w3": "http://x.invalid/", "w9": "乙一号", "": "未分配"}
    for window, own in wanted.items():
        row = next(row for row in rows if row[2] == names[window])
        assert row[3:7] == [own["n"], own["fd"], own["d"], own["corrected"]]
        assert row[7] == pytest.approx(own["corrected"] / own["fd"])
    assert [row[6] for row in rows[:-1]] == sorted((row[6] for row in rows[:-1]), reverse=True)
    assert rows[-1][6] == sum(own["corrected"] for own in wanted.values()) > 0


def test_lists_hold_every_rating_with_its_moment(ask: Ask, seen: list[Seen]) -> None:
    mine = sorted(within(seen), key=lambda s: -s.time_ms)
    _heads, rows = rows_below(cells(ask, "ratings"), "时间")
    assert len(rows) == len(mine) > 100, "a workbook has no pages"
    words = ("", "满意", "基本满意", "不满意")
    for row, s in zip(rows, mine, strict=True):
        assert moment(row[0]) == s.at.replace(tzinfo=None)
        assert (row[4], row[5], row[6]) == (words[s.keys[-1]], words[s.keys[0]], len(s.keys))
    _heads, reds = rows_below(cells(ask, "reds"), "时间")
    bad = [s for s in mine if s.keys[-1] == 3]
    assert [moment(row[0]) for row in reds] == [s.at.replace(tzinfo=None) for s in bad]
    called = {row[3]: row[8] for row in reds}
    assert called["-2+3"] == "=cmd", "the leader on duty, as a text"


def test_reds_name_the_leader_that_a_system_told_of_their_time(folder: Path, ask: Ask) -> None:
    leader = {"name": "王敏", "telephone": "0537-6600102", "from_ms": NOW - HOUR}
    system = Source("hr_city", "0" * 64, tells=frozenset({"leaders"}))
    with closing(Intake(folder)) as intake:
        assert (
            intake.take(system, json.dumps({"id": "L1", "hall": "h1-0", **leader}).encode(), NOW).taken == 1
        )
    with (
        closing(schema.open_for_reading(folder / "ledger.db")) as ledger,
        closing(Ratings(folder / "ratings.db", ledger)) as ratings,
    ):
        ratings.drain()
    _heads, reds = rows_below(cells(ask, "reds"), "时间")
    told = [row[8:10] for row in reds if row[3] == "-2+3"]
    assert told[0] == ["王敏", "0537-6600102"], "the newest is of that hour"
    assert {tuple(each) for each in told[1:]} == {("=cmd", "+8613800000000")}


def test_the_sheet_says_what_it_is(ask: Ask, seen: list[Seen]) -> None:
    found = cells(ask, "counties", f"{MONTH}&county=c2")
    above = {row[0]: row[1:] for row in found[:8] if row[0]}
    assert found[0][0] == "县区"
    assert above["范围"][0] == "c2县"
    assert [above["期间"][0], above["期间"][2]] == [FIRST, LAST]
    assert above["口径"][:4] == ["一次评价时长（毫秒）", 5000, "每批公布至少（条）", 5]
    presses = sum(len(s.keys) for s in seen if s.county == "c2")
    told = above["对账"]
    assert [told[1], told[3], told[5], told[7]] == [presses + 2, presses, 2, 0]
    assert told[1] == told[3] + told[5] + told[7]
    assert told[10] == "相符"
    assert isinstance(above["导出"][0], datetime)
    assert abs(above["导出"][0] - datetime.now(BEIJING).replace(tzinfo=None)) < timedelta(minutes=10)
    assert above["导出"][2] == "本机免登录"


@pytest.mark.parametrize("table", TABLES)
def test_every_sheet_says_its_place_period_rules_account_and_taker(
    ask: Ask, seen: list[Seen], table: str
) -> None:
    above = {row[0]: row[1:] for row in cells(ask, table)[:8] if row[0]}
    assert set(above) >= {"范围", "期间", "口径", "对账", "导出"}, table
    assert above["范围"][0] == "全市"
    period = ["截至导出时，自启用起累计", ""] if table in ("account", "boxes") else [FIRST, LAST]
    assert [above["期间"][0], above["期间"][2]] == period
    assert 5 in above["口径"], "ratings in a released batch"
    told = above["对账"]
    presses = sum(len(s.keys) for s in seen)
    assert [told[1], told[3], told[5], told[7]] == [presses + 2, presses, 2, 0]
    assert told[10] == "相符"
    assert above["导出"][2] == "本机免登录"


def test_account_and_boxes_are_the_ledgers(ask: Ask, seen: list[Seen]) -> None:
    _heads, rows = rows_below(cells(ask, "account"), "评价器")
    presses = {box: sum(len(s.keys) for s in seen if s.box == box) for box in WHERE}
    for box, own in presses.items():
        row = next(row for row in rows if row[0] == box)
        assert row[4:10] == [own + 2 * (box == "b9"), own, 0, 2 * (box == "b9"), 0, 0]
    assert rows[-1][5] == sum(presses.values())
    _heads, boxes = rows_below(cells(ask, "boxes"), "评价器")
    assert {row[0] for row in boxes} == set(WHERE)
    assert all(isinstance(row[5], datetime) for row in boxes)


def test_no_cell_is_a_formula_or_a_link(ask: Ask) -> None:
    for table in (
        "counties",
        "halls",
        "windows",
        "corrections",
        "staff",
        "reds",
        "ratings",
        "boxes",
        "account",
    ):
        answer = ask(f"/tables/{table}/file/?{MONTH}")
        with zipfile.ZipFile(BytesIO(answer.content)) as parts:
            for part in parts.namelist():
                text = parts.read(part).decode("utf-8", "replace")
                assert not re.search(r"<f[ >]|<hyperlink|externalLink|<ddeLink", text), (table, part)
    found = {str(cell) for row in cells(ask, "windows") for cell in row}
    assert {"=1+1", "-2+3", "@SUM(1,2)", "http://x.invalid/", "+cmd|' /C calc'!A0"} <= found
    assert '=HYPERLINK("http://x.invalid","赵")' in {str(row[0]) for row in cells(ask, "staff")}


def test_a_text_that_a_sheet_cannot_hold_breaks_no_sheet() -> None:
    columns = [Column("名", Kind.text), Column("二", Kind.text), Column("三", Kind.text)]
    names = ["\x00\x01乙", "]]><x>", "\ud800丙", "x" * 40_000, "_x000D_", "0123"]
    table = Table(columns, [[each, each, each] for each in names])
    account = Line("", 1, 1, 0, 0, 0, 0, 0, 1, True)
    stamp = Stamp("[表]:*?/\\" + "长" * 60, "\x02", ("\x02",), [("=1",)], account, NOW, "=who")
    _heads, rows = rows_below(sheet(workbook(table, stamp)), "名")
    assert [row[0] for row in rows] == ["乙", "]]><x>", "丙", "x" * 32_767, "_x000D_", "0123"]


def test_the_english_workbook_is_english(ask: Ask) -> None:
    _heads, rows = rows_below(cells(ask, "counties", f"{MONTH}&lang=en"), "County")
    assert rows[-1][0] == "Total"
    assert rows[0][0] == "C1"


def test_periods_that_cannot_be_and_methods_that_change(ask: Ask) -> None:
    for query in ("period=year", "on=2026-02-30", "period=span&from=2025-01-01&to=2026-11-21"):
        for path in ("/tables/days/", "/tables/days/file/"):
            answer = ask(f"{path}?{query}")
            assert answer.status_code == 400
            assert "text/html" in answer.headers["Content-Type"]
    assert ask("/tables/days/", "post").status_code == 405
    assert ask("/tables/nothing/").status_code == 404


def test_stores_that_are_away_are_said(ask: Ask, folder: Any) -> None:
    (folder / "ratings.db").unlink()
    answer = ask("/tables/days/")
    assert answer.status_code == 503
    assert "暂时无法读取数据" in answer.content.decode()
    assert str(folder) not in answer.content.decode()
