"""Which silence is one alarm, and when silence counts at all."""

from datetime import datetime

import pytest
from manyi.core.alarms.silence import CITY, Silence, gather
from manyi.core.days import BEIJING
from manyi.core.hours import is_hours, opened_ms
from manyi.core.roster.model import NOWHERE, Place

T0 = 1_795_233_600_000


def city(counties: int = 3, halls: int = 3, boxes: int = 4) -> dict[str, Place]:
    return {
        f"c{c}h{h}b{b}": Place(f"c{c}", f"t{c}{h}", f"c{c}h{h}", f"w{b}")
        for c in range(counties)
        for h in range(halls)
        for b in range(boxes)
    }


def dark(places: dict[str, Place], prefix: str, since: int = T0) -> dict[str, int]:
    return {box: since for box in places if box.startswith(prefix)}


def units(found: list[Silence]) -> list[object]:
    return [one.unit or one.boxes[0] for one in found]


def test_a_county_without_power_is_one_alarm_with_all_its_boxes() -> None:
    places = city()
    (found,) = gather(places, dark(places, "c1"))
    assert (found.unit, len(found.boxes), found.of) == (("county", "c1"), 12, 12)


def test_a_few_boxes_that_still_speak_do_not_split_a_county() -> None:
    places = city()
    silent = dark(places, "c1")
    del silent["c1h0b0"], silent["c1h1b1"]
    (found,) = gather(places, silent)
    assert (found.unit, len(found.boxes), found.of) == (("county", "c1"), 10, 12)


def test_a_dark_hall_is_named_itself_even_where_it_is_most_of_its_county() -> None:
    places = city(halls=1) | {"c0x": Place("c0", "", "other", "w")}
    (found,) = gather(places, dark(places, "c0h0"))
    assert found.unit == ("hall", "c0h0")


def test_the_whole_city_is_one_alarm() -> None:
    places = city()
    (found,) = gather(places, dark(places, ""))
    assert (found.unit, len(found.boxes)) == (CITY, 36)


def test_one_dark_county_and_one_dark_hall_and_one_box_are_three_alarms() -> None:
    places = city()
    silent = dark(places, "c0") | dark(places, "c1h1") | dark(places, "c2h2b3")
    assert units(gather(places, silent)) == [("county", "c0"), ("hall", "c1h1"), "c2h2b3"]


def test_two_boxes_are_two_plugs() -> None:
    places = city(1, 1, 2)
    assert units(gather(places, dark(places, ""))) == ["c0h0b0", "c0h0b1"]


def test_an_outage_began_when_it_became_one_not_with_the_box_that_broke_last_year() -> None:
    places = city(1, 1, 4)
    silent = {"c0h0b0": T0 - 10**10, "c0h0b1": T0, "c0h0b2": T0 + 5, "c0h0b3": T0 + 9}
    (found,) = gather(places, silent)
    assert found.since_ms == T0 + 5


def test_a_box_that_need_not_speak_now_is_no_alarm_and_an_unplaced_one_is_in_no_county() -> None:
    places = city(1, 1, 3) | {"lost": NOWHERE}
    assert gather(places, {"closed-today": T0}) == []
    assert units(gather(places, {"lost": T0})) == ["lost"]


@pytest.mark.parametrize(
    "text", ["8:30-17:30", "08:30", "17:30-08:30", "24:00-25:00", "08:30-08:30", "immer"]
)
def test_what_is_no_hours_is_refused(text: str) -> None:
    assert not is_hours(text)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BEIJING).timestamp()) * 1000


@pytest.mark.parametrize(
    ("now", "workdays", "since"),
    [
        ("2026-11-20T08:29:59", False, None),
        ("2026-11-20T08:30:00", False, "2026-11-20T08:30:00"),
        ("2026-11-20T17:29:59", True, "2026-11-20T08:30:00"),
        ("2026-11-20T17:30:00", False, None),
        ("2026-11-21T12:00:00", True, None),  # a Saturday
        ("2026-10-10T12:00:00", True, "2026-10-10T08:30:00"),  # a Saturday that is worked
        ("2026-10-01T12:00:00", True, None),  # the national day, a Thursday
    ],
)
def test_silence_counts_in_opening_hours_of_working_days(now: str, workdays: bool, since: str | None) -> None:
    found = opened_ms("08:30-17:30", at(now), workdays=workdays)
    assert found == (None if since is None else at(since))


def test_without_hours_it_is_always_open() -> None:
    assert opened_ms("", at("2026-11-21T03:00:00")) == 0
    assert opened_ms("", at("2026-11-20T03:00:00"), workdays=True) == at("2026-11-20T00:00:00")
