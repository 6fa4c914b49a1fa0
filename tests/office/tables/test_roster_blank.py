"""The empty roster workbook, as a county's clerk takes it from the web app and the server's check reads it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from manyi.core.roster import check

from tests.office.people import People, events


@pytest.mark.parametrize(("language", "name"), [("zh-hans", "名册模板.xlsx"), ("en", "Roster template.xlsx")])
def test_what_is_downloaded_is_a_workbook_that_can_be_imported(
    town: People, tmp_path: Path, language: str, name: str
) -> None:
    with town.browser("county") as browser:
        browser.cookies.set("django_language", language)
        answer = browser.get("/roster/template/")
        assert answer.status_code == 200
        assert unquote(answer.headers["Content-Disposition"]).endswith(name)
        assert browser.post("/roster/template/").status_code in (403, 405)
    file = tmp_path / "roster.xlsx"
    file.write_bytes(answer.content)
    report = check(file)
    assert report.ok, report.problems
    assert report.facts
    assert ("export", "roster-template") in events()


def test_the_menu_leads_there(town: People) -> None:
    for role, is_offered in (("centre", True), ("county", True), ("hall_leader", True), ("auditor", False)):
        with town.browser(role) as browser:
            assert ("/roster/template/" in browser.get("/me/").text) == is_offered, role
