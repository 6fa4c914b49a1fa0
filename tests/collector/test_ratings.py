"""ratings.db: rows in any chunks, late clocks, badges, corrections, a ledger that was replaced."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manyi.core import stores
from manyi.core.ledger import schema
from manyi.core.ratings.known_at import as_of
from manyi.core.ratings.rating import Rating
from manyi.core.ratings.store import Ratings, changes_after, presses, undated_presses

from tests.collector.paper_ledger import (
    LIFE,
    MINUTE,
    NOON,
    TOWN,
    PaperLedger,
    office,
    on_duty,
    person,
    placed,
)

DAY, HOUR = 86_400_000, 3_600_000


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[PaperLedger]:
    made = PaperLedger(tmp_path)
    yield made
    made.close()


class Store:
    """A ratings.db that follows a paper ledger, and a reader on it."""

    def __init__(self, folder: Path, ledger: PaperLedger, name: str = "ratings.db") -> None:
        self.path = folder / name
        self.ratings = Ratings(self.path, ledger.conn)
        self.conn = stores.open_reader(self.path)

    def all(self) -> list[Rating]:
        self.ratings.drain()
        return as_of(self.conn, 2**62)

    def one(self) -> Rating:
        (only,) = self.all()
        return only


@pytest.fixture
def store(tmp_path: Path, ledger: PaperLedger) -> Store:
    return Store(tmp_path, ledger)


def test_press_becomes_a_rating_with_place_person_and_time(ledger: PaperLedger, store: Store) -> None:
    ledger.fact(*TOWN)
    ledger.clock("box-3", 1_000, NOON)
    seq = ledger.press(
        "box-3", 61_000, 2, NOON + MINUTE + 250, prompted=True, visit="0102030405060708", biz=12
    )
    r = store.one()
    assert (r.box, r.life, r.seq, r.version) == ("box-3", LIFE, seq, 1)
    assert (r.time_ms, r.dated, r.latency_ms) == (NOON + MINUTE, "clock", 250)
    assert (r.county, r.township, r.hall, r.window, r.staff) == ("c2", "t2", "h2", "w3", "")
    assert (r.level, r.first, r.presses, r.prompted, r.visit, r.biz) == (2, 2, 1, 1, "0102030405060708", 12)


def test_second_press_makes_the_next_version_and_keeps_the_first(ledger: PaperLedger, store: Store) -> None:
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", 1_000, 3)
    store.ratings.drain()
    before = ledger.rows()
    ledger.press("box-1", 2_000, 1)
    r = store.one()
    assert (r.version, r.level, r.first, r.presses, r.flags) == (2, 1, 3, 2, 1)
    (old,) = as_of(store.conn, before)
    assert (old.version, old.level, old.presses) == (1, 3, 1)


def test_box_nobody_placed_is_rated_and_unassigned(ledger: PaperLedger, store: Store) -> None:
    ledger.clock("box-9", 0, NOON)
    ledger.press("box-9", 1_000, 1)
    r = store.one()
    assert (r.county, r.hall, r.window, r.staff) == ("", "", "", "")


def test_presses_before_the_first_clock_wait_and_are_dated_by_it(ledger: PaperLedger, store: Store) -> None:
    ledger.press("box-1", 1_000, 1)
    ledger.press("box-1", 2_000, 2)
    ledger.press("box-1", 60_000, 3)
    assert store.all() == []
    assert undated_presses(store.conn) == 3
    ledger.clock("box-1", 61_000, NOON)
    assert [(r.time_ms, r.level, r.presses) for r in store.all()] == [
        (NOON - 60_000, 2, 2),
        (NOON - 1_000, 3, 1),
    ]
    assert undated_presses(store.conn) == 0


def test_boot_that_never_learned_the_time_is_dated_by_bounds(ledger: PaperLedger, store: Store) -> None:
    ledger.press("box-1", 1_000, 1, boot=1)
    ledger.press("box-1", 30_000, 1, boot=1)
    ledger.press("box-1", 500, 3, boot=2)
    ledger.clock("box-1", 1_000, NOON, boot=2)
    assert [(r.time_ms, r.dated) for r in store.all()] == [
        (NOON - 30_000, "bounds"),
        (NOON - 1_000, "bounds"),
        (NOON - 500, "clock"),
    ]


def test_wiped_boxs_undated_presses_are_dated_by_its_next_life(ledger: PaperLedger, store: Store) -> None:
    ledger.press("box-1", 1_000, 1, at_ms=NOON - MINUTE)
    ledger.clock("box-1", 0, NOON, life="ff" * 8)
    r = store.one()
    assert (r.life, r.dated, r.time_ms) == (LIFE, "bounds", NOON - MINUTE)


def test_better_clock_later_never_dates_again(ledger: PaperLedger, store: Store) -> None:
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", 10_000, 1)
    ledger.clock("box-1", 20_000, NOON + 25_000)
    ledger.press("box-1", 30_000, 1)
    assert [r.time_ms for r in store.all()] == [NOON + 10_000, NOON + 35_000]


@pytest.mark.parametrize("unix_ms", [0, 4_070_908_800_000])
def test_clock_in_1970_or_2099_is_alarmed_and_not_used(
    ledger: PaperLedger, store: Store, unix_ms: int
) -> None:
    ledger.clock("box-1", 0, unix_ms)
    ledger.press("box-1", 1_000, 1)
    assert store.all() == []
    alarms = store.conn.execute("SELECT kind, box, detail FROM alarm").fetchall()
    assert alarms == [("clock", "box-1", str(unix_ms))]


def test_unknown_level_kind_and_packing_are_counted_and_stop_nothing(
    ledger: PaperLedger, store: Store
) -> None:
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", 1_000, 7)
    ledger.record("box-1", 99, 1_500)
    ledger.record("box-1", 1, 1_600, level=1, fmt=0x12)
    ledger.press("box-1", 2_000, 1)
    assert store.one().level == 1
    assert stores.get(store.conn, "unrated") == "1"
    assert stores.get(store.conn, "unread") == "1"


@pytest.mark.parametrize("up_ms", [2**64 - 1, 2**40])
def test_press_that_says_it_comes_from_the_far_future_counts_at_its_receipt(
    ledger: PaperLedger, store: Store, up_ms: int
) -> None:
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", up_ms, 3, NOON + 5_000)
    r = store.one()
    assert (r.level, r.presses, r.time_ms, r.dated) == (3, 1, NOON + 5_000, "bounds")


def test_clock_at_an_absurd_up_ms_dates_earlier_presses_by_their_receipt(
    ledger: PaperLedger, store: Store
) -> None:
    ledger.press("box-1", 1_000, 1, NOON - MINUTE)
    ledger.duty("box-1", 2_000, "04a1", NOON - MINUTE)
    ledger.clock("box-1", 2**64 - 1, NOON)
    assert (store.one().time_ms, store.one().dated) == (NOON - MINUTE, "bounds")


@pytest.mark.parametrize("how", ["same boot", "next boot", "next boot, long up", "next life"])
def test_whoever_has_a_boxs_keys_invents_no_press_of_a_time_that_is_past(
    ledger: PaperLedger, store: Store, how: str
) -> None:
    """The box was heard an hour ago; now it says that these were pressed last month, when pay was reckoned."""
    ledger.clock("box-1", 0, NOON - HOUR, NOON - HOUR)
    ledger.press("box-1", 1_000, 3, NOON - HOUR + 1_000)
    month = 30 * DAY
    life = "ffeeddccbbaa0099" if how == "next life" else LIFE
    boot = 2 if "next boot" in how else 1
    up_ms = 2_000 if how == "same boot" else 0
    if how == "next boot, long up":  # pressed 30 days before the clock that dates it
        ledger.press("box-1", 0, 1, life=life, boot=boot)
        ledger.clock("box-1", month, NOON, life=life, boot=boot)
    else:
        ledger.clock("box-1", up_ms, NOON - month, life=life, boot=boot)
        ledger.press("box-1", up_ms + 10_000, 1, life=life, boot=boot)
    ledger.clock("box-1", up_ms + 20_000, NOON, NOON, life=life, boot=boot)
    rated = {r.level: r.time_ms for r in store.all()}
    assert rated[3] == NOON - HOUR + 1_000
    assert 1 not in rated or rated[1] >= NOON - HOUR
    alarms = store.conn.execute("SELECT kind FROM alarm").fetchall()
    if how == "next boot, long up":  # its clock is right; what it leads back to is dated by its receipt
        assert (rated[1], alarms) == (NOON, [])
    else:
        assert alarms == [("clock",)]


def test_a_box_that_was_away_for_a_month_dates_its_presses_when_they_happened(
    ledger: PaperLedger, store: Store
) -> None:
    ledger.clock("box-1", 0, NOON - 31 * DAY, NOON - 31 * DAY)
    for day in range(30, 0, -1):
        ledger.clock("box-1", 0, NOON - day * DAY, boot=40 - day)
        ledger.press("box-1", HOUR, 1, boot=40 - day)
    assert [r.time_ms for r in store.all()] == [NOON - day * DAY + HOUR for day in range(30, 0, -1)]
    assert store.conn.execute("SELECT count(*) FROM alarm").fetchone() == (0,)


def test_a_box_told_a_time_too_late_and_switched_off_and_on_is_dated_once_the_time_is_put_right(
    ledger: PaperLedger, store: Store
) -> None:
    """A collector eight hours ahead, as one that takes Beijing's time for UTC. The box boots an hour after it is put right, has
    no link for eight, and names its clock once a boot.
    """
    ledger.clock("box-1", 0, NOON + 8 * HOUR, NOON + 8 * HOUR)
    ledger.clock("box-1", 8 * HOUR, NOON + 9 * HOUR, NOON + 9 * HOUR, boot=2)
    ledger.press("box-1", 8 * HOUR + MINUTE, 3, NOON + 9 * HOUR + MINUTE, boot=2)
    assert store.one().time_ms == NOON + 9 * HOUR + MINUTE
    assert store.conn.execute("SELECT count(*) FROM alarm").fetchone() == (0,)


def test_cloned_box_is_not_rated(ledger: PaperLedger, store: Store) -> None:
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", 1_000, 1)
    ledger.note("fork", "box-1", b'{"of":0}', branch=1)
    ledger.press("box-1", 9_000, 3, branch=1)
    assert store.one().level == 1
    assert store.conn.execute("SELECT kind FROM alarm").fetchall() == [("fork",)]


def test_badge_wins_over_the_plan_until_signed_out(ledger: PaperLedger, store: Store) -> None:
    ledger.fact(*TOWN)
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", 1 * MINUTE, 1)
    ledger.duty("box-1", 2 * MINUTE, "04b2")
    ledger.press("box-1", 3 * MINUTE, 1)
    ledger.duty("box-1", 4 * MINUTE, "")
    ledger.press("box-1", 5 * MINUTE, 1)
    ledger.duty("box-1", 6 * MINUTE, "ffff")
    ledger.press("box-1", 7 * MINUTE, 1)
    ledger.press("box-1", DAY, 1, NOON + DAY)
    assert [r.staff for r in store.all()] == ["ann", "bob", "", "", "ann"]


def test_badge_that_waited_for_a_date_signs_in_the_presses_after_it(
    ledger: PaperLedger, store: Store
) -> None:
    ledger.fact(*TOWN)
    ledger.duty("box-1", 500, "04b2")
    ledger.press("box-1", 1_000, 1)
    ledger.clock("box-1", 2_000, NOON)
    assert store.one().staff == "bob"


def test_unknown_badge_becomes_somebody_when_the_roster_says_whose_it_is(
    ledger: PaperLedger, store: Store
) -> None:
    ledger.fact(*TOWN)
    ledger.clock("box-1", 0, NOON)
    ledger.duty("box-1", 1_000, "0c0c")
    ledger.press("box-1", 2_000, 1)
    assert store.one().staff == ""
    ledger.fact(person("cat", "0c0c"), at_ms=NOON + 1)
    r = store.one()
    assert (r.staff, r.version) == ("cat", 2)


def test_roster_correction_re_attributes_only_what_it_concerns_and_keeps_the_trail(
    ledger: PaperLedger, store: Store
) -> None:
    ledger.fact(*TOWN)
    for box in ("box-1", "box-2"):
        ledger.clock(box, 0, NOON)
        ledger.press(box, MINUTE, 1)
        ledger.press(box, 60 * MINUTE, 3, NOON + 60 * MINUTE)
    store.ratings.drain()
    before = ledger.rows()
    seen, _ = changes_after(store.conn, 0, 100)
    ledger.fact(on_duty("w1", "bob", NOON + 30 * MINUTE), at_ms=NOON + 1)
    assert [(r.box, r.staff, r.version) for r in store.all()] == [
        ("box-1", "ann", 1), ("box-2", "bob", 1), ("box-1", "bob", 2), ("box-2", "bob", 1),
    ]  # fmt: skip
    assert [r.staff for r in as_of(store.conn, before)] == ["ann", "bob", "ann", "bob"]
    _, changed = changes_after(store.conn, seen, 100)
    assert [(r.box, r.seq, r.staff) for r in changed] == [("box-1", 3, "bob")]


def test_box_moved_after_the_fact_moves_its_ratings(ledger: PaperLedger, store: Store) -> None:
    ledger.fact(*TOWN)
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", MINUTE, 1)
    store.ratings.drain()
    ledger.fact(placed("box-1", "w3", NOON), at_ms=NOON + 1)
    r = store.one()
    assert (r.county, r.hall, r.window, r.staff, r.version) == ("c2", "h2", "w3", "", 2)


def test_hall_that_belongs_to_another_county_takes_all_with_it(ledger: PaperLedger, store: Store) -> None:
    ledger.fact(*TOWN)
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", MINUTE, 1)
    ledger.fact(office("hall", "h1", "c2"), at_ms=NOON + 1)
    assert store.one().county == "c2"
    ledger.fact(office("hall", "h1", "c2", "新名"), at_ms=NOON + 2)
    assert store.one().version == 2, "a name changes no attribution"


def test_import_cut_by_a_step_is_judged_as_one(ledger: PaperLedger, tmp_path: Path, store: Store) -> None:
    ledger.fact(*TOWN)
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", MINUTE, 1)
    moved = ("duty", {"window": "w1", "from_ms": 0, "gone": True})
    ledger.fact(moved, on_duty("w1", "ann", 1), at_ms=NOON + 1)
    while store.ratings.step(limit=1):
        pass
    assert store.one().version == 1


def test_policy_of_the_ledger_decides_how_long_a_visit_is(ledger: PaperLedger, store: Store) -> None:
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", 1_000, 1)
    ledger.press("box-1", 7_000, 3)
    ledger.fact(("policy", {"visit_ms": 8_000}))
    ledger.press("box-1", 20_000, 1)
    ledger.press("box-1", 27_000, 3)
    assert [(r.level, r.presses) for r in store.all()] == [(1, 1), (3, 1), (3, 2)]


def test_ledger_replaced_by_a_backup_begins_again(ledger: PaperLedger, store: Store, tmp_path: Path) -> None:
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", 1_000, 1)
    old = tmp_path / "backup.db"
    with sqlite3.connect(old) as copy:
        ledger.conn.backup(copy)
    ledger.press("box-1", 60_000, 3)
    assert len(store.all()) == 2
    epoch = stores.get(store.conn, "epoch")
    store.ratings.close()
    restored = schema.open_for_writing(old)
    store.ratings = Ratings(store.path, restored)
    assert [r.level for r in store.all()] == [1]
    restored.close()
    assert stores.get(store.conn, "epoch") != epoch


def test_step_that_fails_leaves_nothing_behind(
    ledger: PaperLedger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", 1_000, 1)
    store.ratings.drain()
    ledger.press("box-1", 2_000, 2)
    ledger.press("box-1", 60_000, 3)
    with monkeypatch.context() as patch:
        patch.setattr(stores, "put", _fails)
        with pytest.raises(sqlite3.OperationalError):
            store.ratings.step()
    assert [(r.level, r.presses) for r in as_of(store.conn, 2**62)] == [(1, 1)]
    assert [(r.level, r.presses) for r in store.all()] == [(2, 2), (3, 1)]


def _fails(*_: object) -> None:
    raise sqlite3.OperationalError("disk full")


def test_two_processes_step_the_same_store(ledger: PaperLedger, store: Store, tmp_path: Path) -> None:
    other = Ratings(store.path, ledger.conn)
    ledger.clock("box-1", 0, NOON)
    ledger.press("box-1", 1_000, 1)
    store.ratings.drain()
    ledger.press("box-1", 2_000, 2)
    other.drain()
    ledger.press("box-1", 3_000, 3)
    r = store.one()
    assert (r.version, r.level, r.presses) == (3, 3, 3)


# -- any history, in any chunks

reasons = st.sampled_from([0, 0, 1, 3])
windows = st.sampled_from(["w1", "w2", "w3", ""])
events = st.one_of(
    st.tuples(st.just("press"), st.integers(0, 2), st.integers(1, 8_000), st.integers(1, 3), reasons),
    st.tuples(st.just("clock"), st.integers(0, 2), st.integers(1, 500), st.integers(-2_000, 2_000)),
    st.tuples(st.just("boot"), st.integers(0, 2)),
    st.tuples(st.just("night"), st.just(13 * HOUR)),
    st.tuples(st.just("known"), st.integers(0, 2), st.integers(1, 20)),
    st.tuples(st.just("duty"), st.integers(0, 2), st.integers(1, 500), st.sampled_from(["04a1", "04b2", ""])),
    st.tuples(st.just("move"), st.integers(0, 2), windows, st.integers(-1, 1)),
    st.tuples(st.just("plan"), st.sampled_from(["w1", "w2", "w3"]), st.sampled_from(["ann", "bob", "cat"])),
)  # fmt: skip


def play(ledger: PaperLedger, history: list[tuple[object, ...]], after_each: Callable[[], None]) -> None:
    boots, ups = [1, 1, 1], [0, 0, 0]
    now = NOON
    ledger.fact(*TOWN)
    for n, event in enumerate(history):
        now += 1_000
        match event:
            case ("press", int(b), int(gap), int(level), int(reason)):
                ups[b] += gap
                ledger.press(f"box-{b + 1}", ups[b], level, now, boot=boots[b], reason=reason)
            case ("clock", int(b), int(gap), int(off)):
                ups[b] += gap
                ledger.clock(f"box-{b + 1}", ups[b], now + off, now, boot=boots[b])
            case ("night", int(span)):
                now += span
                ups = [up + span for up in ups]
            case ("known", int(b), int(seq)):
                body = json.dumps(
                    {"box": f"box-{b + 1}", "life": LIFE, "seq": seq, "by": "甲", "role": "centre"}
                )
                ledger.note("known", f"box-{b + 1}", body.encode(), now)
            case ("boot", int(b)):
                boots[b], ups[b] = boots[b] + 1, 0
            case ("duty", int(b), int(gap), str(badge)):
                ups[b] += gap
                ledger.duty(f"box-{b + 1}", ups[b], badge, now, boot=boots[b])
            case ("move", int(b), str(window), int(off)):
                ledger.fact(placed(f"box-{b + 1}", window, now + off * MINUTE), at_ms=now)
            case ("plan", str(window), str(staff)):
                ledger.fact(on_duty(window, staff, NOON + (n % 7) * 3_000), at_ms=now)
        after_each()
    for b in range(3):
        ledger.clock(f"box-{b + 1}", ups[b] + 1, now + 1_000, now + 1_000, boot=boots[b])


def kept(conn: sqlite3.Connection) -> dict[str, set[tuple[object, ...]]]:
    """The sums beside the ratings, as they are stored."""
    return {
        name: set(conn.execute(f"SELECT * FROM {name} WHERE n > 0").fetchall()) for name in ("day", "hour")
    }


def added(ratings: list[Rating]) -> dict[str, set[tuple[object, ...]]]:
    """The same, from one rating after the other."""
    sums: dict[str, dict[tuple[object, ...], list[int]]] = {"day": {}, "hour": {}}
    for r in ratings:
        hour = (r.time_ms + 8 * HOUR) // HOUR
        one = [1, *(int(r.level == x) for x in (1, 2, 3)), *(int(r.first == x) for x in (1, 2, 3))]
        one += [int(r.first == 3 and r.level < 3), r.presses, int(r.flags > 0)]
        of_day = (hour // 24, r.county, r.township, r.hall, r.window, r.staff, int(r.reason != 3))
        for name, key in (("day", of_day), ("hour", (hour, r.county, r.hall))):
            had = sums[name].get(key, [0] * len(one))
            sums[name][key] = [a + b for a, b in zip(had, one, strict=True)]
    return {name: {(*key, *counts) for key, counts in rows.items()} for name, rows in sums.items()}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events, max_size=40), st.integers(1, 7))
def test_any_chunks_and_a_rebuild_give_the_same_ratings(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[object, ...]], chunk: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    ledger = PaperLedger(folder)
    live = Store(folder, ledger, "live.db")
    play(ledger, history, lambda: live.ratings.drain() and None)
    followed = live.all()
    chunked = Store(folder, ledger, "chunked.db")
    while chunked.ratings.step(limit=chunk):
        pass
    assert chunked.all() == followed
    assert kept(live.conn) == kept(chunked.conn) == added(followed)
    live.ratings.reset()
    assert live.all() == followed, "a rebuild from nothing"
    assert kept(live.conn) == added(followed)
    assert presses(live.conn) == ledger.presses
    assert undated_presses(live.conn) == 0
    history_of = "SELECT * FROM version ORDER BY box, life, seq, version"
    assert live.conn.execute(history_of).fetchall() == chunked.conn.execute(history_of).fetchall()
    for closing in (live, chunked):
        closing.conn.close()
        closing.ratings.close()
    ledger.close()
    shutil.rmtree(folder)
