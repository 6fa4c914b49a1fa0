"""Who may open which table, and that nothing of another county, hall or person is in what they get."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any

import pytest
from manyi.office.tables.catalogue import TABLES

from tests.office.people import People
from tests.office.tables.book import Seen, count
from tests.office.tables.conftest import rows_below, sheet

MONTH = "period=month&on=2026-11-21"
# What names the other county (c2) and what is in no county.
OTHERS = ("c2", "h2-0", "w9", "b9", "s9", "乙大厅", "乙一号", "b7", "未分配")
OTHER_HALL = ("h1-1", "w3", "b3", "http://x.invalid/")
MAY = {
    "centre": set(TABLES),
    "county": set(TABLES) - {"ratings", "staff", "anew"},
    "hall_leader": {
        "halls",
        "windows",
        "days",
        "hours",
        "reds",
        "corrections",
        "visits",
        "business",
        "staff",
    },
    "staff": set(),
    "technician": {"boxes", "account"},
    "auditor": {"account"},
    "screen": set(),
    "administrator": set(),
    "security": set(),
}


def told(answer: Any) -> str:
    """Everything that is in an answer, a workbook's parts unpacked."""
    if not answer.headers["Content-Type"].startswith("application/vnd"):
        return str(answer.text)
    with zipfile.ZipFile(BytesIO(answer.content)) as parts:
        return "\n".join(parts.read(name).decode("utf-8", "replace") for name in parts.namelist())


def events(name: str) -> list[tuple[str, str]]:
    from auditlog.models import LogEntry  # noqa: PLC0415  needs configure()

    found = LogEntry.objects.order_by("id")
    return [
        (e.additional_data["by"], e.object_repr)
        for e in found
        if (e.additional_data or {}).get("event") == name
    ]


@pytest.mark.parametrize("role", list(MAY))
def test_a_role_opens_its_tables_and_no_other_and_takes_each_away(town: People, role: str) -> None:
    with town.browser(role) as browser:
        for name in TABLES:
            page = browser.get(f"/tables/{name}/?{MONTH}")
            assert page.status_code == (200 if name in MAY[role] else 403), name
            file = browser.get(f"/tables/{name}/file/?{MONTH}")
            assert file.status_code == page.status_code, name
            assert (f"/tables/{name}/file/" in page.text) == (name in MAY[role]), name
    assert {subject for by, subject in events("export") if by == role} == MAY[role]


def test_a_visitor_is_sent_to_the_login(town: People) -> None:
    with town.browser() as browser:
        for name in TABLES:
            for path in (f"/tables/{name}/", f"/tables/{name}/file/"):
                answer = browser.get(path)
                assert answer.status_code == 302
                assert answer.headers["Location"].startswith("/login/")
        for path in ("/me/ratings/", "/me/ratings/file/", "/tables/"):
            assert browser.get(path).status_code == 302


@pytest.mark.parametrize(("role", "others"), [("county", OTHERS), ("hall_leader", OTHERS + OTHER_HALL)])
def test_nothing_of_another_place_is_in_a_page_or_a_file(
    town: People, role: str, others: tuple[str, ...]
) -> None:
    with town.browser("centre") as browser:
        names = ("windows", "staff", "boxes")
        whole = "".join(told(browser.get(f"/tables/{name}/file/?{MONTH}")) for name in names)
        assert {"乙大厅", "乙一号", "未分配", "b9", "b7", "s9"} <= {each for each in OTHERS if each in whole}
    with town.browser(role) as browser:
        for name in sorted(MAY[role]):
            for path in (f"/tables/{name}/?{MONTH}", f"/tables/{name}/file/?{MONTH}"):
                answer = browser.get(path)
                assert answer.status_code == 200
                text = told(answer)
                found = [
                    other for other in others if f">{other}<" in text or (len(other) > 2 and other in text)
                ]
                assert found == [], (path, found)


@pytest.mark.parametrize(
    ("role", "query"),
    [
        ("county", "county=c2"),
        ("county", "county=-"),
        ("county", "hall=h2-0"),
        ("county", "county=c1&hall=h2-0"),
        ("county", "hall=nowhere"),
        ("hall_leader", "hall=h1-1"),
        ("hall_leader", "hall=h2-0"),
        ("hall_leader", "county=c1"),
        ("hall_leader", "county=-"),
    ],
)
def test_asking_for_another_place_is_refused_and_logged(town: People, role: str, query: str) -> None:
    with town.browser(role) as browser:
        for path in (f"/tables/windows/?{query}", f"/tables/windows/file/?{query}"):
            assert browser.get(path).status_code == 403
    assert [by for by, _subject in events("refused")] == [role, role]


def test_a_countys_figures_are_its_own_and_so_is_its_account(town: People, seen: list[Seen]) -> None:
    mine = [s for s in seen if s.county == "c1"]
    november = [s for s in mine if s.at.month == 11]
    with town.browser("county") as browser:
        cells = sheet(browser.get(f"/tables/halls/file/?{MONTH}").content)
    _heads, rows = rows_below(cells, "县区")
    assert rows[-1][3] == len(november)
    assert {row[1]: row[3] for row in rows[:-1]} == {
        "+cmd|' /C calc'!A0": count(november, lambda s: s.hall)["h1-0"]["n"],
        "\t=1": count(november, lambda s: s.hall)["h1-1"]["n"],
    }
    account = next(row for row in cells if row[0] == "对账")
    presses = sum(len(s.keys) for s in mine)
    assert [account[2], account[4], account[6], account[8]] == [presses, presses, 0, 0]


def test_a_county_whose_account_has_no_place_sees_nothing(town: People) -> None:
    user = town.user("county")
    user.county = ""
    user.save()
    with town.browser("county") as browser:
        for name in MAY["county"]:
            assert browser.get(f"/tables/{name}/?{MONTH}").status_code == 403


def test_names_of_staff_are_for_roles_that_may(town: People) -> None:
    with town.browser("centre") as browser:
        assert "HYPERLINK" in browser.get(f"/tables/staff/?{MONTH}").text
        assert "未签到" in browser.get(f"/tables/staff/?{MONTH}").text
    with town.browser("hall_leader") as browser:
        own = browser.get(f"/tables/staff/?{MONTH}").text
        assert "HYPERLINK" in own
        assert ">s9<" not in own  # bare, it may be in a random token
    assert events("person_viewed") == [("centre", "staff"), ("centre", "staff"), ("hall_leader", "staff")]


def test_fewer_than_five_ratings_of_a_person_tell_no_level(town: People, seen: list[Seen]) -> None:
    day = next(
        d for d in sorted({s.at.date() for s in seen})
        if 0 < sum(s.staff == "s9" and s.at.date() == d for s in seen) < 5
    )  # fmt: skip
    with town.browser("centre") as browser:
        cells = sheet(browser.get(f"/tables/staff/file/?on={day}").content)
    *rows, total = rows_below(cells, "工作人员")[1]
    row = next(row for row in rows if row[1] == "s9")
    assert row[2] == sum(s.staff == "s9" and s.at.date() == day for s in seen)
    assert [cell for cell in row[3:] if cell != ""] == ["不足 5 条，不列"]
    shown = [row for row in rows if "不足 5 条，不列" not in row]
    assert total[0] == "合计"
    for at in range(2, 6):  # or the total less the others would tell them
        assert total[at] == sum(row[at] for row in shown), rows_below(cells, "工作人员")[0][at]


def test_every_export_is_logged_with_what_was_taken(town: People) -> None:
    with town.browser("county") as browser:
        browser.get(f"/tables/windows/file/?{MONTH}&hall=h1-0")
        browser.get(f"/tables/windows/?{MONTH}")
    assert events("export") == [("county", "windows")]
    from auditlog.models import LogEntry  # noqa: PLC0415

    detail = next(
        e.additional_data
        for e in LogEntry.objects.all()
        if (e.additional_data or {}).get("event") == "export"
    )
    assert (detail["county"], detail["hall"], detail["on"]) == ("c1", "h1-0", "2026-11-01")


def test_a_workbook_names_who_took_it(town: People) -> None:
    with town.browser("county") as browser:
        cells = sheet(browser.get("/tables/days/file/").content)
    assert next(row for row in cells if row[0] == "导出")[3] == "County (county)"


def test_answers_behind_a_login_stay_in_no_cache(town: People) -> None:
    with town.browser("centre") as browser:
        for path in ("/tables/days/", "/tables/days/file/"):
            assert browser.get(path).headers["Cache-Control"] == "no-store"
