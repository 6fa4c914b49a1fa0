"""Workbooks as bureaus have them, written by xlsxwriter for the tests of the roster. Every call makes a real file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter

Rows = Sequence[Sequence[Any]]

OFFICES: Rows = (
    ("编号", "类型", "上级编号", "名称", "电话"),
    ("c1", "县区", "", "东县", ""),
    ("h1", "大厅", "c1", "东县大厅", "0537-6600101"),
    ("w1", "窗口", "h1", "一号", ""),
    ("w2", "窗口", "h1", "二号", ""),
)
BOXES: Rows = (("评价器", "窗口", "启用时间"), ("box-1", "w1", datetime(2026, 1, 1)))
STAFF: Rows = (("工号", "姓名", "工牌"), ("001", "张三", "04a1"), ("002", "李四", ""))
DUTY: Rows = (
    ("工号", "窗口", "开始", "结束"),
    ("001", "w1", datetime(2026, 11, 21, 8), datetime(2026, 11, 21, 12)),
    ("002", "w1", datetime(2026, 11, 21, 12), datetime(2026, 11, 21, 18)),
)
CITY: Mapping[str, Rows] = {"机构": OFFICES, "评价器": BOXES, "人员": STAFF, "在岗": DUTY}


def write(
    path: Path,
    sheets: Mapping[str, Rows],
    merge: Mapping[str, Sequence[tuple[str, Any]]] | None = None,
    hidden: Sequence[str] = (),
    **options: Any,
) -> Path:
    """A workbook with each sheet's rows from A1 on; `merge` are ranges with what stands in them."""
    book = xlsxwriter.Workbook(str(path), options)
    forms = {
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
        time: book.add_format({"num_format": "hh:mm"}),
        timedelta: book.add_format({"num_format": "[h]:mm"}),
    }
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if type(value) in forms:
                    sheet.write_datetime(r, c, value, forms[type(value)])
                elif isinstance(value, str):
                    sheet.write_string(r, c, value)
                elif value is not None:
                    sheet.write(r, c, value)
        for where, value in (merge or {}).get(name, ()):
            sheet.merge_range(where, value)
        if name in hidden:
            sheet.hide()
    book.close()
    return path
