"""The template: what it offers passes the check, kept or removed, in both languages, and its hints are in the file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from manyi.cli import app
from manyi.core.errors import InputError
from manyi.core.roster import Roster, check, import_, preview
from manyi.core.roster.facts import Facts
from manyi.core.roster.template import BOX, HALL, MAIN, STAND_IN, TITLE, WINDOW, template
from manyi.core.roster.times import moment
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from tests.collector.paper_ledger import PaperLedger
from tests.collector.roster_book import Rows, write

LANGS = ("zh", "en")


def sheets(path: Path) -> dict[str, Rows]:
    with CalamineWorkbook.from_path(path) as book:
        return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


@pytest.fixture(params=LANGS)
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    template(tmp_path / "名册.xlsx", request.param)
    return tmp_path / "名册.xlsx"


def test_example_passes_and_each_of_its_tables_is_pointed_out(filled: Path) -> None:
    found = check(filled)
    assert found.ok, found.text()
    assert [n.sheet for n in found.notes] == list(sheets(filled))[1:]
    assert {n.zh for n in found.notes} == {"模板的示例行还在，会被当作真的"}
    assert {kind for kind, _ in found.facts} == {
        "office",
        "placement",
        "staff",
        "duty",
        "cover",
        "leader",
        "business",
    }


def test_headers_alone_pass_and_state_nothing(filled: Path, tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.xlsx", {name: rows[:1] for name, rows in sheets(filled).items()})
    found = check(empty)
    assert (found.ok, found.facts, found.notes) == (True, (), ()), found.text()


def test_example_says_who_counts_when(filled: Path) -> None:
    facts = Facts()
    changes = preview(filled, None, None).changes
    roster = Roster(facts.after(changes))
    hours = [moment(f"2026-01-05 {h:02}:30") or 0 for h in (7, 8, 9, 10, 17)]
    assert [roster.who(WINDOW, t) for t in hours] == ["", MAIN, STAND_IN, MAIN, ""]
    assert [roster.leader(HALL, t) is not None for t in hours] == [False, True, True, True, False]
    leader = roster.leader(HALL, hours[1])
    assert leader is not None
    assert leader.tel == "0537-6600102"
    assert roster.where(BOX, hours[0]).hall == HALL


def test_both_languages_say_the_same(tmp_path: Path) -> None:
    said = []
    for lang in LANGS:
        template(tmp_path / f"{lang}.xlsx", lang)
        facts = check(tmp_path / f"{lang}.xlsx").facts
        said.append([(kind, {k: v for k, v in body.items() if k != "zh"}) for kind, body in facts])
    assert said[0] == said[1]


def test_codes_typed_into_it_keep_their_zeros_and_words_are_offered(filled: Path) -> None:
    with zipfile.ZipFile(filled) as parts:
        styles = parts.read("xl/styles.xml").decode()
        offices = parts.read("xl/worksheets/sheet2.xml").decode()
        duty = parts.read("xl/worksheets/sheet5.xml").decode()
    assert 'numFmtId="49"' in styles, "49 is Excel's Text"
    assert offices.count('type="list"') == 2
    assert duty.count('type="list"') == 3
    assert all(word in offices for word in ("promptTitle", "$A$2:$A$"))


def test_import_of_the_example_and_again(filled: Path, tmp_path: Path) -> None:
    ledger = PaperLedger(tmp_path)
    assert len(import_(filled, ledger.conn, 1).changes) == 3 + 1 + 2 + 2 + 1 + 1
    assert import_(filled, ledger.conn, 2).changes == ()
    ledger.close()


def test_file_that_is_there_is_not_written_over(filled: Path, tmp_path: Path) -> None:
    before = filled.read_bytes()
    with pytest.raises(InputError, match="is there already"):
        template(filled)
    assert filled.read_bytes() == before
    with pytest.raises(InputError, match="must end in"):
        template(tmp_path / "r.xls")
    with pytest.raises(InputError, match="cannot be written"):
        template(tmp_path / "nowhere" / "r.xlsx")


def test_command_writes_it_and_check_reads_it(tmp_path: Path) -> None:
    out = tmp_path / "r.xlsx"
    done = CliRunner().invoke(app, ["roster", "template", str(out), "--lang", "en"])
    assert (done.exit_code, done.output.strip()) == (0, str(out))
    assert next(iter(sheets(out))) == TITLE[True]
    assert CliRunner().invoke(app, ["roster", "check", str(out)]).exit_code == 0
    done = CliRunner().invoke(app, ["roster", "template", str(out)])
    assert (done.exit_code, "Traceback" in done.output) == (2, False)
