"""wall.db: what the centre's screen and the halls' screens show after presses, corrections, rebuilds."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manyi.core import stores
from manyi.core.duty.intake import Intake
from manyi.core.ratings.store import Ratings, presses
from manyi.core.told.sources import Source
from manyi.core.wall.health import OFF_TIMES, Health, progress
from manyi.core.wall.own import CLOSED_AFTER_MS
from manyi.core.wall.store import ROUND_MS, Wall
from manyi.core.wall.view import hall_snapshot, latest, shown, snapshot

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, PaperLedger, begin, office, on_duty, placed
from tests.collector.test_ratings import events, play

DAY = 86_400_000
LATER = NOON + 8 * 3_600_000  # still the same Beijing day


class Screen:
    """Paper ledger → ratings.db → wall.db, and what is read from it."""

    def __init__(self, folder: Path) -> None:
        self.ledger = PaperLedger(folder)
        self.ratings = Ratings(folder / "ratings.db", self.ledger.conn)
        self.ratings.step()
        self.source = stores.open_reader(folder / "ratings.db")
        self.wall = Wall(folder / "wall.db", self.source, ("临江市", "Linjiang"))
        self.conn = stores.open_reader(folder / "wall.db")

    def close(self) -> None:
        for one in (self.conn, self.source, self.wall, self.ratings, self.ledger):
            one.close()

    def follow(self) -> None:
        self.ratings.drain()
        while self.wall.step():
            pass

    def show(self, now_ms: int = NOON) -> dict[str, Any]:
        self.follow()
        return snapshot(self.conn, now_ms)

    def hall(self, now_ms: int = LATER, hall: str = "h1") -> dict[str, Any]:
        self.follow()
        self.wall.release(now_ms)
        found = hall_snapshot(self.conn, hall, now_ms)
        assert found is not None
        return found

    def visits(self, box: str, *levels: int, start_ms: int = 0) -> None:
        """One visit a minute."""
        self.ledger.clock(box, start_ms, NOON + start_ms, NOON + start_ms)
        for i, level in enumerate(levels):
            self.ledger.press(box, start_ms + i * MINUTE, level, NOON + start_ms + i * MINUTE)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    made = Screen(tmp_path)
    yield made
    made.close()


def counts(tallied: dict[str, Any]) -> tuple[int, list[int], int]:
    return tallied["n"], tallied["level"], tallied["presses"]


def test_empty_city_shows_its_halls_with_nothing(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    seen = screen.show()
    assert (seen["day"], seen["city"], seen["total"]["n"]) == (
        "2026-11-21",
        {"zh": "临江市", "en": "Linjiang"},
        0,
    )
    assert [(c["id"], [h["id"] for h in c["halls"]]) for c in seen["counties"]] == [
        ("c1", ["h1"]),
        ("c2", ["h2"]),
    ]
    assert seen["total"]["rate"] == {"s": None, "sb": None, "enough": False}
    assert seen["latest"] == []


def test_presses_are_counted_for_hall_county_and_city(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1, 1, 3)
    screen.visits("box-2", 2)
    screen.visits("box-3", 1)
    seen = screen.show()
    assert counts(seen["total"]) == (5, [3, 1, 1], 5)
    assert [counts(c) for c in seen["counties"]] == [(4, [2, 1, 1], 4), (1, [1, 0, 0], 1)]
    assert counts(seen["counties"][0]["halls"][0]) == (4, [2, 1, 1], 4)
    assert seen["account"]["shown"] == shown(screen.conn) == 5


def test_correction_moves_the_level_keeps_the_first_and_is_flagged(screen: Screen) -> None:
    screen.visits("box-1", 3)
    screen.follow()
    screen.ledger.press("box-1", 1_000, 1)
    total = screen.show()["total"]
    assert (total["level"], total["first"], total["corrected"], total["flagged"]) == (
        [1, 0, 0],
        [0, 0, 1],
        1,
        1,
    )
    assert (total["n"], total["presses"]) == (1, 2)


def test_unplaced_box_is_shown_as_unassigned(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-9", 2)
    last = screen.show()["counties"][-1]
    assert (last["id"], last["name"], last["halls"][0]["id"], last["n"]) == ("", "未分配", "", 1)


def test_latest_are_the_newest_twenty_with_names(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", *[1] * 25)
    screen.visits("box-2", 3, start_ms=30_000)
    latest = screen.show()["latest"]
    assert len(latest) == 20
    assert [r["time_ms"] for r in latest] == sorted((r["time_ms"] for r in latest), reverse=True)
    assert latest[0]["time_ms"] == NOON + 24 * MINUTE
    assert {k: latest[0][k] for k in ("window", "window_name", "staff", "staff_name", "box", "dated")} == {
        "window": "w1", "window_name": "w1", "staff": "ann", "staff_name": "ann", "box": "box-1", "dated": "clock",
    }  # fmt: skip
    screen.visits("box-3", 2, start_ms=60 * MINUTE)
    newest = screen.show()["latest"][0]
    assert (newest["box"], newest["staff"], newest["staff_name"], newest["level"]) == ("box-3", "", "", 2)


def test_a_small_county_and_hall_have_newest_ratings_of_their_own(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-3", *[2] * 22)
    screen.visits("box-1", *[1] * 30, start_ms=60 * MINUTE)
    screen.visits("box-9", 3)
    seen = screen.show()["latest"]
    assert {r["county"] for r in seen} == {"c1"}
    of = {unit: latest(screen.conn, tier, unit) for tier, unit in (("county", "c2"), ("hall", "h2"))}
    assert [r["time_ms"] for r in of["c2"]] == [NOON + (21 - at) * MINUTE for at in range(20)]
    assert of["h2"] == of["c2"]
    assert latest(screen.conn, "county", "c1") == latest(screen.conn) == seen
    assert [r["box"] for r in latest(screen.conn, "county", "")] == ["box-9"]
    assert latest(screen.conn, "county", "c3") == latest(screen.conn, "hall", "")[1:] == []
    assert screen.conn.execute("SELECT count(*) FROM latest").fetchone()[0] == 41


def test_latest_of_a_place_follow_a_rating_that_moves(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-3", *[1] * 25)
    screen.follow()
    screen.ledger.fact(placed("box-3", "w1"))  # from the beginning: it had stood elsewhere
    screen.follow()
    assert latest(screen.conn, "county", "c2") == []
    moved = latest(screen.conn, "county", "c1")
    assert {(r["hall"], r["version"]) for r in moved} == {("h1", 2)}
    assert len(moved) == 20


def test_latest_follows_a_correction(screen: Screen) -> None:
    screen.visits("box-1", 3)
    screen.follow()
    screen.ledger.press("box-1", 1_000, 1)
    (row,) = screen.show()["latest"]
    assert (row["level"], row["first_level"], row["presses"], row["version"]) == (1, 3, 2, 2)


def test_a_clock_that_once_stood_in_2099_does_not_hold_the_latest_for_ever(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    far = NOON + 73 * 365 * DAY
    screen.ledger.clock("box-1", 0, far, far)
    for i in range(25):
        screen.ledger.press("box-1", i * MINUTE, 3, far + i * MINUTE)
    assert len(screen.show(far)["latest"]) == 20
    screen.ledger.clock("box-1", 30 * MINUTE, NOON, NOON)
    screen.ledger.press("box-1", 30 * MINUTE, 1, NOON)
    screen.follow()
    screen.wall.release(NOON)
    screen.ledger.press("box-1", 31 * MINUTE, 2, NOON + MINUTE)
    assert [e["level"] for e in screen.show(NOON + MINUTE)["latest"]] == [2]


def test_yesterday_is_not_today_and_is_still_in_the_account(screen: Screen) -> None:
    screen.visits("box-1", 1, 1)
    seen = screen.show(NOON + DAY)
    assert (seen["day"], seen["total"]["n"], seen["account"]["shown"]) == ("2026-11-22", 0, 2)


def test_day_begins_at_midnight_in_beijing(screen: Screen) -> None:
    midnight = NOON + 12 * 3_600_000
    screen.ledger.clock("box-1", 0, midnight - MINUTE, midnight)
    screen.ledger.press("box-1", MINUTE - 1, 1, midnight)
    screen.ledger.press("box-1", 3 * MINUTE, 3, midnight)
    assert screen.show(midnight - 1)["total"]["level"] == [1, 0, 0]
    assert screen.show(midnight)["total"]["level"] == [0, 0, 1]


def test_roster_correction_moves_what_was_shown(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1, 3)
    screen.follow()
    screen.ledger.fact(placed("box-1", "w3", NOON), at_ms=NOON + 1)
    seen = screen.show()
    assert [counts(c) for c in seen["counties"]] == [(0, [0, 0, 0], 0), (2, [1, 0, 1], 2)]
    assert counts(seen["total"]) == (2, [1, 0, 1], 2)


def test_new_name_is_shown_at_once(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.show()
    screen.ledger.fact(office("hall", "h1", "c1", "新大厅"), at_ms=NOON + 1)
    assert screen.show()["counties"][0]["halls"][0]["name"] == "新大厅"


# -- hall screens


def test_hall_screen_shows_nothing_before_five_are_closed(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1, 1, 1, 3)
    four = screen.hall()
    assert (four["released"], four["batches"], four["waiting_hint"]) == (
        {"n": 0, "level": [0, 0, 0]},
        0,
        True,
    )
    screen.visits("box-2", 1)
    five = screen.hall()
    assert (five["released"], five["batches"], five["waiting_hint"]) == (
        {"n": 5, "level": [4, 0, 1]},
        1,
        False,
    )
    assert five["as_of_batch_ms"] == LATER - LATER % ROUND_MS


def test_open_visit_is_not_released(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1, 1, 1, 1, 1)
    last_ms = NOON + 4 * MINUTE
    assert screen.hall(last_ms + CLOSED_AFTER_MS - 1)["batches"] == 0
    assert screen.hall(last_ms + CLOSED_AFTER_MS)["batches"] == 1


def test_batches_only_ever_grow_by_five_or_more(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    seen = []
    for i in range(23):
        screen.visits("box-1", 1 + i % 3, start_ms=i * MINUTE)
        seen.append(screen.hall(NOON + i * MINUTE + CLOSED_AFTER_MS)["released"]["n"])
    assert seen[-1] == 20
    assert all(b - a == 0 or b - a >= 5 for a, b in pairwise(seen))


def test_release_is_never_taken_back_by_a_correction_a_move_or_a_rebuild(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1, 1, 1, 1, 3)
    before = screen.hall()
    screen.ledger.press("box-1", 4 * MINUTE + 1_000, 1)
    assert screen.hall() == before
    screen.ledger.fact(placed("box-1", "w3", NOON), at_ms=NOON + 1)
    assert screen.hall() == before
    assert screen.hall(hall="h2")["batches"] == 0, "a rating is released once"
    screen.wall.reset()
    assert screen.hall() == before
    assert counts(screen.show()["total"]) == (5, [5, 0, 0], 6)


def test_late_ratings_join_a_later_batch_of_their_day(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1, 1, 1, 1, 1)
    screen.hall()
    tomorrow = NOON + DAY
    screen.ledger.clock("box-2", 0, NOON, tomorrow)
    for i in range(5):
        screen.ledger.press("box-2", i * MINUTE, 3, tomorrow)
    assert screen.hall(tomorrow + CLOSED_AFTER_MS)["batches"] == 0, "today's screen shows today"
    assert screen.hall(LATER)["released"] == {"n": 10, "level": [5, 0, 5]}


def test_hall_screen_names_no_person_no_window_and_no_time(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1, 1, 1, 1, 3)
    text = json.dumps(screen.hall())
    assert "ann" not in text
    assert "w1" not in text
    assert str(NOON) not in text


def test_unknown_hall_is_none(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.follow()
    assert hall_snapshot(screen.conn, "h9", NOON) is None
    assert hall_snapshot(screen.conn, "w1", NOON) is None


# -- health


def look(screen: Screen, times: int = 1) -> dict[str, Any]:
    screen.follow()
    health = Health(screen.ledger.conn, screen.source, screen.conn, 180_000)
    for _ in range(times):
        found = health.look(screen.wall.roster, NOON)
    return found


def test_box_without_a_word_is_silent_and_one_that_spoke_is_online(screen: Screen) -> None:
    screen.ledger.fact(*TOWN, placed("box-4", ""))
    say = "INSERT INTO state VALUES (?, ?, ?, '1.0.0', 'x', 1, 1)"
    screen.ledger.conn.execute(say, ("box-1", NOON - 1_000, 1))
    screen.ledger.conn.execute(say, ("box-2", NOON - 1_000, 0))
    screen.ledger.conn.execute(say, ("box-3", NOON - 200_000, 1))
    assert look(screen)["boxes"] == {"online": 1, "known": 3, "silent": ["box-2", "box-3"]}


def test_fork_loss_break_and_wrong_clock_are_alarms_in_both_languages(screen: Screen) -> None:
    screen.ledger.press("box-1", 1_000, 1)
    screen.ledger.clock("box-1", 2_000, 0)
    screen.ledger.note("loss", "box-2", b'{"from":1,"to":9,"lost":[5,1,2]}')
    screen.ledger.note("break", "box-2", b'{"have":"","prev":""}')
    screen.ledger.note("fork", "box-1", b'{"of":0,"have":"","got":""}', branch=1)
    alarms = look(screen)["alarms"]
    assert {a["kind"] for a in alarms} >= {"fork", "loss", "break", "clock", "undated"}
    assert all(a["text_zh"] and a["text_en"] and a["time_ms"] == NOON for a in alarms)
    (loss,) = [a for a in alarms if a["kind"] == "loss"]
    assert "丢失按键 8 次" in loss["text_zh"]


def test_wall_that_shows_another_sum_than_the_ledger_does_not_add_up(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1)
    screen.ledger.conn.execute("UPDATE head SET n_s = 1, stored_s = 1, seq = 2, start = 1")
    assert look(screen, OFF_TIMES)["account"]["ok"]
    screen.wall.tell(shown=7)
    assert look(screen)["account"]["ok"], "one look may have fallen between two commits"
    found = look(screen, OFF_TIMES)
    assert not found["account"]["ok"]
    assert "shown" in [a["kind"] for a in found["alarms"]]


def test_progress_counts_rows_and_changes_not_taken_in(screen: Screen) -> None:
    screen.visits("box-1", 1, 1)
    screen.follow()
    assert progress(screen.ledger.conn, screen.source, screen.conn).behind == 0
    screen.ledger.press("box-1", 10 * MINUTE, 1)
    assert progress(screen.ledger.conn, screen.source, screen.conn).behind == 1
    screen.ratings.drain()
    assert progress(screen.ledger.conn, screen.source, screen.conn).behind == 1


# -- any history, and the size of a city


def figures(screen: Screen) -> list[Any]:
    tallies = screen.conn.execute("SELECT * FROM tally WHERE n <> 0 ORDER BY day, county, hall").fetchall()
    watched = screen.conn.execute("SELECT * FROM pressed WHERE n <> 0 ORDER BY 1, 2, 3").fetchall()
    waiting = screen.conn.execute("SELECT * FROM red ORDER BY 1, 2, 3").fetchall()
    assert sum(row[3] for row in watched) == sum(row[3] for row in tallies)
    query = "SELECT count(*) FROM rating WHERE level = 3 AND known_ms <> 0"
    assert sum(row[4] for row in watched) == len(waiting) + screen.source.execute(query).fetchone()[0]
    return [tallies, watched, waiting, screen.show(LATER)["latest"]]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events, max_size=40))
def test_any_history_is_shown_as_a_rebuild_shows_it(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[object, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    screen = Screen(folder)

    def live() -> None:
        screen.follow()
        newest = screen.ledger.conn.execute("SELECT max(at_ms) FROM row").fetchone()[0]
        screen.wall.release((newest or NOON) + 100_000)

    play(screen.ledger, history, live)
    screen.follow()
    followed = figures(screen)
    assert shown(screen.conn) == presses(screen.source) == screen.ledger.presses
    assert stores.get(screen.conn, "shown", "0") == str(screen.ledger.presses)
    of_halls = "SELECT hall, day, count(*) FROM shown WHERE hall <> '' AND batch IS NULL GROUP BY 1, 2"
    assert screen.conn.execute(of_halls).fetchall() == screen.conn.execute(
        "SELECT hall, day, waiting FROM pool WHERE waiting <> 0 ORDER BY 1, 2"
    ).fetchall()  # fmt: skip
    screen.wall.reset()
    screen.follow()
    assert figures(screen) == followed
    screen.ratings.reset()
    screen.follow()
    assert figures(screen) == followed
    screen.close()
    shutil.rmtree(folder)


def test_snapshot_of_a_full_city_is_fast(screen: Screen) -> None:
    boxes = [(c, h, b) for c in range(10) for h in range(10) for b in range(6)]
    units = [office("county", f"c{c}") for c in range(10)]
    units += [office("hall", f"h{c}-{h}", f"c{c}") for c in range(10) for h in range(10)]
    units += [office("window", f"w{c}-{h}-{b}", f"h{c}-{h}") for c, h, b in boxes]
    units += [placed(f"box-{c}-{h}-{b}", f"w{c}-{h}-{b}") for c, h, b in boxes]
    screen.ledger.fact(*units, *(on_duty(f"w{c}-{h}-{b}", "x", 0) for c, h, b in boxes))
    begin(screen.ledger.conn)
    for c, h, b in boxes:
        screen.visits(f"box-{c}-{h}-{b}", *[1 + (i % 9 == 0) for i in range(10)])
    screen.ledger.conn.execute("COMMIT")
    screen.follow()
    took = []
    for _ in range(7):
        began = time.process_time()
        seen = snapshot(screen.conn, NOON)
        took.append(time.process_time() - began)
    assert seen["total"]["n"] == 6_000
    assert sorted(took)[3] < 0.05, (
        "ten times the 5 ms budget: this machine may be loaded, the bench says how fast"
    )


def test_a_stuck_key_a_refused_config_and_a_failed_key_test_are_alarms(screen: Screen) -> None:
    beat = "INSERT INTO beat VALUES (?, 'x', ?, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1, ?, 9, 0, 0, 0, ?)"
    screen.ledger.conn.execute(beat, ("box-1", NOON - 1_000, 5, "c1"))
    screen.ledger.conn.execute(beat, ("box-2", NOON - 1_000, 0, "!c2"))
    screen.ledger.conn.execute(beat, ("box-3", NOON - 200_000, 7, "!c3"))  # it has been silent since
    screen.ledger.record("box-1", 5, 1_000, reason=2, data=b"\3\1\2\3")
    screen.ledger.record("box-2", 5, 1_000, reason=3, data=b"\3\1\2")
    found = {(a["kind"], a["box"]): a["text_zh"] for a in look(screen)["alarms"]}
    assert set(found) == {("stuck", "box-1"), ("config", "box-2"), ("keytest", "box-1")}
    assert "满意、不满意键" in found["stuck", "box-1"]


def test_a_badge_that_nobody_holds_is_named_until_the_roster_knows_it(screen: Screen) -> None:
    screen.ledger.clock("box-1", 1_000, NOON - 60_000)
    screen.ledger.duty("box-1", 2_000, "deadbeef")
    (unknown,) = look(screen)["alarms"]
    assert (unknown["kind"], unknown["box"]) == ("badge", "box-1")
    assert "未知工牌 deadbeef" in unknown["text_zh"]
    screen.ledger.fact(("staff", {"id": "s1", "zh": "王", "en": "Wang", "badge": "deadbeef"}))
    assert look(screen)["alarms"] == []


def test_sign_ins_of_nobody_are_named_until_the_roster_knows_them(screen: Screen) -> None:
    screen.ledger.fact(*TOWN)
    source = Source("queue_h1", "0" * 64, tells=frozenset({"duty"}))
    told = [{"id": str(n), "window": "w1", "staff": "g99", "from_ms": NOON - n - 1} for n in range(2)]
    with closing(Intake(screen.ledger.path.parent)) as intake:
        assert intake.take(source, json.dumps(told).encode(), NOON).taken == 2
    (unknown,) = [a for a in look(screen)["alarms"] if a["kind"] == "signin"]
    assert (unknown["kind"], unknown["subject"]) == ("signin", "queue_h1")
    assert "有 2 件的窗口、大厅或工号不在名册（g99）" in unknown["text_zh"]
    screen.ledger.fact(("staff", {"id": "g99", "zh": "王", "en": "Wang", "badge": ""}))
    assert [a for a in look(screen)["alarms"] if a["kind"] == "signin"] == []
