"""The roster: files that are right, wrong in every way, corrected later, and what the look-ups then say."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import manyi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from manyi.core.ledger import reader, schema
from manyi.core.roster import NOWHERE, Place, Roster, check, import_, preview
from manyi.core.roster.policy import state_policy
from manyi.core.roster.rows import fact_rows

CITY = Path(manyi.__file__).parent / "demo" / "city"
HOUR = 3_600_000
MORNING = 1_795_219_200_000  # 2026-11-21 08:00 in Beijing

OFFICES = """\
id,type,parent,name,name_en,telephone
c1,county,,东县,East,
h1,hall,c1,东县大厅,East Hall,0537-1
w1,window,h1,一号,One,
w2,window,h1,二号,Two,
"""
BOXES = "box,window,from\nbox-1,w1,2026-01-01\n"
STAFF = "staff,name,name_en,badge\na,张三,,04:A1\nb,李四,,\n"
DUTY = (
    "staff,window,from,to\na,w1,2026-11-21 08:00,2026-11-21 12:00\nb,w1,2026-11-21 12:00,2026-11-21 18:00\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "roster"
    home.mkdir()
    write(home, offices=OFFICES, boxes=BOXES, staff=STAFF, duty=DUTY)
    return home


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    conn = schema.open_for_writing(tmp_path / "ledger.db")
    yield conn
    conn.close()


def write(home: Path, **files: str) -> None:
    for name, text in files.items():
        (home / f"{name}.csv").write_text(text, encoding="utf-8")


def said(folder: Path, lang: str = "zh") -> str:
    report = check(folder)
    assert not report.ok
    assert report.facts == ()
    return report.text(lang)


def roster_of(ledger: sqlite3.Connection, as_of_row: int | None = None) -> Roster:
    return Roster.from_facts(fact_rows(ledger), as_of_row)


def test_demo_city_is_right() -> None:
    report = check(CITY)
    assert report.ok, report.text("en")
    assert not report.notes


def test_demo_city_places_and_staffs_every_box(ledger: sqlite3.Connection) -> None:
    assert import_(CITY, ledger, MORNING).report.ok
    roster = roster_of(ledger)
    assert sorted(roster.boxes) == [f"sim-{i:03d}" for i in range(1, 13)]
    places = [roster.where(box, MORNING) for box in sorted(roster.boxes)]
    assert len({p.window for p in places}) == 12
    assert len({p.hall for p in places}) == 3
    assert len({p.county for p in places}) == 2
    assert places[-1] == Place("sh", "sh-ll", "sh-h2", "sh-h2-w3")
    assert all(roster.who(p.window, MORNING) in roster.staff for p in places)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_headers_in_the_encodings_bureaus_have(folder: Path, encoding: str) -> None:
    header = "机构编号,级别,上级机构,机构名称\r\n"
    text = header + "c1,县区,,东县\r\nh1,大厅,c1,东县大厅\r\nw1,窗口,h1,一号\r\nw2,窗口,h1,二号\r\n"
    (folder / "offices.csv").write_bytes(text.encode(encoding))
    report = check(folder)
    assert report.ok, report.text()
    assert [b["zh"] for k, b in report.facts if k == "office"] == ["东县", "东县大厅", "一号", "二号"]


def test_wrong_encoding_is_said_in_plain_words(folder: Path) -> None:
    (folder / "staff.csv").write_bytes("staff,name\na,张三\n".encode("utf-16-le"))
    assert "staff.csv：编码无法识别" in said(folder)


@pytest.mark.parametrize(
    "unseen", ["\x1b[2J", "\n共记录 0 处变化。", "\x7f", "\u202e", "\u200b", "\u2066", "\u00ad"]
)
@pytest.mark.parametrize("column", [3, 4])
def test_name_with_what_nobody_sees_gets_nowhere(tmp_path: Path, unseen: str, column: int) -> None:
    """It would steer the terminal that shows the report, put a line into it, or make two people look like one."""
    row = ["c1", "县区", "", "东平", "Dongping"]
    row[column] = f"东{unseen}平"
    text = "编号,类型,上级,名称,英文名\n" + ",".join(f'"{cell}"' for cell in row) + "\n"
    (tmp_path / "机构.csv").write_text(text, encoding="utf-8")
    found = check(tmp_path)
    assert unseen not in found.text()
    assert all(unseen not in str(value) for _, body in found.facts for value in body.values())
    if unseen < " " or unseen == "\x7f":
        assert "看不见的字符" in found.text()


def test_wrong_header_names_the_file_the_column_and_what_is_known(folder: Path) -> None:
    write(folder, boxes="box,windw,from\nbox-1,w1,2026-01-01\n")
    text = said(folder, "en")
    assert 'boxes.csv, row 1, column "windw": unknown header; known are: box, window, from' in text
    assert 'boxes.csv, row 1, column "窗口": the column "window" is missing' in text


def test_all_errors_of_all_files_at_once(folder: Path) -> None:
    write(
        folder,
        offices=OFFICES
        + "w2,window,h1,又一个二号,,\nw3,window,c9,三号,,\nh9,hall,,无县大厅,,\nx,office,c1,啥,,\n",
        boxes="box,window,from\nBOX 1,w1,2026-01-01\nbox-2,w7,yesterday\n",
        staff="staff,name,badge\na,张三,zz\na,,\n",
        duty="staff,window,from,to\na,w1,2026-11-21 08:00,2026-11-21 12:00\n"
        "z,w1,2026-11-21 11:00,2026-11-21 10:00\n",
    )
    lines = said(folder).splitlines()
    for expected in (
        "offices.csv 第 6 行“id”列：编号重复（第 5 行已有）",
        "offices.csv 第 7 行“parent”列：没有编号为 c9 的机构",
        "offices.csv 第 8 行“parent”列：大厅的上级应为县区或乡镇",
        "offices.csv 第 9 行“type”列：应为 县区、乡镇、大厅 或 窗口",
        "boxes.csv 第 2 行“box”列：应为 3 至 24 个小写字母、数字或短横",
        "boxes.csv 第 3 行“window”列：没有编号为 w7 的窗口",
        "boxes.csv 第 3 行“from”列：应为 2026-11-21 08:30 这样的北京时间",
        "staff.csv 第 2 行“badge”列：工牌应为 1 至 10 个字节的十六进制",
        "staff.csv 第 3 行“staff”列：工号重复（第 2 行已有）",
        "staff.csv 第 3 行“name”列：不能为空",
        "duty.csv 第 3 行“to”列：结束时间不晚于开始时间",
        "duty.csv 第 3 行“from”列：窗口 w1 的在岗时间与第 2 行重叠",
        "duty.csv 第 3 行“staff”列：没有工号为 z 的人员",
    ):
        assert expected in lines
    assert len(lines) == 13


def test_folder_without_any_file(tmp_path: Path) -> None:
    assert "offices.csv" in said(tmp_path)


def test_nothing_is_imported_if_one_cell_is_wrong(folder: Path, ledger: sqlite3.Connection) -> None:
    write(folder, duty=DUTY.replace("b,w1", "nobody,w1"))
    done = import_(folder, ledger, MORNING)
    assert done.changes == ()
    assert reader.tail(ledger)[0] == 0
    assert "什么也没有导入" in done.text()


def test_second_import_of_the_same_files_changes_nothing(folder: Path, ledger: sqlite3.Connection) -> None:
    first = import_(folder, ledger, MORNING)
    assert len(first.changes) == 4 + 1 + 2 + 2
    assert import_(folder, ledger, MORNING + 1).changes == ()


def test_dry_run_says_what_would_change_and_changes_nothing(folder: Path, ledger: sqlite3.Connection) -> None:
    assert preview(folder, ledger, None).changes
    assert preview(folder, None, None).changes == preview(folder, ledger, None).changes
    assert reader.tail(ledger)[0] == 0


def test_duty_alone_may_refer_to_what_the_ledger_knows(
    folder: Path, ledger: sqlite3.Connection, tmp_path: Path
) -> None:
    import_(folder, ledger, MORNING)
    week = tmp_path / "week"
    week.mkdir()
    write(week, duty="工号,窗口,开始,结束\nb,w2,2026/11/23 8:30,2026/11/23 24:00\n")
    done = import_(week, ledger, MORNING + 1)
    assert done.report.ok, done.text()
    assert len(done.changes) == 1
    assert roster_of(ledger).who("w2", MORNING + 2 * 24 * HOUR + 16 * HOUR - 1) == "b"
    assert roster_of(ledger).who("w2", MORNING + 2 * 24 * HOUR + 16 * HOUR) == ""


def test_late_correction_and_yesterdays_view_can_both_be_had(
    folder: Path, ledger: sqlite3.Connection
) -> None:
    import_(folder, ledger, MORNING)
    before = reader.tail(ledger)[0]
    write(folder, duty=DUTY.replace("a,w1", "b,w1", 1))
    done = import_(folder, ledger, MORNING + HOUR)
    assert "更改 在岗 w1 2026-11-21 08:00：工号 张三(a) → 李四(b)" in done.text()
    assert roster_of(ledger).who("w1", MORNING) == "b"
    assert roster_of(ledger, before).who("w1", MORNING) == "a"


def test_moved_duty_row_withdraws_the_old_one(folder: Path, ledger: sqlite3.Connection) -> None:
    import_(folder, ledger, MORNING)
    write(folder, duty=DUTY.replace("b,w1,2026-11-21 12:00", "b,w1,2026-11-21 14:00"))
    import_(folder, ledger, MORNING + 1)
    roster = roster_of(ledger)
    assert roster.who("w1", MORNING + 5 * HOUR) == ""
    assert roster.who("w1", MORNING + 6 * HOUR) == "b"


def test_file_that_begins_in_the_middle_of_a_recorded_row_cuts_it(
    folder: Path, ledger: sqlite3.Connection
) -> None:
    import_(folder, ledger, MORNING)
    write(folder, duty="staff,window,from,to\nb,w1,2026-11-21 10:00,2026-11-21 11:00\n")
    import_(folder, ledger, MORNING + 1)
    roster = roster_of(ledger)
    assert [roster.who("w1", MORNING + h * HOUR) for h in (0, 1, 2, 3, 4)] == ["a", "a", "b", "", "b"]


def test_box_moves_and_goes_into_store(folder: Path, ledger: sqlite3.Connection) -> None:
    write(folder, boxes=BOXES + "box-1,w2,2026-11-21 12:00\nbox-1,,2026-11-21 18:00\n")
    import_(folder, ledger, MORNING)
    roster = roster_of(ledger)
    windows = [roster.where("box-1", MORNING + h * HOUR).window for h in (3, 4, 10)]
    assert windows == ["w1", "w2", ""]
    assert roster.where("box-1", 0) == NOWHERE
    assert roster.where("box-9", MORNING) == NOWHERE
    assert roster.boxes_at("w2") == {"box-1"}


def test_duty_until_further_notice_ends_with_the_next_row(folder: Path, ledger: sqlite3.Connection) -> None:
    write(
        folder,
        duty="staff,window,from,to\na,w1,2026-11-21 08:00,\n"
        ",w1,2026-11-21 12:00,2026-11-21 13:00\nb,w1,2026-11-21 13:00,\n",
    )
    import_(folder, ledger, MORNING)
    roster = roster_of(ledger)
    assert [roster.who("w1", MORNING + h * HOUR) for h in (-1, 0, 4, 5, 9_999)] == ["", "a", "", "b", "b"]


def test_badge_belongs_to_whoever_the_newest_fact_says(folder: Path, ledger: sqlite3.Connection) -> None:
    import_(folder, ledger, MORNING)
    assert roster_of(ledger).holder("04a1") == "a"
    assert roster_of(ledger).holder("ffff") == ""
    write(folder, staff="staff,name,badge\nb,李四,04a1\n")
    assert "already belongs to a" in import_(folder, ledger, MORNING + 1).text("en")
    write(folder, staff="staff,name,badge\na,张三,\nb,李四,04 A1\n")
    import_(folder, ledger, MORNING + 2)
    assert roster_of(ledger).holder("04a1") == "b"


def test_fact_that_cannot_be_read_changes_nothing(folder: Path, ledger: sqlite3.Connection) -> None:
    rows = [
        reader.Row(1, 0, "duty", "", "", 0, 0, b"{", b""),
        reader.Row(2, 0, "box", "", "", 0, 0, b"{}", b""),
    ]
    assert Roster.from_facts(rows).who("w1", MORNING) == ""


def test_policy_is_stated_once_and_only_if_it_differs(ledger: sqlite3.Connection) -> None:
    assert not state_policy(ledger, MORNING, 5_000)
    assert state_policy(ledger, MORNING, 8_000)
    assert not state_policy(ledger, MORNING, 8_000)
    assert state_policy(ledger, MORNING, 5_000)
    assert [json.loads(r.body)["visit_ms"] for r in fact_rows(ledger)] == [8_000, 5_000]
    with pytest.raises(ValueError, match="2000 to 15000"):
        state_policy(ledger, MORNING, 1_000)


@given(st.binary(max_size=300))
def test_no_bytes_make_a_check_raise(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    home = tmp_path_factory.mktemp("junk")
    (home / "duty.csv").write_bytes(b"staff,window,from,to\n" + raw)
    (home / "offices.csv").write_bytes(raw)
    assert not check(home).ok
