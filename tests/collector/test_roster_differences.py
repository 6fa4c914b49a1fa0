"""What an import would change, said before it is made: every figure is then compared with what the import does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manyi.core import stores
from manyi.core.ledger import reader
from manyi.core.ratings.known_at import as_of
from manyi.core.ratings.store import Ratings
from manyi.core.roster import Imported, import_, preview
from manyi.core.roster.differences import SHOWN

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, PaperLedger

EVER = 2**62


class Town:
    """A ledger with TOWN's roster and 3 boxes' ratings, each minute round noon; files come into `files`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.files = folder / "files"
        self.files.mkdir()
        self.ledger = PaperLedger(folder)
        self.ledger.fact(*TOWN)
        for box in ("box-1", "box-2", "box-3"):
            self.ledger.clock(box, 0, NOON)
            if box == "box-2":
                self.ledger.duty(box, 5 * MINUTE, "04b2")
            for minute in range(1, 11):
                self.ledger.press(box, minute * MINUTE, 1 + minute % 3, NOON + minute * MINUTE)
        self.ratings = Ratings(folder / "ratings.db", self.ledger.conn)
        self.ratings.drain()
        self.reader = stores.open_reader(folder / "ratings.db")

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.files / f"{name}.csv").write_text(text, encoding="utf-8")

    def said(self) -> Imported:
        before = reader.tail(self.ledger.conn)[0]
        found = preview(self.files, self.ledger.conn, self.reader)
        assert reader.tail(self.ledger.conn)[0] == before
        return found

    def done(self) -> Counter[tuple[str, str, str, str]]:
        """Imports, and counts what really moved."""
        old = {(r.box, r.life, r.seq): r for r in as_of(self.reader, EVER)}
        assert import_(self.files, self.ledger.conn, NOON + 1).report.ok
        self.ratings.drain()
        return Counter(
            (old[k].window, old[k].staff, r.window, r.staff)
            for r in as_of(self.reader, EVER)
            if r.version != old[k := (r.box, r.life, r.seq)].version
        )


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path / "town")
    yield made
    made.ledger.close()


def at(minute: int) -> str:
    return f"2026-11-21 12:{minute:02}"


def test_late_correction_says_how_many_ratings_go_from_whom_to_whom(town: Town) -> None:
    town.write(duty=f"工号,窗口,开始,结束\ncat,w1,{at(4)},{at(8)}\n")
    said = town.said()
    assert said.moved == {("w1", "ann", "w1", "cat"): 4, ("w1", "ann", "w1", ""): 3}
    assert said.text().splitlines() == [
        "新增 在岗 w1 2026-11-21 12:04：结束 2026-11-21 12:08，工号 cat(cat)",
        "新增 1，结束 0，更改 0。",
        "改变归属的评价：7 条",
        "  w1 ann(ann) → w1 cat(cat)：4 条",
        "  w1 ann(ann) → w1 未签到：3 条",
        "这是试运行，什么也没有记录。",
    ]
    assert town.done() == said.moved


def test_stand_in_counts_before_the_main_and_after_the_badge(town: Town) -> None:
    rows = f"cat,w1,{at(4)},{at(8)},顶岗\ncat,w2,{at(4)},{at(8)},B角\n"
    town.write(duty="工号,窗口,开始,结束,AB角\n" + rows)
    said = town.said()
    assert said.moved == {("w1", "ann", "w1", "cat"): 4, ("w2", "bob", "w2", "cat"): 1}, (
        "bob's badge from 12:05"
    )
    assert "新增 顶岗 w1 2026-11-21 12:04" in said.text()
    assert town.done() == said.moved
    town.write(duty=f"工号,窗口,开始,结束,AB角\n,w1,{at(4)},{at(8)},顶岗\n")
    assert town.done() == {("w1", "cat", "w1", "ann"): 4}, "the main is back by an empty stand-in"


def test_badge_that_goes_to_somebody_else(town: Town) -> None:
    town.write(staff="工号,姓名,工牌\nbob,bob,\ncat,cat,04b2\n")
    said = town.said()
    assert "更改 人员 bob：英文名 bob → —，工牌 04b2 → —" in said.text()
    assert said.moved == {("w2", "bob", "w2", "cat"): 6}
    assert town.done() == said.moved


def test_hall_that_goes_to_another_county(town: Town) -> None:
    town.write(offices="编号,类型,上级编号,名称\nh1,大厅,c2,h1\n")
    said = town.said()
    assert said.moved is not None
    assert said.moved.total() == 20
    assert "w1 ann(ann) → 上级机构变化：10 条" in said.text()
    assert "in another hall or county: 10" in said.text("en")
    assert town.done() == said.moved


def test_row_that_begins_later_and_one_that_is_cut_are_told_apart(town: Town) -> None:
    town.write(duty=f"工号,窗口,开始,结束\ncat,w3,{at(2)},{at(8)}\n")
    assert town.done() == {("w3", "", "w3", "cat"): 6}
    town.write(duty=f"工号,窗口,开始,结束\nbob,w3,{at(5)},{at(8)}\n")
    said = town.said()
    assert said.text().splitlines()[:3] == [
        "新增 在岗 w3 2026-11-21 12:05：结束 2026-11-21 12:08，工号 bob(bob)",
        "结束 在岗 w3 2026-11-21 12:02：结束 2026-11-21 12:08 → 2026-11-21 12:05",
        "新增 1，结束 1，更改 0。",
    ]
    assert town.done() == said.moved == {("w3", "cat", "w3", "bob"): 3}


def test_no_difference_moves_nothing(town: Town) -> None:
    town.write(boxes="评价器,窗口,启用时间\nbox-1,w1,1970-01-01 08:00\n")
    assert town.said().text("en").splitlines() == [
        "added 0, ended 0, changed 0.",
        "Ratings that move: 0",
        "Nothing was recorded: this was a dry run.",
    ]


def test_without_a_ledger_or_ratings_everything_is_new(town: Town) -> None:
    town.write(offices="编号,类型,上级编号,名称\nc9,县区,,北县\n")
    text = preview(town.files, None, None).text()
    assert "新增 机构 c9：类型 县区，名称 北县\n新增 1，结束 0，更改 0。\n还没有评价库" in text


def test_long_list_is_cut_and_its_figures_stay_exact(town: Town) -> None:
    rows = "".join(f"s{i},张三\n" for i in range(SHOWN + 5))
    town.write(staff="工号,姓名\n" + rows)
    lines = town.said().text().splitlines()
    assert lines[SHOWN : SHOWN + 2] == ["…… 另有 5 行", f"新增 {SHOWN + 5}，结束 0，更改 0。"]


def test_leader_on_duty_is_found_by_hall_and_time_and_moves_nothing(town: Town) -> None:
    town.write(leaders=f"大厅,开始,结束,姓名,电话\nh1,{at(0)},{at(30)},王　敏,0537-6600101\n")
    said = town.said()
    assert said.moved == {}
    assert (
        "新增 值班领导 h1 2026-11-21 12:00：结束 2026-11-21 12:30，名称 王敏，电话 0537-6600101"
        in said.text()
    )
    assert town.done() == {}


shifts = st.lists(
    st.tuples(st.sampled_from(["w1", "w2", "w3"]), st.sampled_from(["ann", "bob", "cat", ""]), st.booleans()),
    max_size=8,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(shifts, st.sampled_from(["", "w1", "w2", "w3"]))
def test_what_is_said_is_what_happens(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, bool]], moved_to: str
) -> None:
    town = Town(tmp_path_factory.mktemp("t") / "town")
    duty = "".join(
        f"{who},{window},{at(i + 1)},{at(i + 2)},{'顶岗' if cover else '主岗'}\n"
        for i, (window, who, cover) in enumerate(rows)
    )
    town.write(
        duty="工号,窗口,开始,结束,角色\n" + duty,
        boxes=f"评价器,窗口,启用时间\nbox-1,w1,1970-01-01 08:00\nbox-1,{moved_to},{at(6)}\n",
    )
    said = town.said()
    assert said.report.ok, said.text()
    assert town.done() == said.moved
    assert not preview(town.files, town.ledger.conn, town.reader).changes
    town.ledger.close()
