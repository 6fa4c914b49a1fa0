"""Where boxes stand: scanned labels and replacements, into the roster's own file, whichever of its forms a bureau keeps."""

from __future__ import annotations

import io
import os
import re
import shutil
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from manyi.box.papers import label
from manyi.box.places import place, roster_file, xlsx
from manyi.box.places.place import Placed
from manyi.box.places.roster_file import opened
from manyi.box.words import BoxError, Unfit
from manyi.core.roster import check, workbooks

from tests.collector.roster_book import BOXES, CITY, write

MORE = [Placed("box-1", "", "2026-11-23 09:00"), Placed("box-9", "w1", "2026-11-23 09:00")]
XLS = Path(__file__).parent / "data" / "roster.xls"


def cells(path: Path, sheet: str = "评价器") -> list[tuple[int, tuple[Any, ...]]]:
    """Rows that hold something, as a reader of Excel's files has them."""
    problems: list[Any] = []
    (grid,) = [
        g for g in workbooks.read_workbook(path.name, path.read_bytes(), problems, []) if g.sheet == sheet
    ]
    assert problems == []
    return [(n, row) for n, row in grid.rows if any(str(c).strip() for c in row)]


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# --- scanned labels ------------------------------------------------------------------------------------------------


def test_scans_become_places_and_every_bad_line_is_named() -> None:
    one, two = label.code("hall-1"), label.code("hall-2")
    noted = f"# scanned\n码,窗口,时间\n{one},w1,2026年11月22日9时30分,,\n{two}，w2\n\n"
    found = place.scans(place.lines(noted), "2026-11-22 10:00")
    assert found == [Placed("hall-1", "w1", "2026-11-22 09:30"), Placed("hall-2", "w2", "2026-11-22 10:00")]
    bad = f"{one},w1\n{one},w2\nnonsense,w\n{two},\n{two},w2,yesterday\n{two},w2,2026-11-22,x\n"
    with pytest.raises(Unfit) as unfit:
        place.scans(place.lines(bad), "2026-11-22 10:00")
    assert [re.match(r"第 \d 行|hall-1", p)[0] for p in unfit.value.problems] == [  # type: ignore[index]
        "第 3 行", "第 4 行", "第 5 行", "第 6 行", "hall-1",
    ]  # fmt: skip
    assert all(" / " in p for p in unfit.value.problems)
    with pytest.raises(Unfit):
        place.scans([], "2026-11-22 10:00")


def test_a_table_of_scans_has_excel_s_own_numbers_and_times() -> None:
    rows = [(1, (label.code("hall-1"), 103.0, datetime(2026, 11, 22, 9, 30)))]
    assert place.scans(rows, "") == [Placed("hall-1", "103", "2026-11-22 09:30")]
    with pytest.raises(Unfit, match="是数字"):
        place.scans([(1, (label.code("hall-1"), "w1", 45983.4))], "")


def test_a_replacement_begins_when_it_began_and_the_old_one_is_in_store() -> None:
    had = [Placed("hall-1", "w1", "2026-01-01 00:00")]
    assert place.replacement(had, "hall-1", "hall-9", "2026-11-22 09:00") == [
        Placed("hall-1", "", "2026-11-22 09:00"), Placed("hall-9", "w1", "2026-11-22 09:00"),
    ]  # fmt: skip
    with pytest.raises(BoxError, match="no window"):
        place.replacement(had, "hall-1", "hall-9", "2025-11-22 09:00")
    with pytest.raises(BoxError, match="one box"):
        place.replacement(had, "hall-1", "hall-1", "2026-11-22 09:00")
    with pytest.raises(BoxError, match="later"):
        place.replacement(
            [*had, Placed("hall-9", "w2", "2026-12-01 00:00")], "hall-1", "hall-9", "2026-11-22 09:00"
        )


# --- a CSV ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_rows_are_added_to_a_csv_in_its_own_encoding_columns_and_ends_of_lines(
    encoding: str, tmp_path: Path
) -> None:
    raw = "某市评价器\r\n窗口,启用时间,评价器,备注\r\nw1,2026/1/1 0:00,box-1,".encode(encoding)
    path = tmp_path / "评价器登记表.csv"
    path.write_bytes(raw)
    path.chmod(0o640)
    file = opened(tmp_path)
    assert file.had() == [Placed("box-1", "w1", "2026-01-01 00:00")]
    file.add(MORE)
    now = path.read_bytes()
    assert now.startswith(raw)
    assert now.decode(encoding).splitlines()[3:] == [",2026-11-23 09:00,box-1", "w1,2026-11-23 09:00,box-9"]
    assert now.count(b"\r\n") == now.count(b"\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    file.restore()
    assert path.read_bytes() == raw
    assert opened(path).had() == file.had()  # the file alone, as `roster import` takes it


def test_a_csv_that_does_not_read_back_is_put_back(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text('评价器,窗口,启用时间\nbox-1,w1,2026-01-01 00:00\n"box-2,w2', encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(BoxError, match="roster check"):
        opened(path).add(MORE)
    assert path.read_bytes() == before


# --- a workbook ----------------------------------------------------------------------------------------------------


def test_rows_are_added_to_a_sheet_and_nothing_else_of_the_workbook_changes(tmp_path: Path) -> None:
    path = write(tmp_path / "名册.xlsx", CITY)
    before, rows = members(path), cells(path)
    file = opened(tmp_path)
    file.add(MORE)
    assert cells(path) == [
        *rows, (3, ("box-1", "", "2026-11-23 09:00")), (4, ("box-9", "w1", "2026-11-23 09:00")),
    ]  # fmt: skip
    changed = {name for name, content in members(path).items() if before[name] != content}
    assert changed == {"xl/worksheets/sheet2.xml"}
    assert list(members(path)) == list(before)
    assert check(path).ok
    opened(path).add([Placed("box-9", "", "2026-11-24 09:00")])  # and again, onto what was added
    assert [n for n, _ in cells(path)] == [1, 2, 3, 4, 5]


def test_new_cells_look_like_those_above_and_stand_before_a_sheet_s_blank_lined_rows(tmp_path: Path) -> None:
    path = tmp_path / "评价器.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet, lined = book.add_worksheet("表1"), book.add_format({"border": 1})
    sheet.merge_range("A1:C1", "某市评价器")
    sheet.write_row(1, 0, ["评价器", "窗口", "启用时间", "备注"])
    sheet.write_row(
        2, 0, ["box-1", "w1", "2026-01-01 00:00", "旧"], book.add_format({"border": 1, "bold": True})
    )
    for row in range(3, 40):
        for column in range(4):
            sheet.write_blank(row, column, None, lined)
    book.close()
    opened(path).add(MORE)
    assert [n for n, _ in cells(path, "表1")] == [1, 2, 3, 4, 5]
    xml = members(path)["xl/worksheets/sheet1.xml"].decode()
    assert [int(n) for n in re.findall(r'<row r="(\d+)"', xml)] == list(range(1, 41))
    fourth = re.search(r'<row r="4".*?</row>', xml)[0]  # type: ignore[index]
    assert re.findall(r'r="([A-D])4" s="(\d+)"', fourth) == [(c, "2") for c in "ABCD"]  # its own lines
    opened(path).add([Placed("box-2", f"w{i}", "2026-01-01") for i in range(50)])  # beyond the lined ones
    assert 's="2"' in re.search(r'<c r="A54"[^>]*>', members(path)["xl/worksheets/sheet1.xml"].decode())[0]  # type: ignore[index]


def test_a_sheet_of_headers_alone_and_names_that_xml_would_take_for_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "名册.xlsx", {**CITY, "评价器": BOXES[:1]})
    opened(path).add([Placed("box-9", "<w&1>", "2026-11-23 09:00")])
    assert cells(path)[1] == (2, ("box-9", "<w&1>", "2026-11-23 09:00"))


def test_a_workbook_of_another_maker_with_prefixed_names_and_rows_without_numbers() -> None:
    sheet = (
        b'<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>'
        b'<x:row><x:c r="A1" t="inlineStr"><x:is><x:t>box</x:t></x:is></x:c></x:row><x:row r="3"/></x:sheetData></x:worksheet>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", '<w xmlns:r="r"><sheet name="s" r:id="1"/></w>')
        archive.writestr("xl/_rels/workbook.xml.rels", '<l><R Id="1" Target="worksheets/a.xml"/></l>')
        archive.writestr("xl/worksheets/a.xml", sheet)
    made = xlsx.with_rows(out.getvalue(), "s", 1, 1, [{0: "x", 1: "y"}])
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        xml = archive.read("xl/worksheets/a.xml")
    assert b'</x:row><x:row r="2"><x:c r="A2" t="inlineStr"><x:is><x:t>x</x:t></x:is></x:c>' in xml
    assert xml.endswith(b'<x:row r="3"/></x:sheetData></x:worksheet>')
    with pytest.raises(BoxError, match="WPS"):
        xlsx.with_rows(out.getvalue(), "another", 1, 1, [{0: "x"}])


# --- what is refused -----------------------------------------------------------------------------------------------


def test_an_old_workbook_is_only_read(tmp_path: Path) -> None:
    shutil.copy(XLS, tmp_path / "roster.xls")
    with pytest.raises(BoxError, match=r"另存为 \.xlsx"):
        opened(tmp_path)


@pytest.mark.parametrize("lock", ["~$名册.xlsx", ".~lock.名册.xlsx#"])
def test_a_workbook_that_somebody_has_open_is_left_alone(lock: str, tmp_path: Path) -> None:
    path = write(tmp_path / "名册.xlsx", CITY)
    (tmp_path / lock).touch()
    with pytest.raises(BoxError, match="正被打开"):
        opened(path)


def test_a_roster_without_a_table_of_boxes_or_with_a_broken_one(tmp_path: Path) -> None:
    path = write(tmp_path / "名册.xlsx", {"人员": CITY["人员"]})
    with pytest.raises(BoxError, match="roster template"):
        opened(path)
    write(path, {"评价器": (("评价器", "窗口"),)})
    with pytest.raises(Unfit, match="缺少这一列"):
        opened(path)
    path.write_bytes(b"PK no workbook")
    with pytest.raises(Unfit, match="不是 Excel 工作簿"):
        opened(path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    write(tmp_path / "名册.xlsx", CITY)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(BoxError, match="写不进去"):
            opened(tmp_path).add(MORE)
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "名册.xlsx", CITY)
    before, real = path.read_bytes(), Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        real(self, data[:100])
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(roster_file.Path, "write_bytes", full)
    with pytest.raises(BoxError, match="No space"):
        opened(path).add(MORE)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
