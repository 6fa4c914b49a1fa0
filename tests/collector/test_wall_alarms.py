"""The wall's alarms that are rules, each from the ledger to the JSON: when it begins, what it names, when it ends."""

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from manyi.broker import ca
from manyi.core import disk, known, metrics, record
from manyi.core.alarms import certificates
from manyi.core.alarms.kinds import RANK, TEXTS, alarm, in_order, of_box
from manyi.core.alarms.rules import FORK_MS, PATIENCE_MS, RARELY_MS
from manyi.core.config import Alarms
from manyi.core.days import day_of
from manyi.core.disk import GIB, MIB, Room
from manyi.core.orders.store import Orders
from manyi.core.projector import Figures
from manyi.core.roster.model import Roster
from manyi.core.wall.health import Health
from manyi.core.workings import BROKER, PIPELINE, Workings

from tests.collector.paper_ledger import LIFE, MINUTE, NOON, TOWN, office, placed
from tests.collector.test_influx_health import Ward, ward
from tests.collector.test_wall import DAY, Screen, screen

__all__ = ["screen", "ward"]  # fixtures
SILENT_MS = 180_000


class Eye:
    """The wall's health over a screen, at times of the test's choosing."""

    def __init__(self, screen: Screen, rules: Alarms | None = None, **more: Any) -> None:
        self.screen = screen
        self.workings = Workings()
        self.health = Health(
            screen.ledger.conn, screen.source, screen.conn, SILENT_MS, alarms=rules or Alarms(),
            workings=self.workings, **more,
        )  # fmt: skip

    def all(self, now_ms: int) -> list[dict[str, Any]]:
        self.screen.follow()
        found: list[dict[str, Any]] = self.health.look(self.screen.wall.roster, now_ms)["alarms"]
        return found

    def see(self, kind: str, now_ms: int = NOON) -> list[dict[str, Any]]:
        return [a for a in self.all(now_ms) if a["kind"] == kind]

    def hear(self, now_ms: int, *boxes: str) -> None:
        say = "INSERT OR REPLACE INTO state VALUES (?, ?, 1, '1.0.0', 'x', 1, 1)"
        for box in boxes:
            self.screen.ledger.conn.execute(say, (box, now_ms))


@pytest.fixture
def eye(screen: Screen) -> Eye:
    screen.ledger.fact(*TOWN)
    return Eye(screen)


# -- boxes


def test_a_box_that_says_nothing_is_named_with_its_window_and_county_and_is_over_when_it_speaks(
    eye: Eye,
) -> None:
    eye.hear(NOON, "box-1", "box-2", "box-3")
    assert eye.see("silent", NOON + SILENT_MS) == []
    eye.hear(NOON + SILENT_MS, "box-1", "box-3")
    (one,) = eye.see("silent", NOON + SILENT_MS + 1)
    assert (one["subject"], one["county"], one["since_ms"]) == ("box-2", "c1", NOON)
    assert one["text_zh"] == "评价器 box-2（c1h1w2）失联"
    eye.hear(NOON + SILENT_MS + 2, "box-2")
    assert eye.see("silent", NOON + SILENT_MS + 3) == []


def test_a_dark_city_is_one_alarm_and_none_of_its_boxes(eye: Eye) -> None:
    eye.hear(NOON, "box-1", "box-2", "box-3")
    late = NOON + SILENT_MS + 1
    (one,) = eye.see("outage", late)
    assert (one["subject"], one["county"], one["since_ms"]) == ("", "", NOON)
    assert one["text_zh"].startswith("全市：3 台评价器中 3 台")
    assert eye.see("silent", late) == []


def test_a_dark_county_is_named(screen: Screen) -> None:
    more = [office("window", f"w{i}", "h1") for i in (5, 6)] + [placed(f"box-{i}", f"w{i}") for i in (5, 6)]
    screen.ledger.fact(*TOWN, office("county", "c1", zh="甲县"), *more)
    eye = Eye(screen)
    eye.hear(NOON, "box-1", "box-2", "box-5", "box-6")
    eye.hear(NOON + SILENT_MS, "box-3")
    (one,) = eye.see("outage", NOON + SILENT_MS + 1)
    assert (one["subject"], one["county"]) == ("h1", "c1")
    assert "4 台评价器中 4 台" in one["text_zh"]


def test_night_and_sunday_are_no_silence_and_the_morning_has_its_grace(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    eye = Eye(screen, Alarms(hours="08:30-17:30", workdays=True))
    friday = NOON - DAY
    eye.hear(friday - 4 * 60 * MINUTE, "box-1", "box-2", "box-3")  # their last word, at eight
    opened = friday - 210 * MINUTE  # half past eight
    assert eye.see("outage", opened + SILENT_MS) == []
    assert len(eye.see("outage", opened + SILENT_MS + 1)) == 1
    assert eye.see("outage", friday + 6 * 60 * MINUTE) == []
    assert eye.see("outage", NOON) == [], "a Saturday"


def test_a_boxs_own_hours_go_before_the_citys(screen: Screen, tmp_path: Path) -> None:
    screen.ledger.fact(*TOWN)
    orders = Orders(tmp_path / "orders.db")
    orders.want("box-2", {"open": "13:00-17:00"}, NOON)
    orders.close()
    eye = Eye(screen, folder=tmp_path)
    eye.hear(NOON - DAY, "box-2")
    eye.hear(NOON, "box-1", "box-3")
    assert eye.see("silent", NOON) == []
    assert [a["box"] for a in eye.see("silent", NOON + 64 * MINUTE) if a["box"] == "box-2"] == []
    afternoon = NOON + 3 * 60 * MINUTE
    eye.hear(afternoon, "box-1", "box-3")
    assert [a["box"] for a in eye.see("silent", afternoon)] == ["box-2"]


def test_boxes_are_not_silent_while_nobody_can_hear_them(eye: Eye) -> None:
    eye.workings.fails(BROKER, "no connection", NOON)
    assert eye.see("broker", NOON + PATIENCE_MS - 1) == []
    found = {a["kind"] for a in eye.all(NOON + DAY)}
    assert "broker" in found
    assert not found & {"silent", "outage"}
    eye.workings.well(BROKER)
    eye.workings.listening_ms = NOON + DAY
    assert not {a["kind"] for a in eye.all(NOON + DAY + SILENT_MS)} & {"silent", "outage", "broker"}
    assert len(eye.see("outage", NOON + DAY + SILENT_MS + 1)) == 1


def test_a_side_branch_that_is_written_to_stays_an_alarm_and_a_week_of_quiet_ends_it(eye: Eye) -> None:
    eye.screen.ledger.press("box-1", 1_000, 1)
    eye.screen.ledger.note("fork", "box-1", b"{}", branch=1)
    side = eye.screen.ledger.press("box-1", 2_000, 3, NOON + DAY, branch=1)
    eye.screen.ledger.conn.execute("UPDATE head SET seq = ? WHERE branch = 1", (side,))
    late = NOON + DAY + FORK_MS
    (one,) = eye.see("fork", late - 1)
    assert (one["subject"], one["county"], one["since_ms"]) == ("box-1", "c1", NOON)
    assert eye.see("fork", late) == []


def test_a_clone_with_a_journal_of_its_own_is_known_by_the_boxs_going_on(eye: Eye) -> None:
    """It makes no fork: its tags are right, and its numbers begin at 1."""
    paper, other = eye.screen.ledger, "ffeeddccbbaa0099"

    def stand(life: str, seq: int) -> None:
        paper.conn.execute("UPDATE head SET start = 1, seq = ? WHERE life = ?", (seq, life))

    stand(LIFE, paper.press("box-1", 1_000, 1))
    stand(other, paper.press("box-1", 1_000, 1, NOON + MINUTE, life=other))
    stand(other, paper.press("box-1", 9_000, 1, NOON + MINUTE, life=other))
    assert eye.see("lives", NOON + MINUTE) == [], "so far it is a box whose journal was made anew"
    stand(LIFE, paper.press("box-1", 9_000, 3, NOON + 2 * MINUTE))
    late = NOON + 2 * MINUTE + FORK_MS
    (one,) = eye.see("lives", late - 1)
    assert (one["subject"], one["county"], one["since_ms"]) == ("box-1", "c1", NOON + MINUTE)
    assert eye.see("lives", late) == []


HALF_PAST_EIGHT = NOON - 210 * MINUTE
PASSED, FAILED, ABANDONED = 1, 2, 3


def signed_in(eye: Eye, box: str, at_ms: int = HALF_PAST_EIGHT) -> None:
    eye.screen.ledger.clock(box, 0, at_ms, at_ms)
    eye.screen.ledger.duty(box, 1_000, "04a1", at_ms)


def key_test(eye: Eye, box: str, how: int, at_ms: int = HALF_PAST_EIGHT, up_ms: int = 30_000) -> None:
    eye.screen.ledger.record(box, record.KEYTEST, up_ms, at_ms, reason=how, data=b"\3\1\2\3\1\2")


def test_a_box_that_was_signed_in_at_and_not_tested_is_named_with_its_hall_until_it_is(eye: Eye) -> None:
    signed_in(eye, "box-1")
    signed_in(eye, "box-2")
    key_test(eye, "box-2", ABANDONED)
    hour = HALF_PAST_EIGHT + 1_000 + 60 * MINUTE
    assert eye.see("untested", hour - 1) == []
    (one,) = eye.see("untested", hour)
    assert (one["subject"], one["county"], one["hall"], one["box"]) == ("h1", "c1", "h1", "")
    assert one["text_zh"] == "c1h1：今日刷卡上岗的 2 台评价器中，2 台没有做完按键测试（box-1 box-2）"
    key_test(eye, "box-1", PASSED, hour, 60 * MINUTE)
    (one,) = eye.see("untested", hour)
    assert "2 台评价器中，1 台没有做完按键测试（box-2）" in one["text_zh"]
    key_test(eye, "box-2", FAILED, hour, 60 * MINUTE)
    assert eye.see("untested", hour) == []
    assert len(eye.see("keytest", hour)) == 1, "it failed, and that is an alarm of its own"


def test_yesterdays_test_is_none_of_today_and_a_day_without_a_badge_asks_for_none(eye: Eye) -> None:
    signed_in(eye, "box-1", HALF_PAST_EIGHT - DAY)
    key_test(eye, "box-1", PASSED, HALF_PAST_EIGHT - DAY)
    assert eye.see("untested", NOON) == []
    eye.screen.ledger.duty("box-1", DAY + 1_000, "04a1", HALF_PAST_EIGHT)
    assert len(eye.see("untested", NOON)) == 1
    assert eye.see("untested", NOON + DAY) == []


def test_of_many_untested_boxes_a_hall_names_some(screen: Screen) -> None:
    boxes = [f"b{n}" for n in range(8)]
    screen.ledger.fact(*TOWN, *(placed(box, "w1") for box in boxes))
    eye = Eye(screen)
    for box in boxes:
        signed_in(eye, box)
    (one,) = eye.see("untested")
    assert "8 台没有做完按键测试（b0 b1 b2 b3 b4 …）" in one["text_zh"]


# -- ratings


def test_a_red_that_nobody_has_marked_for_fifteen_minutes_names_its_hall_until_somebody_does(
    eye: Eye,
) -> None:
    eye.screen.visits("box-1", 3, 1, 3)
    assert eye.see("unacknowledged", NOON + 15 * MINUTE - 1) == []
    (one,) = eye.see("unacknowledged", NOON + 15 * MINUTE)
    assert (one["subject"], one["county"], one["since_ms"]) == ("h1", "c1", NOON + 15 * MINUTE)
    assert one["hall"] == "h1"
    assert "1 条不满意" in one["text_zh"]
    (both,) = eye.see("unacknowledged", NOON + 20 * MINUTE)
    assert "2 条不满意" in both["text_zh"]
    conn = eye.screen.ledger.conn
    seqs = [r[0] for r in eye.screen.source.execute("SELECT seq FROM rating WHERE level = 3")]
    for seq in seqs:
        known.mark(conn, "box-1", LIFE, seq, "甲", NOON + 20 * MINUTE)
    assert eye.see("unacknowledged", NOON + 20 * MINUTE) == []
    eye.screen.wall.reset()
    assert eye.see("unacknowledged", NOON + 20 * MINUTE) == []


def test_reds_are_waited_for_as_long_as_the_city_says_or_not_at_all(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 3)
    assert Eye(screen, Alarms(red_minutes=0)).see("unacknowledged", NOON + DAY // 2) == []
    assert Eye(screen, Alarms(red_minutes=60)).see("unacknowledged", NOON + 59 * MINUTE) == []
    assert len(Eye(screen, Alarms(red_minutes=60)).see("unacknowledged", NOON + 60 * MINUTE)) == 1


def test_a_window_with_too_many_reds_today_is_named_and_yesterdays_are_not(eye: Eye) -> None:
    eye.screen.visits("box-2", 3, 3, 1, 3, 1, 1)
    (one,) = eye.see("dissatisfied", NOON + 10 * MINUTE)
    assert (one["subject"], one["county"], one["hall"]) == ("w2", "c1", "h1")
    assert "6 次评价中 3 次不满意" in one["text_zh"]
    assert eye.see("dissatisfied", NOON + DAY) == []


def test_a_window_where_a_machine_presses_green_is_named(eye: Eye) -> None:
    today = day_of(NOON)
    rows = [(today, f"w{box}", f"box-{box}", 16, 0, 0) for box in range(10, 30)]
    rows += [(today, "w1", "box-1", 400, 0, 0), (today - 1, "w2", "box-2", 400, 0, 0)]
    eye.screen.follow()
    with (
        closing(sqlite3.connect(eye.screen.conn.execute("PRAGMA database_list").fetchone()[2])) as wall,
        wall,
    ):
        wall.executemany("INSERT INTO pressed VALUES (?, ?, ?, ?, ?, ?)", rows)
    (one,) = eye.see("rhythm")
    assert (one["subject"], one["county"], one["hall"]) == ("w1", "c1", "h1")
    assert "今日 400 次评价" in one["text_zh"]
    assert "median 16" in one["text_en"]
    assert eye.see("rhythm", NOON + DAY) == []


def test_a_red_key_that_fell_silent_is_named(eye: Eye) -> None:
    rows = [
        (20_778 - day, f"w{box}", f"box-{box}", 20, int(day % 2), int(day % 2))
        for day in range(1, 120)
        for box in range(10, 30)
    ]
    rows += [(20_778 - day, "w1", "box-1", 20, int(day > 31), int(day > 31)) for day in range(1, 120)]
    eye.screen.follow()
    wall = sqlite3.connect(eye.screen.conn.execute("PRAGMA database_list").fetchone()[2])
    wall.executemany("INSERT INTO pressed VALUES (?, ?, ?, ?, ?, ?)", rows)
    wall.commit()
    wall.close()
    (one,) = eye.see("red_key")
    assert (one["subject"], one["county"]) == ("box-1", "c1")
    assert "近 30 天 600 次评价无一次按红键" in one["text_zh"]


# -- records of a later program


def test_records_of_a_later_format_are_stored_not_counted_and_no_mismatch(ward: Ward) -> None:
    ward.ledger.clock("box-1", 0, NOON)
    ward.ledger.press("box-1", MINUTE, 1)
    for level in (1, 3):
        ward.ledger.record("box-1", record.PRESS, (5 + level) * MINUTE, level=level, fmt=0x12)
    ward.ledger.conn.execute(
        "UPDATE head SET start = 1, seq = 4, n_s = 2, n_d = 1, stored_s = 2, stored_d = 1"
    )
    figures: Figures = ward.figures
    for _ in range(5):
        ward.now_ms += MINUTE
        while figures.step():
            pass
    health = json.loads(ward.conns[2].execute("SELECT value FROM meta WHERE key = 'health'").fetchone()[0])
    assert health["account"] | {"unread": 2, "shown": 1, "stored": 3, "ok": True} == health["account"]
    kinds = {a["kind"]: a["text_zh"] for a in health["alarms"]}
    assert "shown" not in kinds
    assert kinds["update"].startswith("2 条记录是更新的格式")


# -- the machine


@pytest.mark.parametrize(
    ("free", "total", "kind"),
    [
        (63 * MIB, 100 * GIB, "disk_full"),
        (GIB - 1, 2 * GIB, "disk"),
        (4 * GIB, 100 * GIB, "disk"),
        (4 * GIB, 40 * GIB, None),
        (21 * GIB, 1000 * GIB, None),
    ],
)
def test_a_disk_that_fills_is_said_in_time(
    screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, total: int, kind: str | None
) -> None:
    monkeypatch.setattr(disk, "room", lambda _: Room(free, total))
    kinds = {a["kind"] for a in Eye(screen, folder=tmp_path).all(NOON)}
    assert kinds & {"disk", "disk_full"} == ({kind} if kind else set())


def test_why_nothing_is_taken_in_is_said_and_since_when(eye: Eye) -> None:
    eye.workings.fails(PIPELINE, "database is locked", NOON - MINUTE)
    (one,) = eye.see("stalled")
    assert (one["since_ms"], "locked" in one["text_zh"]) == (NOON - MINUTE, True)
    eye.workings.fails(PIPELINE, "database or disk is full", NOON)
    (one,) = eye.see("disk_full")
    assert one["since_ms"] == NOON - MINUTE
    eye.workings.well(PIPELINE)
    assert not {a["kind"] for a in eye.all(NOON)} & {"stalled", "disk_full"}


def test_a_projection_that_fails_for_a_minute_is_named(eye: Eye) -> None:
    eye.workings.fails("influx day", "404\n bucket not found", NOON)
    assert eye.see("projection", NOON + PATIENCE_MS - 1) == []
    (one,) = eye.see("projection", NOON + PATIENCE_MS)
    assert (one["subject"], one["since_ms"]) == ("influx day", NOON)
    assert "404 bucket not found" in one["text_zh"]


def test_certificates_are_named_sixty_days_ahead_renewed_ones_and_revoked_ones_are_not(
    screen: Screen, tmp_path: Path
) -> None:
    root, out = tmp_path / "ca", tmp_path / "server"
    began = datetime.fromtimestamp(NOON / 1000, UTC)
    ca.create(root, "test", ["broker.example"], None, began)
    ca.issue(root, ["broker.example"], out, None, began)
    named = (("ca", root), ("broker", out / "server.pem"), ("collector", tmp_path / "none.pem"))
    found = {c.name: c for c in certificates.read(named)}
    assert found.keys() == {"ca", "ca:broker.example", "broker", "collector"}
    ends = found["broker"].expires_ms
    assert ends is not None
    eye = Eye(screen, certificates=named)
    (missing,) = eye.see("certificate", ends - 60 * DAY)
    assert (missing["subject"], "读不出来" in missing["text_zh"]) == ("collector", True)
    soon = {a["subject"]: a["text_zh"] for a in eye.see("certificate", ends - 60 * DAY + RARELY_MS)}
    assert soon.keys() == {"broker", "ca:broker.example", "collector"}
    assert "还有 59 天到期" in soon["broker"]
    over = {a["subject"]: a["text_zh"] for a in eye.see("certificate", ends)}
    assert "已于" in over["broker"]
    serial = ca.listing(root)[0].serial
    later = began + timedelta(days=300)
    ca.issue(root, ["broker.example"], out, None, later, replacing=serial)
    soon = {a["subject"]: a["text_zh"] for a in eye.see("certificate", ends + RARELY_MS)}
    assert soon.keys() == {"collector"}, "renewed"


# -- all of them


def test_an_alarm_holds_since_it_began_over_looks_and_restarts(eye: Eye) -> None:
    eye.screen.ledger.press("box-1", 1_000, 1)  # no clock yet
    (first,) = eye.see("undated", NOON)
    assert first["since_ms"] == NOON
    (later,) = eye.see("undated", NOON + 10 * MINUTE)
    assert (later["since_ms"], later["time_ms"]) == (NOON, NOON + 10 * MINUTE)
    told = eye.health.look(eye.screen.wall.roster, NOON + 10 * MINUTE)
    eye.screen.wall.tell(health=json.dumps(told, ensure_ascii=False))
    (after,) = Eye(eye.screen).see("undated", NOON + 20 * MINUTE)
    assert after["since_ms"] == NOON


def test_what_matters_most_stands_in_front() -> None:
    town = Roster.from_facts(())
    clock, newer = (of_box("clock", NOON + i, f"box-{1 + 2 * i}", town, NOON) for i in (0, 1))
    some = [alarm("undated", NOON, n=1), clock, of_box("account", NOON - 1, "box-2", town, NOON)]
    assert [a["subject"] for a in in_order([*some, newer])] == ["box-2", "box-3", "box-1", ""]
    assert set(RANK) == set(TEXTS)


def test_a_reason_is_told_in_the_language_of_its_alarm() -> None:
    one = alarm("broker", NOON, why="连接被拒绝 / connection refused")
    assert "（连接被拒绝）" in one["text_zh"]
    assert "(connection refused)" in one["text_en"]
    plain = alarm("broker", NOON, why="errno 111")
    assert "（errno 111）" in plain["text_zh"]


def test_every_rule_has_its_words_in_both_languages_with_full_width_marks() -> None:
    for kind, (zh, en) in TEXTS.items():
        assert not set(",;:()?") & set(zh.replace("{", "").replace(" config {box} ", "")), kind
        assert en.isascii(), kind


def test_a_rule_of_the_configuration_reaches_the_wall(ward: Ward) -> None:
    ward.ledger.clock("box-1", 0, NOON)
    ward.ledger.press("box-1", MINUTE, 3)
    ward.figures.close()
    config = replace(ward.config, alarms=Alarms(red_minutes=1))
    ward.figures = Figures(config, lambda: ward.now_ms)
    ward.now_ms = NOON + 5 * MINUTE
    ward.look()
    told = json.loads(ward.conns[2].execute("SELECT value FROM meta WHERE key = 'health'").fetchone()[0])
    assert "unacknowledged" in {a["kind"] for a in told["alarms"]}


def test_what_the_wall_knows_of_the_machine_is_in_metrics_too(eye: Eye, tmp_path: Path) -> None:
    seeing = Eye(eye.screen, folder=tmp_path)
    seeing.workings.fails("influx day", "away", NOON)
    eye.screen.follow()
    eye.screen.ledger.press("box-1", 1_000, 1, NOON - 7)
    seeing.health.look(eye.screen.wall.roster, NOON)
    text = metrics.text().decode()
    for line in (
        'manyi_failing{part="influx day"} 1.0',
        'manyi_behind_rows{feed="ratings"} 1.0',
        'manyi_behind_rows{feed="wall"} 0.0',
        "manyi_live_lag_ms 7.0",
    ):
        assert line in text
    assert metrics.value(metrics.DISK_FREE) > 0
    seeing.workings.well("influx day")
    assert 'manyi_failing{part="influx day"} 0.0' in metrics.text().decode()


def test_an_inner_zone_whose_files_do_not_come_hears_no_box_and_blames_none(eye: Eye) -> None:
    eye.workings.fails("feed", "a file is missing", NOON)
    kinds = {a["kind"] for a in eye.all(NOON + DAY)}
    assert "feed" in kinds
    assert not kinds & {"silent", "outage"}


def test_no_look_and_no_mark_walks_over_the_whole_ledger(eye: Eye) -> None:
    """Looks come twice a second, and a ledger has millions of records."""
    eye.screen.visits("box-1", 3, 1)
    eye.screen.ledger.note("loss", "box-1", b'{"from":1,"to":9,"lost":[5,1,2]}')
    eye.screen.ledger.note("fork", "box-1", b"{}", branch=1)
    eye.screen.follow()
    conn = eye.screen.ledger.conn
    asked: list[str] = []
    signed: list[str] = []
    conn.set_trace_callback(asked.append)
    eye.health._source.set_trace_callback(signed.append)
    eye.health.look(eye.screen.wall.roster, NOON)
    eye.health._source.set_trace_callback(None)
    known.mark(conn, "box-1", LIFE, 2, "甲", NOON)
    conn.set_trace_callback(None)
    selects = {sql for sql in asked if "SELECT" in sql and "row" in sql and "LIMIT" not in sql}
    assert len(selects) >= 3
    for sql in selects:
        plan = [row[3] for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert not [step for step in plan if re.match(r"SCAN (row|r|f|k|first|newest)\b", step)], sql
    badges = {sql for sql in signed if "FROM badge" in sql}
    assert len(badges) == 2
    for sql in badges:  # a year's, for those of some days
        plan = [row[3] for row in eye.health._source.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert not [step for step in plan if step.startswith("SCAN")], sql
