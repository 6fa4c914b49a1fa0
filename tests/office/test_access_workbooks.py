"""The officers' workbooks say above their rows what they are: of when, by which rules, by whom; and that no press is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from manyi.office.access.fold import BURST

from tests.office.city import City
from tests.office.people import HTTP, People, log_in, people
from tests.office.tables.conftest import Sheet, rows_below, sheet


def above(client: httpx.Client, address: str) -> tuple[str, dict[str, list[Any]], Sheet]:
    """(title, the lines of the head by their first cell, the rules' lines) of a workbook."""
    answer = client.get(address)
    assert answer.status_code == 200
    head = sheet(answer.content)
    head = head[: next(at for at, row in enumerate(head) if not any(cell != "" for cell in row))]
    first = next(at for at, row in enumerate(head) if row[0] == "口径")
    rules = [row[1:] for row in head[first:] if row[0] in ("口径", "")]
    return head[0][0], {row[0]: row[1:] for row in head if row[0]}, rules


@pytest.mark.parametrize(
    ("role", "address", "title"),
    [
        ("auditor", "/audit/file/?from=2026-01-05&to=2026-02-07&event=login", "审计日志"),
        ("administrator", "/accounts/file/", "账号管理"),
        ("security", "/roles/file/", "角色与解锁"),
    ],
)
def test_officers_workbooks_say_period_rules_account_and_taker(
    town: People, role: str, address: str, title: str
) -> None:
    with town.browser(role) as client:
        said, head, _rules = above(client, address)
    assert said == title
    assert list(head) == [title, "范围", "期间", "口径", "对账", "导出"]
    assert head["范围"][0] == "全市"
    assert "不对账" in head["对账"][0]
    assert isinstance(head["导出"][0], datetime)
    assert head["导出"][2] == f"{role.title()} ({role})"
    period = [date(2026, 1, 5), "至", date(2026, 2, 7)] if role == "auditor" else ["截至导出时", "", ""]
    assert head["期间"][:3] == period


def test_the_rules_above_the_officers_workbooks_are_those_in_force(
    accounts_template: Path, tmp_path: Path, city: City
) -> None:
    strict = replace(
        HTTP, idle_minutes=7, session_hours=3, keep_days=400, second_factor=("county", "auditor")
    )
    with people(accounts_template, tmp_path / "d", city, access=strict) as town:
        with town.browser("auditor") as client:
            _title, _head, rules = above(client, "/audit/file/?event=login_failed&text=zhang")
            assert rules[0][:5] == ["筛选", "事件", "登录失败", "账号、对象或来源地址", "zhang"]
            assert rules[1][:2] == ["记录保存（天）", 400]
            assert f"前 {BURST} 条" in rules[2][0]
            whole = above(client, "/audit/file/")
            assert whole[2][0][:2] == ["筛选", "无，期间内的全部记录"]
            assert whole[1]["期间"][0] == whole[2][1][3], "from the oldest entry"
        with town.browser("administrator") as client:
            assert above(client, "/accounts/file/")[2][1][1:4:2] == [7, 3]
        with town.browser("security") as client:
            assert above(client, "/roles/file/")[2][1][:3] == ["须二次验证的角色", "县区", "审计员"]


def test_an_audit_workbook_that_is_not_all_says_so(town: People, monkeypatch: pytest.MonkeyPatch) -> None:
    from manyi.office.access import audit, log  # noqa: PLC0415

    for at in range(4):
        audit.record(None, audit.Event.refused, subject=f"x{at}")
    with town.browser("auditor") as client:
        for rows, said in ((4, "筛选"), (3, "不是全部：只有最新的 3 条，请缩短期间")):
            monkeypatch.setattr(log, "FILE_ROWS", rows)
            file = client.get("/audit/file/?event=refused").content
            _heads, found = rows_below(sheet(file), "时间")
            assert [row[3] for row in found] == ["x3", "x2", "x1", "x0"][:rows]
            assert above(client, "/audit/file/?event=refused")[2][0][0] == said


def test_the_roles_workbook_holds_what_the_page_shows(town: People) -> None:
    with town.browser() as client:
        log_in(client, "staff", "wrong")
    with town.browser("security") as client:
        _heads, found = rows_below(sheet(client.get("/roles/file/").content), "账号")
    states = {row[0]: row[7] for row in found}
    assert (states["staff"], states["county"]) == ("口令输错", "")
