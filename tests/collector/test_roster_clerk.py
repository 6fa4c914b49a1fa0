"""Rosters as a bureau's clerk sends them: printed forms with titles, two rows of header, notes and signatures, dates in every
way, what a telephone or a chat put into a cell, text files in Excel's other forms. What can be meant in one way is read; what
cannot is named."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from manyi.core.days import BEIJING
from manyi.core.roster import check
from manyi.core.roster.check import Report
from manyi.core.roster.headers import is_aside
from manyi.core.roster.times import moment

from tests.collector.roster_book import CITY, DUTY, OFFICES, STAFF, Rows, write

WPS = Path(__file__).parent / "data" / "roster_wps.xls"  # Excel 97, written by xlwt 1.3.0
PEOPLE: Rows = (("工号", "姓名"), ("1001", "张三"), ("1002", "李四"), ("1003", "欧阳小红"))
FORM = ("合计、备注或签名一类的行，未读", "不认识这一列，未读")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+08:00").astimezone(BEIJING).timestamp() * 1000)


def of(found: Report, kind: str) -> list[Any]:
    assert found.ok, found.text()
    return [body for k, body in found.facts if k == kind]


def said(found: Report) -> list[str]:
    """What is wrong, without the file and sheet."""
    return [p.text().partition("” ")[2] or p.text() for p in found.problems]


def test_printed_form_of_a_month_is_read_as_it_is_meant(tmp_path: Path) -> None:
    """Known by the end of the file's name; two rows of header, merged; a footer that is not merged."""
    write(tmp_path / "机构.xlsx", {"Sheet1": OFFICES})
    write(tmp_path / "人员.xlsx", {"Sheet1": PEOPLE})
    rows: Rows = (
        (), (),
        ("序号", "窗口编号", "工号", "姓名", "在岗时间", "", "备注"), ("", "", "", "", "开始时间", "结束时间", ""),
        (1, "w1", 1001, "张 三", "2026年11月23日 8:30", "2026年11月23日12时", ""),
        (2, "w2", "１００２", "李　四", 46349.354166666664, 46349.5, "常规格式"),
        (3, "w1", 1003.0, "欧阳\u200b小红", datetime(2026, 11, 23, 13, 30), datetime(2026, 11, 23, 17, 30), ""),
        (4, "w2", "1001 ", "张三", "2026.11.23（周一） 下午1：30", "2026.11.23 下午5点半", ""),
        ("序号", "窗口编号", "工号", "姓名", "开始时间", "结束时间", "备注"),
        (5, "w1", "1002", "李四", "20261124 8:30", "20261124 12:00", ""),
        ("备注：1.请各窗口按时到岗；2.如有调班请提前一天报办公室",), ("合计", "", 3),
        ("制表人：王五", "", "", "", "审核人：赵六"),
    )  # fmt: skip
    merge = {
        "Sheet1": [
            ("A1:G1", "东县人社局2026年11月份窗口人员排班表"), ("A2:G2", "填报单位：东县人社局（盖章）"),
            ("A3:A4", "序号"), ("B3:B4", "窗口编号"), ("C3:C4", "工号"), ("D3:D4", "姓名"), ("E3:F3", "在岗时间"),
        ]
    }  # fmt: skip
    write(tmp_path / "2026年11月份窗口人员排班表.xlsx", {"Sheet1": rows}, merge)
    found = check(tmp_path)
    told = [(b["staff"], b["window"], b["from_ms"], b["to_ms"]) for b in of(found, "duty")]
    assert told == [
        ("1001", "w1", ms("2026-11-23 08:30"), ms("2026-11-23 12:00")),
        ("1002", "w2", ms("2026-11-23 08:30"), ms("2026-11-23 12:00")),
        ("1003", "w1", ms("2026-11-23 13:30"), ms("2026-11-23 17:30")),
        ("1001", "w2", ms("2026-11-23 13:30"), ms("2026-11-23 17:30")),
        ("1002", "w1", ms("2026-11-24 08:30"), ms("2026-11-24 12:00")),
    ]
    assert [n.row for n in found.notes if n.zh == FORM[0]] == [9, 11, 12, 13], "what is passed over is said"
    assert any("按日期时间读取，如 2026-11-23 08:30" in n.zh for n in found.notes)


def test_staff_from_a_printed_list_with_totals_and_signatures(tmp_path: Path) -> None:
    rows: Rows = (
        ("东县窗口工作人员花名册",), ("序号", "工号", "姓 名", "性别", "联系电话", "工牌号"),
        (1, 1001, "张 三", "男", 13805370000, "04A1B21F"), (2, 1002, "李\u00a0四", "女", 1.38e10, "0x04a1b220"),
        (3, 1003, "欧阳\u200b小红", "女", "1.39E+10", ""), (4, 1004, "Zhang San", "", "", "04-A1-B2-21"),
        (5, "\u202d1005\u202c", "买买提·艾力", "", "", ""),
        ("合计", "5人"), ("备注", "以上人员名单截至2026年11月"), ("填表人：王五", "", "", "联系电话：6600101"),
    )  # fmt: skip
    found = check(
        write(tmp_path / "东县花名册.xlsx", {"窗口工作人员": rows, "旧人员": STAFF}, hidden=["旧人员"])
    )
    assert [(b["id"], b["zh"], b["badge"]) for b in of(found, "staff")] == [
        ("1001", "张三", "04a1b21f"), ("1002", "李四", "04a1b220"), ("1003", "欧阳小红", ""),
        ("1004", "Zhang San", "04a1b221"), ("1005", "买买提·艾力", ""),
    ]  # fmt: skip
    assert "旧人员”：隐藏的工作表，未读" in found.text()


def test_leaders_of_a_week_in_every_way_and_what_is_wrong_where_it_stands(tmp_path: Path) -> None:
    head = ("大厅编号", "日期", "星期", "开始", "结束", "带班领导", "手机号码")
    good: Rows = (
        ("h1", date(2026, 11, 23), "一", time(8, 30), time(17, 30), "王 敏", 13805370000),
        ("h1", "2026年11月24日", "二", "8:30", "17:30", "李云", "0537—6600102"),
        ("h1", "2026-11-25", "三", "8：30", "17：30", "赵静", "０５３７－６６００１０３"),
        ("h1", 46352, "四", 0.354166, 0.729166, "周明", "\u202d138 0537 0001\u202c"),
        ("h1", "2026/11/27（周五）", "五", "上午8:30", "下午5:30", "吴红", "13805370002、6600102"),
        ("注：值班电话6600101，请保持畅通",),
    )
    found = check(write(tmp_path / "r.xlsx", {"机构": OFFICES, "值班领导安排表": (head, *good)}))
    spans = {(b["zh"], b["tel"]) for b in of(found, "leader")}
    assert spans == {
        ("王敏", "13805370000"), ("李云", "0537-6600102"), ("赵静", "0537-6600103"), ("周明", "138 0537 0001"),
        ("吴红", "13805370002/6600102"),
    }  # fmt: skip
    days = [(b["from_ms"], b["to_ms"]) for b in of(found, "leader")]
    assert days == [(ms(f"2026-11-{d} 08:30"), ms(f"2026-11-{d} 17:30")) for d in range(23, 28)]
    bad: Rows = (
        ("h1", "11月28日", "六", "8:30", "17:30", "孙丽", "13805370000"),
        ("h1", "2026-11-29", "日", "8:30", "17:30", "周明", "1.38E+10"),
        ("h1", "2026-11-30", "一", "8:30", "17:30", "郑好", 5376600101),
    )
    assert said(check(write(tmp_path / "r.xlsx", {"机构": OFFICES, "值班领导": (head, *bad)}))) == [
        "第 2 行“日期”列（B2）：应为 2026-11-21 这样的日期，要有年份",
        "第 3 行“手机号码”列（G3）：Excel 把它变成了 1.38E+10，末几位已丢失：请设为“文本”格式后重新填写",
        "第 4 行“手机号码”列（G4）：Excel 把它存成了数字 5376600101，前面的 0 可能已丢失：请设为“文本”格式后重新填写",
    ]


@pytest.mark.parametrize(
    ("number", "taken"),
    [(13805370000, True), (6600101, True), (66001012, True), (4006001234, True), (12333, True), (5376600101, False),
     (53766001012, False), (1.3, False)],
)  # fmt: skip
def test_telephone_that_excel_made_a_number_is_read_unless_it_lost_a_zero(
    tmp_path: Path, number: float, taken: bool
) -> None:
    rows: Rows = (OFFICES[0], OFFICES[1], ("h1", "大厅", "c1", "东县大厅", number))
    assert check(write(tmp_path / "r.xlsx", {"机构": rows})).ok is taken


def test_old_workbook_of_wps_with_titles_dates_and_a_total() -> None:
    assert said(check(WPS)) == [
        "第 4 行“联系电话”列（E4）：Excel 把它存成了数字 5376600101，前面的 0 可能已丢失：请设为“文本”格式后重新填写",
        "第 4 行“设备编号”列（A4）：应为 3 至 24 个小写字母、数字或短横",
    ], "box_3 has a form no box has; BOX-2 can only be box-2"
    assert "第 7 行：合计、备注或签名一类的行，未读" in check(WPS).text()
    assert "人员信息表（旧）”：隐藏的工作表，未读" in check(WPS).text()


@pytest.mark.parametrize(
    ("name", "between", "encoding"),
    [("人员.csv", "\t", "gb18030"), ("人员.csv", ";", "gb18030"), ("人员.csv", "\t", "utf-16"), ("人员.txt", "\t", "utf-16"),
     ("人员.txt", "\t", "gb18030"), ("2026年窗口工作人员.csv", ",", "utf-8-sig")],
)  # fmt: skip
def test_text_files_as_excel_saves_them(tmp_path: Path, name: str, between: str, encoding: str) -> None:
    rows = (("工号", "姓名", "工牌"), ("1001", "张 三", "04a1"), ("备注：以上为试用；,\t", "", ""))
    text = "\r\n".join(between.join(row) for row in rows)
    (tmp_path / name).write_bytes(text.encode(encoding))
    (tmp_path / "说明.txt").write_text("somebody's words", encoding="utf-8")
    found = check(tmp_path)
    assert of(found, "staff") == [{"id": "1001", "zh": "张三", "en": "", "badge": "04a1"}]


def test_commas_stay_the_separator_whatever_the_cells_hold(tmp_path: Path) -> None:
    (tmp_path / "business.csv").write_text("代码,名称\n1,转移；接续\n2,补缴;退费;其他\n", encoding="utf-8")
    assert [b["zh"] for b in of(check(tmp_path), "business")] == ["转移；接续", "补缴;退费;其他"]


def test_word_of_an_office_that_bureaus_use(tmp_path: Path) -> None:
    rows: Rows = (
        OFFICES[0], ("c1", "县（市、区）", "", "东县", ""), ("t1", "镇", "c1", "北镇", ""),
        ("h1", "政务服务大厅", "c1", "大厅", ""), ("h2", "便民大厅", "t1", "北镇大厅", ""), ("w1", "综合窗口", "h1", "一号", ""),
        ("w2", "柜台", "h1", "二号", ""),
        ("w3", "窗口", "w2", "三号", ""),
    )  # fmt: skip
    assert said(check(write(tmp_path / "r.xlsx", {"机构": rows}))) == [
        "第 7 行“类型”列（B7）：应为 县区、乡镇、大厅 或 窗口"
    ], "and what follows from it is not said as well"


def test_title_beside_an_empty_cell_of_the_header_is_no_part_of_it(tmp_path: Path) -> None:
    rows: Rows = (("工作人员名单", ""), ("", "工号", "姓名"), ("", "1001", "张三"))
    found = check(write(tmp_path / "r.xlsx", {"人员": rows}))
    assert [b["id"] for b in of(found, "staff")] == ["1001"]
    assert found.notes == ()


def test_table_is_known_by_its_header_where_no_name_says_it(tmp_path: Path) -> None:
    path = write(tmp_path / "r.xlsx", {**{k: v for k, v in CITY.items() if k != "在岗"}, "11月": DUTY})
    assert len(of(check(path), "duty")) == 2


@pytest.mark.parametrize(
    ("name", "rows"),
    [("办公设备", (("设备编号", "名称"), ("p1", "打印机"))), ("通讯录", (("工号", "姓名"), ("1", "甲"))),
     ("物资", (("编号", "名称"), ("1", "纸")))],
)  # fmt: skip
def test_another_table_is_not_taken_for_one_of_ours(tmp_path: Path, name: str, rows: Rows) -> None:
    found = check(write(tmp_path / "r.xlsx", {**CITY, name: rows}))
    assert found.ok, found.text()
    assert len(found.facts) == 9
    assert f"“{name}”：不认识这个工作表，未读" in found.text()


def test_file_of_somebody_elses_that_cannot_be_read_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "人员.csv").write_text("工号,姓名\n1,甲\n", encoding="utf-8")
    (tmp_path / "export.csv").write_bytes(b'\x00\x01"')
    found = check(tmp_path)
    assert found.ok, found.text()
    assert "export.csv：不认识这个文件，未读" in found.text()


def test_grid_with_a_column_for_each_day_is_said_to_be_one(tmp_path: Path) -> None:
    rows: Rows = (("姓名", "工号", "23日", "24日", "25日"), ("张三", "001", "w1", "休", "w1"))
    assert said(check(write(tmp_path / "r.xlsx", {**CITY, "在岗": rows}))) == [
        "第 1 行：每天一列的表读不了：请改成每人每段时间一行"
    ]


def test_number_without_a_format_in_a_book_of_1904_is_no_day(tmp_path: Path) -> None:
    rows: Rows = (DUTY[0], ("001", "w1", 44885.5, ""))
    path = write(tmp_path / "r.xlsx", {**CITY, "在岗": rows}, date_1904=True)
    assert ["是数字 44885.5，不是日期时间" in line for line in said(check(path))] == [True]
    assert check(write(tmp_path / "r.xlsx", {**CITY, "在岗": rows})).ok


@pytest.mark.parametrize(
    ("text", "meant"),
    [("2026年11月22日 上午8:30", "2026-11-22 08:30"), ("2026-11-22下午12:30", "2026-11-22 12:30"),
     ("2026-11-22 中午12点", "2026-11-22 12:00"), ("2026年11月22日星期日8点半", "2026-11-22 08:30"),
     ("20261122", "2026-11-22 00:00")],
)  # fmt: skip
def test_times_as_they_are_written_here(text: str, meant: str) -> None:
    assert moment(text) == ms(meant)


@pytest.mark.parametrize(
    "text",
    [
        "11月22日 8:30",
        "2026-11-22 上午13:30",
        "2026-11-22 晚上12:00",
        "2026-11-22 中午3:00",
        "2026112",
        "20261340",
        "今天",
    ],
)
def test_what_may_mean_two_things_is_no_time(text: str) -> None:
    assert moment(text) is None


@pytest.mark.parametrize("first", ["1001", "张三", "审核", "注册登记", "说明会", "合计窗口", "备注一下"])
def test_row_of_the_table_is_no_note(first: str) -> None:
    assert not is_aside((first, "x"), ("代码", "名称"))
