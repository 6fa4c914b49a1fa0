"""Leaders on duty and stand-ins: what is wrong in their rows, who is found when, and who may never see them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manyi.core import export, stores
from manyi.core.ratings.store import Ratings
from manyi.core.roster import Leader, Roster, check, import_
from manyi.core.roster.attribution import staff_of
from manyi.core.roster.facts import Facts
from manyi.core.roster.rows import fact_rows
from manyi.core.roster.times import moment
from manyi.core.wall.store import Wall, hall_snapshot, snapshot

from tests.collector.paper_ledger import NOON, TOWN, PaperLedger, on_duty

LEADERS = "大厅,开始,结束,值班领导,值班电话\n"
DUTY = "工号,窗口,开始,结束,A/B角\n"
TEL = "0537-6600101"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[PaperLedger]:
    made = PaperLedger(tmp_path)
    made.fact(*TOWN)
    yield made
    made.close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def known(ledger: PaperLedger, as_of_row: int | None = None) -> Roster:
    return Roster.from_facts(fact_rows(ledger.conn), as_of_row)


def at(text: str) -> int:
    found = moment(f"2026-11-{text}")
    assert found is not None
    return found


def test_everything_wrong_with_leaders_at_once(ledger: PaperLedger, files: Path) -> None:
    (files / "值班领导.csv").write_text(
        LEADERS + f"h1,2026-11-21 08:00,2026-11-21 12:00,王敏,{TEL}\n"
        f"h1,2026-11-21 11:00,2026-11-21 18:00,李强,{TEL}\n"
        f"w1,2026-11-21 08:00,,赵云,{TEL}\n"
        f"h2,2026-11-21 08:00,2026-11-21 08:00,,办公室\n,2026-11-21 08:00,,周兰,\n",
        encoding="utf-8",
    )
    assert check(files, known(ledger)).text().splitlines() == [
        "值班领导.csv 第 3 行“开始”列：大厅 h1 的值班时间与第 2 行重叠",
        "值班领导.csv 第 4 行“大厅”列：没有编号为 w1 的大厅",
        "值班领导.csv 第 5 行“结束”列：结束时间不晚于开始时间",
        "值班领导.csv 第 5 行“值班领导”列：不能为空",
        "值班领导.csv 第 5 行“值班电话”列：应为电话号码，如 0537-6600101",
        "值班领导.csv 第 6 行“大厅”列：不能为空",
        "值班领导.csv 第 6 行“值班电话”列：应为电话号码，如 0537-6600101",
    ]


@pytest.mark.parametrize(
    "good", ["12333", "13800000000", "+86 537 6600101", "(0537)6600101", "0537-6600101转8"]
)
def test_telephones_as_people_write_them(ledger: PaperLedger, files: Path, good: str) -> None:
    (files / "leaders.csv").write_text(LEADERS + f"h1,2026-11-21,,王敏,{good}\n", encoding="utf-8")
    found = check(files, known(ledger))
    assert found.ok, found.text()
    assert found.facts[0][1]["tel"] == good


def test_leader_is_found_by_hall_and_time_and_a_correction_keeps_the_old(
    ledger: PaperLedger, files: Path
) -> None:
    text = LEADERS + f"h1,2026-11-21 08:00,2026-11-21 12:00,王敏,{TEL}\nh1,2026-11-21 13:00,,李强,12333\n"
    (files / "leaders.csv").write_text(text, encoding="utf-8")
    assert import_(files, ledger.conn, NOON).report.ok
    row = ledger.rows()
    first = known(ledger)
    times = [at(t) for t in ("21 07:59", "21 08:00", "21 12:00", "21 13:00", "30 00:00")]
    wang, li = Leader("王敏", TEL), Leader("李强", "12333")
    assert [first.leader("h1", t) for t in times] == [None, wang, None, li, li]
    assert first.leader("h2", times[1]) is None
    (files / "leaders.csv").write_text(text.replace("王敏", "赵云"), encoding="utf-8")
    assert len(import_(files, ledger.conn, NOON + 1).changes) == 1
    assert known(ledger).leader("h1", times[1]) == Leader("赵云", TEL)
    assert known(ledger, row).leader("h1", times[1]) == wang


def test_stand_in_without_an_end_or_with_another_over_it(ledger: PaperLedger, files: Path) -> None:
    (files / "duty.csv").write_text(
        DUTY + "ann,w1,2026-11-21 08:00,,A\ncat,w1,2026-11-21 09:00,,B\n"
        "bob,w1,2026-11-21 08:30,2026-11-21 10:00,B角\nbob,w2,2026-11-21 08:30,,C\n",
        encoding="utf-8",
    )
    assert check(files, known(ledger)).text().splitlines() == [
        "duty.csv 第 3 行“结束”列：顶岗必须写明结束时间",
        "duty.csv 第 3 行“开始”列：窗口 w1 的顶岗时间与第 4 行重叠",
        "duty.csv 第 5 行“A/B角”列：应为 主岗（A角）或 顶岗（B角）",
    ]


def test_badge_first_then_the_stand_in_then_the_main(ledger: PaperLedger, files: Path) -> None:
    text = DUTY + "cat,w1,2026-11-21 09:00,2026-11-21 10:00,b\n"
    (files / "duty.csv").write_text(text, encoding="utf-8")
    assert import_(files, ledger.conn, NOON).report.ok
    roster = known(ledger)
    assert [roster.who("w1", at(t)) for t in ("21 08:59", "21 09:00", "21 10:00")] == ["ann", "cat", "ann"]
    nine = at("21 09:00")
    assert [staff_of(roster, "w1", nine, badge, None) for badge in (None, "04b2", "", "ffff")] == [
        "cat",
        "bob",
        "",
        "",
    ]


def test_leader_is_on_the_centres_wall_alone_and_in_no_export_without_persons(
    ledger: PaperLedger, files: Path, tmp_path: Path
) -> None:
    (files / "leaders.csv").write_text(LEADERS + f"h1,2026-11-21,,王敏,{TEL}\n", encoding="utf-8")
    import_(files, ledger.conn, NOON)
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", 60_000, 3)
    Ratings(tmp_path / "ratings.db", ledger.conn).drain()
    wall = Wall(tmp_path / "wall.db", stores.open_reader(tmp_path / "ratings.db"), ("东市", "East"))
    assert wall.step()
    wall.release(NOON + 86_400_000)
    screens = stores.open_reader(tmp_path / "wall.db")
    held = [line for line in screens.iterdump() if re.search(f"王敏|\\\\u738b|{TEL}", line)]
    assert [line.split("(")[0] for line in held] == ['INSERT INTO "latest" VALUES']
    (red,) = snapshot(screens, NOON)["latest"]
    assert (red["leader"], red["leader_phone"]) == ("王敏", TEL)
    of_hall = json.dumps(hall_snapshot(screens, "h1", NOON), ensure_ascii=False)
    assert "h1" in of_hall
    assert not re.search(f"王敏|{TEL}", of_hall)
    days = (date(2026, 11, 20), date(2026, 11, 22))
    for persons in (False, True):
        out = tmp_path / f"export-{persons}"
        export.write(ledger.conn, tmp_path / "roots", out, days, persons=persons)
        rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
        (leader,) = [row for row in rows if row["kind"] == "leader"]
        assert (TEL.encode().hex() in leader.get("body", "")) is persons
        assert ("digest" in leader) is not persons


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20), st.booleans()), max_size=12)


@given(spans)
def test_for_every_minute_the_stand_in_counts_where_there_is_one(rows: list[tuple[int, int, bool]]) -> None:
    facts = Facts()
    main = [on_duty("w1", "main", 0, 60)]
    covers = {begin: (begin, begin + long, f"b{begin}") for begin, long, cover in rows if cover}
    cut = sorted(covers.values())
    ends = [min(to, cut[i + 1][0] if i + 1 < len(cut) else to) for i, (_, to, _) in enumerate(cut)]
    stated = [("cover", on_duty("w1", who, a, b)[1]) for (a, _, who), b in zip(cut, ends, strict=True)]
    roster = Roster(facts.after(facts.differences(main + stated)))
    for minute in range(80):
        expected = [who for (a, _, who), b in zip(cut, ends, strict=True) if a <= minute < b]
        assert roster.who("w1", minute) == (expected[0] if expected else "main" if minute < 60 else "")
