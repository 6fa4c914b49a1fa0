"""A workbook to fill in: a sheet per table, headers, hints, drop-downs, and rows of an example that pass `check`.

Codes are formatted as text, so that Excel keeps their zeros; times as times. It is read by the same rules as
any other workbook: nothing in it is special but the example's ids. It refuses to write over a file.
"""

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from manyi.core.errors import InputError
from manyi.core.roster.cells import Holds
from manyi.core.roster.check import EXAMPLE
from manyi.core.roster.layouts import COLUMNS
from manyi.core.roster.sources import NAMES
from manyi.core.roster.table import Column

ROWS = 2_000  # rows with formats and drop-downs; more may be filled in without them
HINT_CHARS = 255  # of a hint; Excel refuses the file beyond
WIDTH = 20  # characters of a column

COUNTY, HALL, WINDOW = f"{EXAMPLE}county", f"{EXAMPLE}hall", f"{EXAMPLE}window"
BOX, MAIN, STAND_IN = f"{EXAMPLE}box", f"{EXAMPLE}staff-1", f"{EXAMPLE}staff-2"

TITLE = {True: "Notes", False: "填表说明"}
GUIDE = {
    False: (
        "每张工作表填一种内容，不需要的工作表可以空着或删除。带 * 的列必填。",
        "示例行（编号以 example- 开头）能通过检查；填写时请删除或覆盖。",
        "编号、工号、工牌、电话各列已设为“文本”格式：从别处粘贴时请选“只粘贴值”，以免前面的 0 丢失。",
        "时间为北京时间。在岗、值班领导可以另加“日期”列，这时开始、结束只写时刻。",
        "顶岗（B角）在其时间内代替主岗（A角）；有工牌签到时以工牌为准。",
        "只填需要的：姓名、工号、工牌。不要填身份证号、家庭住址等，也不会读取。",
        "先运行 manyi roster check 文件，再运行 manyi roster import --dry-run 文件，最后导入。",
    ),
    True: (
        "One sheet per table; leave out or delete what you do not need. Columns with * must be filled in.",
        "The example's rows (ids that begin with example-) pass the check; delete or overwrite them.",
        "Columns of codes are formatted as text: paste values only, or zeros at the front are lost.",
        'Times are Beijing time. Duty and leaders may have a column "date"; from and to are then times alone.',
        "A stand-in (B) counts before the main person (A) for its time; a badge counts before both.",
        "Only what is needed: name, staff id, badge. Identity numbers and addresses are neither wanted nor read.",
        "Run manyi roster check FILE, then manyi roster import --dry-run FILE, then import it.",
    ),
}
HINTS: dict[str, tuple[str, str]] = {
    "id": ("字母、数字、点或短横，1 至 32 个，全市唯一", "1 to 32 letters, digits, . _ or -; unique in the city"),
    "type": ("县区、乡镇、大厅 或 窗口", "county, township, hall or window"),
    "parent": ("上一级的编号；县区留空", "the id one level above; empty for a county"),
    "telephone": ("如 0537-6600101", "such as 0537-6600101"),
    "box": ("评价器背面的编号", "the id on the back of the box"),
    "window": ("机构表中窗口的编号；评价器入库时留空", "the window's id in the offices; empty for a box in store"),
    "hall": ("机构表中大厅的编号", "the hall's id in the offices"),
    "staff": ("工号；在岗表留空表示无人", "the staff id; empty in the duty sheet means nobody"),
    "badge": ("工牌卡号，十六进制，可留空", "the badge's number in hex; may be empty"),
    "from": ("如 2026-11-21 08:30", "such as 2026-11-21 08:30"),
    "to": ("如 2026-11-21 12:00；在岗留空表示到另有安排", "such as 2026-11-21 12:00; empty: until further notice"),
    "date": ("可不填；填了则开始、结束只写时刻", "optional; from and to are then times alone"),
    "code": ("1 至 65535，与排队系统、窗口系统一致", "1 to 65535, as the queue and window systems have it"),
    "unit": ("只在某县区或大厅有的业务填其编号，留空为全市", "the county or hall that alone has it; empty: the whole city"),
    "role": ("主岗 或 顶岗；顶岗必须写结束时间", "main or stand-in; a stand-in needs an end"),
}  # fmt: skip
LISTS = {"type": ("county", "township", "hall", "window"), "role": ("main", "stand-in")}
LISTS_ZH = {"type": ("县区", "乡镇", "大厅", "窗口"), "role": ("主岗", "顶岗")}
OFFERED = {"parent": "offices", "window": "offices", "hall": "offices", "unit": "offices", "staff": "staff"}


def template(path: Path, lang: str = "zh") -> None:
    """Writes the workbook. Raises InputError if there is a file already, or none can be made."""
    if path.suffix.lower() != ".xlsx":
        raise InputError(f"{path} 应以 .xlsx 结尾 / must end in .xlsx")
    try:
        with path.open("xb") as file:
            file.write(workbook(lang))
    except FileExistsError as error:
        raise InputError(f"{path} 已存在，不覆盖 / is there already and is not written over") from error
    except OSError as error:
        raise InputError(f"{path} 无法写入 / cannot be written: {error}") from error


def workbook(lang: str = "zh") -> bytes:
    """The same, to be downloaded."""
    en, file = lang == "en", io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    book.set_properties({"title": "manyi roster" if en else "名册模板"})
    guide = book.add_worksheet(TITLE[en])
    guide.set_column(0, 0, 100, book.add_format({"text_wrap": True, "valign": "top"}))
    for row, line in enumerate(GUIDE[en]):
        guide.write_string(row, 0, line)
    examples = _examples(en)
    for kind in NAMES:
        _sheet(book, kind, COLUMNS[kind], examples[kind], en)
    book.close()
    return file.getvalue()


def _sheet(
    book: Any, kind: str, columns: tuple[Column, ...], rows: list[dict[str, str | datetime]], en: bool
) -> None:
    sheet = book.add_worksheet(_name(kind, en))
    sheet.freeze_panes(1, 0)
    heads = [book.add_format({"bold": True, "bottom": 1, "bg_color": c}) for c in ("#DDE7F0", "#F3F3F3")]
    text = book.add_format({"num_format": 49})  # Excel's own Text
    times = {"date": book.add_format({"num_format": "yyyy-mm-dd"})}
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for i, column in enumerate(columns):
        form = times.get(column.name, moment) if column.holds is Holds.time else text
        sheet.set_column(i, i, WIDTH, form)
        title = column.name if en else column.zh
        sheet.write_string(0, i, title if column.optional else f"{title}*", heads[column.optional])
        if rule := _rule(column.name, kind, title, en):
            sheet.data_validation(1, i, ROWS, i, rule)
        for r, row in enumerate(rows, 1):
            match row.get(column.name):
                case datetime() as when:
                    sheet.write_datetime(r, i, when, form)
                case str() as value:
                    sheet.write_string(r, i, value, form)


def _rule(name: str, kind: str, title: str, en: bool) -> dict[str, Any]:
    """The drop-down and the hint of a column. Only fixed words are enforced: ids may be in the ledger already."""
    rule: dict[str, Any] = {"validate": "any"}
    if name in LISTS:
        rule = {"validate": "list", "source": list((LISTS if en else LISTS_ZH)[name])}
    elif name in OFFERED and not (name == "staff" and kind == "staff"):
        rule = {
            "validate": "list",
            "source": f"='{_name(OFFERED[name], en)}'!$A$2:$A${ROWS}",
            "show_error": False,
        }
    if name in HINTS:
        rule |= {"input_title": title, "input_message": HINTS[name][en][:HINT_CHARS]}
    return rule if len(rule) > 1 else {}


def _name(kind: str, en: bool) -> str:
    return kind if en else NAMES[kind][0]


def _examples(en: bool) -> dict[str, list[dict[str, str | datetime]]]:
    tier = (LISTS if en else LISTS_ZH)["type"]
    main, stand_in = (LISTS if en else LISTS_ZH)["role"]
    words = ("Example County", "Example Hall", "Window 1", "Zhang San", "Li Si", "Wang Min", "Registration")
    county, hall, window, a, b, leader, business = (
        words if en else ("示例县", "示例县人社服务大厅", "1 号窗口", "张三", "李四", "王敏", "社保登记")
    )
    day = datetime(2026, 1, 5)
    eight, nine, ten, five = (day.replace(hour=h) for h in (8, 9, 10, 17))
    return {
        "offices": [
            {"id": COUNTY, "type": tier[0], "name": county, "name_en": "Example County"},
            {
                "id": HALL,
                "type": tier[2],
                "parent": COUNTY,
                "name": hall,
                "name_en": "Example Hall",
                "telephone": "0537-6600101",
            },
            {"id": WINDOW, "type": tier[3], "parent": HALL, "name": window, "name_en": "Window 1"},
        ],
        "boxes": [{"box": BOX, "window": WINDOW, "from": day}],
        "staff": [{"staff": MAIN, "name": a, "badge": "04a1b21f"}, {"staff": STAND_IN, "name": b}],
        "duty": [
            {"staff": MAIN, "window": WINDOW, "from": eight, "to": five, "name": a, "role": main},
            {"staff": STAND_IN, "window": WINDOW, "from": nine, "to": ten, "name": b, "role": stand_in},
        ],
        "leaders": [{"hall": HALL, "from": eight, "to": five, "name": leader, "telephone": "0537-6600102"}],
        "business": [{"code": "101", "name": business, "name_en": "Registration", "unit": HALL}],
    }
