"""Rosters in Excel: the layouts bureaus have, what Excel makes of codes and dates, and files that are none."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manyi.core.days import BEIJING
from manyi.core.roster import check, workbooks
from manyi.core.roster.check import Report
from manyi.core.roster.table import letters
from manyi.core.roster.times import moment
from python_calamine import CalamineWorkbook

from tests.collector.roster_book import BOXES, CITY, DUTY, OFFICES, STAFF, Rows, write

FIXTURE = Path(__file__).parent / "data" / "roster.xls"  # Excel 97, written by xlwt 1.3.0
MORNING = 1_795_219_200_000  # 2026-11-21 08:00 in Beijing
HOUR = 3_600_000


FAR = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
_URN = "urn:oasis:names:tc:opendocument:xmlns"
ODS = (
    f'<office:document-content xmlns:office="{_URN}:office:1.0" xmlns:table="{_URN}:table:1.0" xmlns:text="{_URN}:text:1.0">'
    '<office:body><office:spreadsheet><table:table table:name="人员"><table:table-row table:number-rows-repeated="2">'
    '<table:table-cell office:value-type="string" table:number-columns-repeated="3"><text:p>1</text:p></table:table-cell>'
    "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
)


def edited(raw: bytes, edit: Callable[[str, bytes], tuple[str, bytes]]) -> bytes:
    """A workbook whose parts have other names or contents."""
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(*edit(name, old.read(name)))
    return held.getvalue()


def report(tmp_path: Path, **changed: Rows) -> Report:
    names = {"offices": "机构", "boxes": "评价器", "staff": "人员", "duty": "在岗"}
    return check(write(tmp_path / "名册.xlsx", {**CITY, **{names[k]: v for k, v in changed.items()}}))


def lines(found: Report) -> list[str]:
    assert not found.ok
    assert found.facts == ()
    return found.text().splitlines()


def of(found: Report, kind: str) -> list[Any]:
    assert found.ok, found.text()
    return [body for k, body in found.facts if k == kind]


def test_one_workbook_says_what_the_same_csv_files_say(tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    for name, rows in CITY.items():
        text = "\n".join(",".join(str(c) for c in row) for row in rows)
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    found = report(tmp_path)
    assert found.ok, found.text()
    assert found.facts == check(folder).facts
    assert len(found.facts) == 4 + 1 + 2 + 2
    assert of(found, "duty")[0]["from_ms"] == MORNING


def test_separate_workbooks_named_for_what_they_hold(tmp_path: Path) -> None:
    for name, rows in CITY.items():
        write(tmp_path / f"{name}表.xlsx", {"Sheet1": rows})
    (tmp_path / "~$人员.xlsx").write_bytes(b"Excel's lock")
    found = check(tmp_path)
    assert found.ok, found.text()
    assert len(found.facts) == 9


def test_excel_97_workbook_with_a_title_and_real_dates() -> None:
    found = check(FIXTURE)
    assert found.ok, found.text()
    assert not found.notes
    (first, second) = of(found, "duty")
    assert (first["staff"], first["from_ms"], first["to_ms"]) == ("001", MORNING, MORNING + 4 * HOUR)
    assert second["to_ms"] is None


def test_title_rows_blank_rows_and_a_footer_round_the_table(tmp_path: Path) -> None:
    rows: Rows = (
        (), (), ("单位：市人社局", "", "", "2026 年 11 月"), (),
        ("序号", " 工 号*\n", "姓　名（必填）", "性别", "备注"), (),
        (1, "\u3000001 ", "张　三", "女", "新来"), (), (2, "００２", "李四", "男", ""), (),
    )  # fmt: skip
    merge = {"人员": [("A1:E2", "东县工作人员名单"), ("B12:E12", "制表人：王五")]}
    path = write(tmp_path / "r.xlsx", {**CITY, "人员": rows}, merge)
    found = check(path)
    assert [(b["id"], b["zh"]) for b in of(found, "staff")] == [("001", "张三"), ("002", "李四")]
    assert found.text().splitlines() == [
        "提示：r.xlsx 工作表“人员” 第 5 行“性别”列（D5）：不认识这一列，未读",
        "提示：r.xlsx 工作表“人员” 第 12 行：跨列合并的行，当作标题或说明，未读",
    ]


def test_all_errors_at_once_by_sheet_row_and_cell(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        offices=(("标题",), *OFFICES, (), ("w3", "窗口", "c9", "三号")),
        boxes=(*BOXES, ("BOX 2", "w2", datetime(2026, 1, 1)), ("box-3", "w9", "昨天")),
        staff=(*STAFF, ("003", "", "zz")),
        duty=(
            *DUTY,
            ("009", "w2", datetime(2026, 11, 21, 9), datetime(2026, 11, 21, 8)),
            ("001", "w1", datetime(2026, 11, 21, 11), ""),
        ),
    )
    assert lines(found) == [
        "名册.xlsx 工作表“机构” 第 8 行“上级编号”列（C8）：没有编号为 c9 的机构",
        "名册.xlsx 工作表“评价器” 第 3 行“评价器”列（A3）：应为 3 至 24 个小写字母、数字或短横",
        "名册.xlsx 工作表“评价器” 第 4 行“启用时间”列（C4）：应为 2026-11-21 08:30 这样的北京时间",
        "名册.xlsx 工作表“评价器” 第 4 行“窗口”列（B4）：没有编号为 w9 的窗口",
        "名册.xlsx 工作表“人员” 第 4 行“姓名”列（B4）：不能为空",
        "名册.xlsx 工作表“人员” 第 4 行“工牌”列（C4）：工牌应为 1 至 10 个字节的十六进制",
        "名册.xlsx 工作表“在岗” 第 4 行“结束”列（D4）：结束时间不晚于开始时间",
        "名册.xlsx 工作表“在岗” 第 4 行“工号”列（A4）：没有工号为 009 的人员",
        "名册.xlsx 工作表“在岗” 第 5 行“开始”列（C5）：窗口 w1 的在岗时间与第 2 行重叠",
    ]
    assert '名册.xlsx, sheet "人员", row 4, column "姓名" (B4): must not be empty' in found.text("en")


def test_numbers_among_codes_that_begin_with_zero_are_refused(tmp_path: Path) -> None:
    said = lines(report(tmp_path, staff=(*STAFF, (3, "王五", ""), (4.5, "赵六", ""))))
    assert said == [
        "名册.xlsx 工作表“人员” 第 4 行“工号”列（A4）：是数字 3，同列其他编号以 0 开头，"
        "前面的 0 可能已丢失：请设为“文本”格式后重新填写",
        "名册.xlsx 工作表“人员” 第 5 行“工号”列（A5）：Excel 把它存成了数字 4.5，原来的写法已无法还原："
        "请设为“文本”格式后重新填写",
    ]


def test_numbers_alone_are_read_as_they_look_and_said_so(tmp_path: Path) -> None:
    staff = (STAFF[0], (1001, "张三", ""), (1002.0, "李四", ""))
    duty = (DUTY[0], ("1001", *DUTY[1][1:]), (1002, *DUTY[2][1:]))
    found = report(tmp_path, staff=staff, duty=duty)
    assert [b["id"] for b in of(found, "staff")] == ["1001", "1002"]
    assert [n.split("：")[1] for n in found.text().splitlines()] == [
        "名册.xlsx 工作表“人员” 第 2 行“工号”列（A2）",
        "名册.xlsx 工作表“在岗” 第 3 行“工号”列（A3）",
    ]
    assert "2 个单元格是数字，按 1001 这样读取" in found.text()


@pytest.mark.parametrize("made", [10**16, -3, 1.5, True, datetime(2026, 1, 2), date(2026, 1, 2)])
def test_code_that_excel_made_something_else_of_is_refused(tmp_path: Path, made: object) -> None:
    (said,) = lines(report(tmp_path, staff=(*STAFF[:3], (made, "王五", ""))))
    assert "第 4 行“工号”列（A4）" in said


def test_number_as_a_badge_is_always_refused(tmp_path: Path) -> None:
    (said,) = lines(report(tmp_path, staff=(*STAFF, ("003", "王五", 123456))))
    assert "（C4）：Excel 把它存成了数字 123456，前面的 0 可能已丢失" in said


def test_dates_and_times_in_the_ways_they_are_typed(tmp_path: Path) -> None:
    duty = (
        ("日期", "工号", "窗口", "开始", "结束"),
        (date(2026, 11, 21), "001", "w1", time(8, 30), time(12)),
        ("2026/11/21", "002", "w1", "13:00", "17：30"),
        ("", "001", "w1", "2026年11月22日8时30分", datetime(2026, 11, 22, 12)),
        (datetime(2026, 11, 23), "001", "w1", "8:30", "24:00"),
        ("2026.11.24", "001", "w1", "2026-11-24", timedelta(days=1)),
    )
    spans = [(b["from_ms"], b["to_ms"]) for b in of(report(tmp_path, duty=duty), "duty")]
    assert [((a - MORNING) / HOUR, (b - MORNING) / HOUR) for a, b in spans] == [
        (0.5, 4), (5, 9.5), (24.5, 28), (48.5, 64), (64, 88),
    ]  # fmt: skip


def test_workbook_of_an_old_mac_counts_its_days_from_1904(tmp_path: Path) -> None:
    path = write(tmp_path / "r.xlsx", CITY, date_1904=True)
    assert of(check(path), "duty")[0]["from_ms"] == MORNING


@pytest.mark.parametrize(
    "made", [1.5, 2026, 99999, -1, 20261340, time(8, 30), True, "08:30", "26-11-21 08:30"]
)
def test_what_is_no_time_is_said_and_never_guessed(tmp_path: Path, made: object) -> None:
    (said,) = lines(report(tmp_path, duty=(DUTY[0], ("001", "w1", made, ""))))
    assert "第 2 行“开始”列（C2）" in said


def test_lost_characters_are_said_and_taken_for_nothing(tmp_path: Path) -> None:
    said = lines(report(tmp_path, staff=(*STAFF, ("\ufffd", "王\ufffd", ""))))
    assert [line.split("：")[1] for line in said] == ["有无法识别的字符（乱码），请重新填写"] * 2


def test_cells_merged_down_are_refused_with_their_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "r.xlsx", CITY, {"在岗": [("B2:B3", "w1")]})
    assert "第 2 行“窗口”列（B2）：第 2 至 3 行是合并单元格：请取消合并，每行都填写" in check(path).text()


def test_name_beside_the_staff_id_has_to_agree(tmp_path: Path) -> None:
    duty = tuple((*row, name) for row, name in zip(DUTY, ("姓名", "张三", "张三"), strict=True))
    (said,) = lines(report(tmp_path, duty=duty))
    assert said.endswith("第 3 行“姓名”列（E3）：工号 002 的姓名是 李四")


def test_sheets_unknown_hidden_empty_or_there_twice(tmp_path: Path) -> None:
    sheets = {**CITY, "草稿": STAFF, "填表说明": (("请填写",),), "旧": STAFF, "空": ()}
    found = check(write(tmp_path / "r.xlsx", sheets, hidden=["旧"]))
    assert found.ok
    assert sorted(found.text().splitlines()) == [
        "提示：r.xlsx 工作表“旧”：隐藏的工作表，未读",
        "提示：r.xlsx 工作表“草稿”：不认识这个工作表，未读",
    ]
    (tmp_path / "staff.csv").write_text("工号,姓名\n001,张三\n", encoding="utf-8")
    assert "staff.csv：“人员”已在 r.xlsx[人员] 里：只能留一份" in check(tmp_path).text()


@pytest.mark.parametrize(
    "raw", [b"", b"<html><table>", b"PK\x03\x04junk", bytes.fromhex("d0cf11e0a1b11ae1") * 99]
)
@pytest.mark.parametrize("name", ["r.xlsx", "r.xls"])
def test_file_that_is_no_workbook(tmp_path: Path, name: str, raw: bytes) -> None:
    (tmp_path / name).write_bytes(raw)
    (said,) = lines(check(tmp_path / name))
    assert said == f"{name}：不是 Excel 工作簿：请用 Excel 或 WPS 打开后另存为 .xlsx"


def test_old_name_with_new_contents_is_read(tmp_path: Path) -> None:
    assert check(write(tmp_path / "r.xlsx", CITY).rename(tmp_path / "r.xls")).ok


def test_single_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "r.et").write_bytes(b"WPS")
    assert lines(check(tmp_path / "r.et")) == ["r.et：请另存为 .xlsx 或 CSV，未读"]


def test_workbook_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    rows: list[tuple[str, ...]] = [tuple(row) for row in STAFF]
    far = write(tmp_path / "far.xlsx", {"人员": rows, "远": ((),)}, {"远": []})
    raw = io.BytesIO()
    with zipfile.ZipFile(far) as old, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            text = old.read(part)
            if part.endswith("sheet2.xml"):
                row = b'<sheetData><row r="1048576"><c r="A1"><v>1</v></c><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                text = text.replace(b"<sheetData/>", row)
                assert row in text
            new.writestr(part, text)
    far.write_bytes(raw.getvalue())
    assert lines(check(far)) == ["far.xlsx：展开后过大，请拆分后再导入"]


@pytest.mark.parametrize(
    "far",
    [
        FAR.replace(b'"', b"'"),
        FAR.replace(b"r=", b"r = "),
        FAR.replace(b"XFD", b"xfd"),
        FAR.replace(b"<c ", b'<c s=">" '),
        FAR.replace(b"XFD", b"&#88;FD"),
        FAR.replace(b"<v>", b"<is><t>").replace(b"</v>", b"</t></is>"),
        b'<row r="3">'
        + b"<c><v>1</v></c>" * 16_000
        + b'</row><row r="1048576"><c><v>1</v></c></row></sheetData>',
    ],
)
def test_far_cell_is_seen_however_it_is_written(tmp_path: Path, far: bytes) -> None:
    """Half a terabyte of empty cells, if the reader believed it: the machine has a collector on it."""
    path = write(tmp_path / "r.xlsx", CITY)
    path.write_bytes(edited(path.read_bytes(), lambda name, text: (name, text.replace(b"</sheetData>", far))))
    assert lines(check(path)) == ["r.xlsx：展开后过大，请拆分后再导入"]


def test_far_cell_is_seen_wherever_its_sheet_lies(tmp_path: Path) -> None:
    path = write(tmp_path / "r.xlsx", CITY)

    def moved(name: str, text: bytes) -> tuple[str, bytes]:
        if name == "xl/worksheets/sheet1.xml":
            return "xl/elsewhere/one.bin", text.replace(b"</sheetData>", FAR)
        return name, text.replace(b"worksheets/sheet1.xml", b"elsewhere/one.bin")

    path.write_bytes(edited(path.read_bytes(), moved))
    assert lines(check(path)) == ["r.xlsx：展开后过大，请拆分后再导入"]


def test_part_that_is_longer_than_its_header_says_is_read_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header is what the measure is taken by; calamine would unpack as much as there is."""
    path = write(tmp_path / "r.xlsx", CITY)
    raw = bytearray(path.read_bytes())
    part = b"xl/sharedStrings.xml"
    with zipfile.ZipFile(path) as archive:
        told = archive.getinfo(part.decode())
    assert told.file_size > 100
    struct.pack_into("<I", raw, told.header_offset + 22, 100)
    struct.pack_into("<I", raw, raw.rindex(part) - 46 + 24, 100)
    path.write_bytes(raw)
    monkeypatch.setattr(workbooks, "CalamineWorkbook", None)
    assert lines(check(path)) == ["r.xlsx：不是 Excel 工作簿：请用 Excel 或 WPS 打开后另存为 .xlsx"]


def test_archive_of_another_kind_under_our_name_is_no_workbook(tmp_path: Path) -> None:
    """An .ods may say "this cell a million times" in one word, and calamine reads it by itself."""
    path = tmp_path / "r.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ODS)
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{_URN}:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
            'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>',
        )
    with CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes())) as book:
        assert book.get_sheet_by_index(0).to_python() == [["1"] * 3] * 2
    assert lines(check(path)) == ["r.xlsx：不是 Excel 工作簿：请用 Excel 或 WPS 打开后另存为 .xlsx"]


def test_far_format_without_a_value_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    write(path, CITY)
    raw = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(raw, "w") as new:
        for part in old.namelist():
            far = b'<row r="1048576"><c r="XFD1048576" s="1"/></row></sheetData>'
            new.writestr(part, old.read(part).replace(b"</sheetData>", far))
    path.write_bytes(raw.getvalue())
    assert check(path).ok


def test_excel_error_is_not_taken_for_an_empty_cell(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "r.xlsx"))
    book.add_worksheet("填表说明").write("A1", "=NA()", None, "#N/A")
    sheet = book.add_worksheet("人员")
    for r, row in enumerate(STAFF):
        sheet.write_row(r, 0, row)
    sheet.write_row(3, 0, ("003", "王五"))
    sheet.write_formula("C4", "=VLOOKUP(1,A1:B2,2)", None, "#N/A")
    sheet.write_formula("A5", "=1/0", None, "#DIV/0!")
    sheet.write_row(4, 1, ("赵六", "04ff"))
    book.close()
    assert lines(check(tmp_path / "r.xlsx")) == [
        "r.xlsx 工作表“人员” 第 4 行“工牌”列（C4）：是 Excel 的错误值，如 #N/A：请改正公式或直接填写",
        "r.xlsx 工作表“人员” 第 5 行“工号”列（A5）：是 Excel 的错误值，如 #N/A：请改正公式或直接填写",
    ]


def test_excels_letters() -> None:
    assert [letters(i) for i in (0, 25, 26, 51, 701, 702, 16_383)] == [
        "A",
        "Z",
        "AA",
        "AZ",
        "ZZ",
        "AAA",
        "XFD",
    ]


cells = st.one_of(
    st.text(max_size=8), st.integers(-9, 99_999), st.floats(-9, 99_999), st.booleans(), st.none(),
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.times(), st.sampled_from(["工号", "001", "w1"]),
).filter(lambda c: not isinstance(c, str) or c.isprintable())  # fmt: skip


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.lists(cells, max_size=6), max_size=6))
def test_no_cells_make_a_check_raise(tmp_path: Path, rows: list[list[object]]) -> None:
    found = report(tmp_path, duty=(DUTY[0], *rows))
    for problem in found.problems:
        assert problem.row <= 7
        assert problem.text("en") != problem.text("zh")


def test_workbook_that_says_it_has_four_billion_texts_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "r.xlsx", CITY)
    path.write_bytes(
        edited(
            path.read_bytes(), lambda name, text: (name, re.sub(rb'ount="\d+"', b'ount="4294967295"', text))
        )
    )
    assert lines(check(path)) == ["r.xlsx：展开后过大，请拆分后再导入"]


@pytest.mark.parametrize("at", [1938, 1941])
def test_old_workbook_in_which_one_wrong_byte_asks_for_all_memory_is_refused(tmp_path: Path, at: int) -> None:
    """The reader itself would not raise: it ends the process, and with it whoever imports."""
    raw = bytearray(FIXTURE.read_bytes())
    raw[at] = 255
    (tmp_path / "r.xls").write_bytes(raw)
    assert lines(check(tmp_path / "r.xls")) == ["r.xls：展开后过大，请拆分后再导入"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_no_damage_to_an_old_workbook_makes_a_check_raise(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(FIXTURE.read_bytes())
    for _ in range(data.draw(st.integers(1, 30))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "r.xls").write_bytes(raw)
    check(tmp_path / "r.xls").text()


@given(st.datetimes(datetime(1992, 1, 1), datetime(2099, 1, 1)))
def test_time_written_out_is_the_time_read(when: datetime) -> None:
    at = moment(when.strftime("%Y-%m-%d %H:%M:%S"))
    assert at == moment(when.strftime("%Y/%m/%d %H:%M:%S"))
    assert at is not None
    assert datetime.fromtimestamp(at / 1000, BEIJING).replace(tzinfo=None) == when.replace(microsecond=0)
