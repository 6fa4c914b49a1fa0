"""When the hub looks and speaks: the pure rules, fed with milliseconds."""

from __future__ import annotations

from manyi.office.frames import encode, event, still, with_clocks
from manyi.office.health import judge
from manyi.office.pace import Due, Pace


def test_the_first_look_draws_and_beats() -> None:
    assert Pace().due(0, 1) == Due(wall=True, beat=True)


def test_nothing_is_drawn_while_nothing_changes() -> None:
    pace = Pace()
    pace.due(0, 1)
    assert [pace.due(at, 1) for at in range(50, 1000, 50)] == [Due(wall=False, beat=False)] * 19


def test_a_second_passes_without_a_change() -> None:
    pace = Pace()
    pace.due(0, 1)
    assert pace.due(1000, 1) == Due(wall=True, beat=True)


def test_a_change_is_drawn_at_the_next_look() -> None:
    pace = Pace()
    pace.due(0, 1)
    pace.due(250, 1)
    assert pace.due(300, 2).wall


def test_a_storm_of_changes_is_drawn_five_times_a_second() -> None:
    pace = Pace()
    drawn = [at for at in range(0, 1000, 10) if pace.due(at, at).wall]
    assert drawn == [0, 200, 400, 600, 800]


def test_a_change_within_the_gap_is_not_forgotten() -> None:
    pace = Pace()
    pace.due(0, 1)
    assert not pace.due(100, 2).wall
    assert pace.due(200, 2).wall


def test_a_store_that_cannot_be_read_does_not_stop_the_beat() -> None:
    pace = Pace()
    pace.due(0, 1)
    assert pace.due(1000, None).beat


def test_clocks_alone_make_no_new_picture() -> None:
    before = {"now_ms": 1, "projected_ms": 1, "total": {"n": 3}}
    after = {"now_ms": 2, "projected_ms": 2, "total": {"n": 3}}
    assert still(before) == still(after) == b'{"total":{"n":3}}'
    assert with_clocks(still(after), after) == encode(after)
    assert with_clocks(still({"now_ms": 5}), {"now_ms": 5}) == b'{"now_ms":5}'
    assert with_clocks(b'{"a":1}', {"a": 1}) == b'{"a":1}'


def test_a_name_with_line_breaks_stays_in_one_data_line() -> None:
    frame = event("wall", encode({"name": "一\r\n二\n\nevent: beat"}))
    assert frame.count(b"\n") == 3
    assert b"\r" not in frame


def test_health_is_judged_from_the_projectors_heartbeat() -> None:
    assert judge(10_000, 5_000).ok
    assert judge(10_001, 5_000).reasons == ("the projector last ran 5 s ago",)
    assert judge(10_000, 0).reasons == ("the projector has never run",)
