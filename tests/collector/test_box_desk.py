"""The centre's commands about boxes, as they are typed: bind, replace, retire, code; the ledger and the roster are real."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from manyi.box import talk
from manyi.box.papers import label
from manyi.cli import app
from manyi.core import roster
from manyi.core.ledger import reader, schema
from manyi.core.roster import Roster
from typer.testing import CliRunner

from tests.collector.roster_book import write

CITY = Path(__file__).resolve().parents[2] / "collector" / "manyi" / "demo" / "city"
BOX, NEW, WINDOW = "sim-001", "hall-9", "np-h1-w1"
T0, T1 = 1_795_000_000_000, 1_795_395_600_000  # before and at 2026-11-23 09:00 in Beijing


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A configured collector with the demo's roster, in which WINDOW has BOX."""
    shutil.copytree(CITY, tmp_path / "roster")
    (tmp_path / "data").mkdir()
    (tmp_path / "link.keys").touch(mode=0o600)
    (tmp_path / "link.keys").write_text(f"{BOX} {'aa' * 32}\n")
    (tmp_path / "manyi.toml").write_text(
        '[city]\nname = "岱州市"\nname_en = "Daizhou"\n[data]\ndir = "data"\n[broker]\nhost = "127.0.0.1"\nport = 1\n'
        'plain = true\n[keys]\nlink_file = "link.keys"\n[web]\nport = 1\n'
    )
    assert run(tmp_path, "roster", "import", str(tmp_path / "roster"))[0] == 0
    return tmp_path


def run(city: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["--config", str(city / "manyi.toml"), *words])
    return done.exit_code, done.output


def where(city: Path, box: str, at_ms: int) -> str:
    conn = schema.open_for_reading(city / "data" / "ledger.db")
    try:
        rows = reader.rows_after(conn, 0, 10_000)
        return Roster.from_facts(rows).where(box, at_ms).window
    finally:
        conn.close()


def test_a_new_box_takes_over_a_window_and_the_old_one_keeps_its_past(city: Path) -> None:
    code, said = run(
        city, "box", "replace", BOX, NEW, "--roster", str(city / "roster"), "--at", "2026-11-23 09:00"
    )
    assert code == 0, said
    assert "manyi account" in said
    assert (where(city, BOX, T0), where(city, NEW, T0)) == (WINDOW, "")
    assert (where(city, BOX, T1), where(city, NEW, T1)) == ("", WINDOW)
    before = (city / "roster" / "boxes.csv").read_bytes()
    assert run(city, "roster", "import", str(city / "roster"))[0] == 0  # and the next import does not undo it
    assert where(city, NEW, T1) == WINDOW
    assert (city / "roster" / "boxes.csv").read_bytes() == before


def test_scanned_labels_become_places(city: Path) -> None:
    scanned = city / "scans.csv"
    scanned.write_bytes(f"{label.code(NEW)},{WINDOW},2026-11-23 08:00\n".encode("gb18030"))
    code, said = run(city, "box", "bind", str(scanned), "--roster", str(city / "roster"))
    assert code == 0, said
    assert where(city, NEW, T1) == WINDOW


def test_the_bureau_s_one_workbook_is_enough(city: Path) -> None:
    """The roster as an .xlsx, what was scanned as another."""
    roster_xlsx = write(
        city / "名册.xlsx", {"评价器": (("评价器", "窗口", "启用时间"), (BOX, WINDOW, datetime(2024, 1, 1)))}
    )
    scanned = write(city / "扫码.xlsx", {"Sheet1": ((label.code(NEW), WINDOW, datetime(2026, 11, 23, 8)),)})
    code, said = run(
        city, "box", "replace", BOX, "hall-8", "--roster", str(roster_xlsx), "--at", "2026-11-22 09:00"
    )
    assert code == 0, said
    code, said = run(city, "box", "bind", str(scanned), "--roster", str(roster_xlsx))
    assert code == 0, said
    assert (
        "注意：窗口 np-h1-w1 还有 hall-8" in said
    )  # bound where another one stands: perhaps it was meant to replace it
    code, said = run(
        city, "box", "replace", "hall-8", NEW, "--roster", str(roster_xlsx), "--at", "2026年11月23日 9:00"
    )
    assert code == 0, said
    assert "已写进 名册.xlsx" in said
    assert "注意" not in said
    assert (where(city, "hall-8", T1), where(city, NEW, T1)) == ("", WINDOW)
    assert "新增 0，结束 0，更改 0。" in run(city, "roster", "check", "--diff", str(roster_xlsx))[1]


def test_a_window_that_nobody_knows_leaves_everything_as_it_was(city: Path) -> None:
    before = (city / "roster" / "boxes.csv").read_bytes()
    scanned = city / "scans.csv"
    scanned.write_text(f"{label.code(NEW)},no-such-window,2026-11-23 08:00\n")
    code, said = run(city, "box", "bind", str(scanned), "--roster", str(city / "roster"))
    assert code == 1
    assert "no-such-window" in said
    assert "boxes.csv 没有改动" in said
    assert (city / "roster" / "boxes.csv").read_bytes() == before
    assert where(city, NEW, T1) == ""


def test_a_code_by_telephone_is_the_one_that_the_box_expects(city: Path) -> None:
    code, said = run(city, "box", "code", BOX, "0011223344556677")
    assert code == 0
    expected = talk.code(b"\xaa" * 32, BOX, bytes.fromhex("0011223344556677"))
    assert said.strip().replace("-", "") == expected
    assert run(city, "box", "code", BOX, "0011-2233 4455-6677") == (0, said)  # as it was read out
    for misheard in ("xyz", "0011", "00112233445566778", "001122334455667g"):
        assert run(city, "box", "code", BOX, misheard)[0] == 2
    assert run(city, "box", "code", "hall-7", "0011223344556677")[0] == 2


def test_a_box_that_the_ledger_has_never_heard_of_is_not_retired_unasked(city: Path) -> None:
    code, said = run(city, "box", "retire", BOX, "--records", str(city / "r"))
    assert code == 2
    assert "never heard" in said
    code, said = run(city, "box", "retire", BOX, "--records", str(city / "r"), "--force")
    assert code == 0
    assert "manyi broker remove" in said


def test_importing_the_roster_by_hand_is_the_same_as_binding(city: Path) -> None:
    """`bind` writes nothing that the files do not say."""
    scanned = city / "scans.csv"
    scanned.write_text(f"{label.code(NEW)},{WINDOW},2026-11-23 08:00\n")
    assert run(city, "box", "bind", str(scanned), "--roster", str(city / "roster"))[0] == 0
    conn = schema.open_for_writing(city / "data" / "ledger.db")
    try:
        assert roster.import_(city / "roster", conn, T1).changes == ()
    finally:
        conn.close()
