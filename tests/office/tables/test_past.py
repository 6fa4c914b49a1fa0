"""Tables as known on an earlier day: a late correction of the roster changes today's, and neither that day's nor its trail."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from manyi.core import root as roots
from manyi.core.ledger import facts, schema
from manyi.core.projector import Figures

from tests.collector.paper_ledger import on_duty
from tests.collector.test_projector import config
from tests.office.people import People
from tests.office.tables.book import DAY, MIDNIGHT, NOW, Seen, count
from tests.office.tables.conftest import rows_below, sheet

Ask = Callable[..., Any]
MONTH = "period=month&on=2026-11-01"
FRIDAY = "known=2026-11-20"


@pytest.fixture
def corrected(folder: Path) -> int:
    """From 1 November on it was s3 who sat at w1, and not s1; told on Saturday. The ledger's row of it."""
    with closing(schema.open_for_writing(folder / "ledger.db")) as ledger:
        facts.append_facts(ledger, NOW + 1, [on_duty("w1", "s3", MIDNIGHT - 20 * DAY)])
        row = int(ledger.execute("SELECT max(id) FROM row").fetchone()[0])
    figures = Figures(config(folder), lambda: NOW + 1)
    while figures.step():
        pass
    figures.close()
    return row


def per_staff(ask: Ask, query: str) -> dict[str, int]:
    heads, rows = rows_below(sheet(ask(f"/tables/staff/file/?{query}").content), "工作人员")
    return {row[1]: row[heads.index("评价")] for row in rows if row[0] != "合计"}


def until(seen: list[Seen], last: date, begin: date = date(2026, 11, 1)) -> list[Seen]:
    return [s for s in seen if begin <= s.at.date() <= last]


@pytest.mark.usefixtures("corrected")
def test_fridays_figures_come_back_and_todays_are_the_corrected_ones(ask: Ask, seen: list[Seen]) -> None:
    then = count(until(seen, date(2026, 11, 20)), lambda s: s.staff)
    assert per_staff(ask, f"{MONTH}&{FRIDAY}") == {who: own["n"] for who, own in then.items()}
    now = count(until(seen, date(2026, 11, 30)), lambda s: "s3" if s.staff == "s1" else s.staff)
    assert per_staff(ask, MONTH) == {who: own["n"] for who, own in now.items()}


@pytest.mark.usefixtures("corrected")
@pytest.mark.parametrize(
    "table", ["counties", "halls", "windows", "days", "hours", "reds", "corrections", "ratings"]
)
def test_every_table_of_ratings_knows_its_day_and_says_so(ask: Ask, folder: Path, table: str) -> None:
    with closing(schema.open_for_reading(folder / "ledger.db")) as ledger:
        root = roots.of_day(ledger, date(2026, 11, 10), NOW)
    answer = ask(f"/tables/{table}/file/?{MONTH}&known=2026-11-10")
    assert "known-2026-11-10.xlsx" in answer.headers["Content-Disposition"]
    notes = [str(row[0]) for row in sheet(answer.content)]
    said = f"按 2026-11-10 日终所知：台账到第 {root.last} 行，由当日封印 {root.after.hex()[:16]}… 封存。"
    assert said in notes
    assert said in ask(f"/tables/{table}/?{MONTH}&known=2026-11-10").content.decode()
    assert said not in ask(f"/tables/{table}/?{MONTH}").content.decode()


def test_a_month_that_was_not_over_ends_on_the_day_that_is_asked_for(ask: Ask, seen: list[Seen]) -> None:
    heads, rows = rows_below(sheet(ask(f"/tables/days/file/?{MONTH}&known=2026-11-10").content), "日")
    own = count(until(seen, date(2026, 11, 10)), lambda s: s.at.date())
    told = {str(row[0])[:10]: row[heads.index("评价")] for row in rows if row[0] != "合计"}
    assert {day: n for day, n in told.items() if n} == {str(day): own[day]["n"] for day in own}


def test_the_trail_names_both_and_the_row(ask: Ask, seen: list[Seen], corrected: int) -> None:
    heads, rows = rows_below(sheet(ask(f"/tables/anew/file/?{MONTH}").content), "记入时间")
    moved = [s for s in until(seen, date(2026, 11, 30)) if s.box == "b1"]
    assert len(rows) == len(moved)
    at = [n for n, head in enumerate(heads) if head.endswith("工作人员")]
    assert {row[at[1]] for row in rows} == {"s3"}
    assert {row[heads.index("台账行")] for row in rows} == {corrected}
    assert "改归属留痕" in ask(f"/tables/anew/?{MONTH}").content.decode()


@pytest.mark.usefixtures("corrected")
def test_only_who_sees_the_whole_city_steps_back(town: People) -> None:
    with town.browser("county") as client:
        page = client.get(f"/tables/windows/?{MONTH}&{FRIDAY}").text
        assert "日终所知" not in page
        assert client.get(f"/tables/anew/?{MONTH}").status_code == 403
    with town.browser("centre") as client:
        page = client.get(f"/tables/windows/?{MONTH}&{FRIDAY}").text
        assert 'name="known" value="2026-11-20"' in page
        assert "日终所知 2026-11-20" in page


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "0001-01-01"])
def test_a_day_that_is_none_is_said(ask: Ask, day: str) -> None:
    assert ask(f"/tables/days/?{MONTH}&known={day}").status_code == 400


def test_figures_that_lag_behind_that_day_are_not_told_as_its(ask: Ask, folder: Path) -> None:
    with closing(schema.open_for_writing(folder / "ledger.db")) as ledger:
        facts.append_facts(ledger, NOW - DAY, [on_duty("w1", "s3", MIDNIGHT)])
    answer = ask(f"/tables/days/?{MONTH}&known=2026-11-21")
    assert (answer.status_code, "评价库正在由台账生成" in answer.content.decode()) == (503, True)
