"""Business types: from a sheet into the roster, every error by row and column, and the names by which visits are told."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from manyi.core.roster.check import check
from manyi.core.roster.imports import import_, preview
from manyi.core.roster.model import Roster
from manyi.core.roster.rows import fact_rows
from manyi.core.told.sources import Source
from manyi.core.visits.intake import Intake
from manyi.core.visits.report import said

from tests.collector.paper_ledger import NOON, TOWN, PaperLedger

HEADER = "代码,名称,英文名,适用机构\n"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[PaperLedger]:
    ledger = PaperLedger(tmp_path)
    ledger.fact(*TOWN, at_ms=1)
    yield ledger
    ledger.close()


def sheet(folder: Path, rows: str, name: str = "业务类型.csv") -> Path:
    path = folder / name
    path.write_text(HEADER + rows, encoding="utf-8")
    return path


def roster(town: PaperLedger) -> Roster:
    return Roster.from_facts(fact_rows(town.conn))


def test_sheet_is_imported_and_again_changes_nothing(town: PaperLedger, tmp_path: Path) -> None:
    path = sheet(tmp_path, "101,社保登记,Registration,\n102,失业金,,c1\n0103,认定,,h1\n")
    shown = preview(path, town.conn, None).text("zh")
    assert "新增 业务类型 101：名称 社保登记，英文名 Registration" in shown
    assert len(import_(path, town.conn, NOON).changes) == 3
    assert import_(path, town.conn, NOON).changes == ()
    assert {b.code: (b.zh, b.en, b.unit) for b in roster(town).business.values()} == {
        101: ("社保登记", "Registration", ""), 102: ("失业金", "", "c1"), 103: ("认定", "", "h1"),
    }  # fmt: skip


def test_type_that_a_file_does_not_mention_stays_and_a_new_name_replaces_the_old(
    town: PaperLedger, tmp_path: Path
) -> None:
    import_(sheet(tmp_path, "101,社保登记,,\n102,失业金,,\n"), town.conn, NOON)
    path = sheet(tmp_path, "101,参保登记,,\n")
    assert "更改 业务类型 101：名称 社保登记 → 参保登记" in preview(path, town.conn, None).text("zh")
    import_(path, town.conn, NOON + 1)
    assert {b.code: b.zh for b in roster(town).business.values()} == {101: "参保登记", 102: "失业金"}


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ("0,甲,,\n", (2, "代码", "1 to 65535")),
        ("65536,甲,,\n", (2, "代码", "1 to 65535")),
        ("A1,甲,,\n", (2, "代码", "1 to 65535")),
        ("１０１,甲,,\n101,乙,,\n", (3, "代码", "used twice")),
        ("1,,,\n", (2, "名称", "must not be empty")),
        ("1,甲,,\n2,甲,,\n", (3, "名称", "the same name")),
        ("1,甲,A,h1\n2,乙,A,h1\n", (3, "英文名", "the same name")),
        ("1,甲,,w1\n", (2, "适用机构", "no county or hall w1")),
        ("1,甲,,nowhere\n", (2, "适用机构", "no county or hall nowhere")),
    ],
)
def test_error_is_named_by_row_and_column(
    town: PaperLedger, tmp_path: Path, rows: str, where: tuple[int, str, str]
) -> None:
    report = check(sheet(tmp_path, rows), roster(town))
    (problem,) = report.problems
    assert (problem.row, problem.column) == where[:2]
    assert where[2] in problem.en
    assert report.facts == ()


def test_name_that_another_code_has_in_the_ledger_is_an_error_unless_that_one_is_renamed(
    town: PaperLedger, tmp_path: Path
) -> None:
    import_(sheet(tmp_path, "1,登记,Reg,\n"), town.conn, NOON)
    (problem,) = check(sheet(tmp_path, "2,登记,,\n"), roster(town)).problems
    assert (problem.row, problem.column, problem.en) == (2, "名称", "code 1 has this name already")
    assert check(sheet(tmp_path, "2,登记,,h1\n"), roster(town)).ok, "a hall's own goes before the city's"
    assert check(sheet(tmp_path, "1,参保,,\n2,登记,,\n"), roster(town)).ok


def test_name_means_what_it_means_at_its_window(town: PaperLedger, tmp_path: Path) -> None:
    import_(sheet(tmp_path, "1,登记,Reg,\n2,登记,,c1\n3,登记,,h1\n4,年检,,c2\n"), town.conn, NOON)
    found = roster(town)
    assert [found.business_code("登记", window) for window in ("w1", "w3", "none", "")] == [3, 1, 1, 1]
    assert [found.business_code("年检", window) for window in ("w1", "w3")] == [0, 4]
    assert found.business_code("Reg", "w1") == 1
    assert found.business_code("", "w1") == 0


def test_visits_are_told_by_the_systems_word_then_the_rosters(town: PaperLedger, tmp_path: Path) -> None:
    import_(sheet(tmp_path, "12,社保登记,,\n13,失业金,,\n"), town.conn, NOON)
    source = Source("queue_h1", "0" * 64, business={"失业金": 99})

    def visit(n: int, business: Any) -> dict[str, Any]:
        return {"id": str(n), "window": "w1", "finished_ms": NOON, "business": business}

    told = [visit(n, b) for n, b in enumerate(("社保登记", "失业金", 13, 500, "医保"))]
    with closing(Intake(tmp_path)) as intake:
        answer = intake.take(source, json.dumps(told).encode(), NOON)
    assert [(r.nth, r.field) for r in answer.refused] == [(4, "business")]
    raw = town.conn.execute("SELECT body FROM row WHERE kind = 'visit'").fetchone()[0]
    assert [v.biz for v in (said(raw) or ("", []))[1]] == [12, 99, 13, 500]
