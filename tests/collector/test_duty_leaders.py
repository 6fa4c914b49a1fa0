"""Leaders on duty that a hall's own system tells, with the sign-ins of staff: what is taken, who leads when, and that the wall
and whoever follows say so at once."""

import json
from contextlib import closing
from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from manyi.core import export, stores
from manyi.core.duty.intake import Intake
from manyi.core.duty.stay import Stay, said
from manyi.core.ledger import facts, schema
from manyi.core.ratings import signed
from manyi.core.roster.model import Leader
from manyi.core.told.sources import Source
from manyi.core.wall.store import Wall, hall_snapshot, snapshot

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, office
from tests.collector.told_town import ANY, DAY, EIGHT, HOUR, MIDNIGHT, Town, town

__all__ = ["town"]  # a fixture

TEL = "0537-6600102"
BY_PLAN = Leader("李云", "0537-6600101")
WANG, ZHAO = Leader("王敏", TEL), Leader("赵静", "13805370000")
PLAN = ("leader", {"hall": "h1", "from_ms": 0, "to_ms": None, "zh": BY_PLAN.zh, "tel": BY_PLAN.tel})
HALL_1 = Source("queue_h1", "1" * 64, frozenset({"h1"}), tells=frozenset({"leaders"}))
STAFF_ALONE = Source("hr_staff", "2" * 64, tells=frozenset({"duty"}))


def told(n: int = 1, who: Leader = WANG, **more: Any) -> dict[str, Any]:
    return {"id": f"L{n}", "hall": "h1", "name": who.zh, "telephone": who.tel, "from_ms": EIGHT, **more}


def led(town: Town, *times_ms: int, hall: str = "h1") -> list[Leader | None]:
    town.ratings.drain()
    return [signed.leader(town.reader, town.roster(), hall, t) for t in times_ms]


# -- what is taken


def test_leader_and_staff_are_told_in_one_message_and_lie_in_one_row(town: Town) -> None:
    staff = {"id": "S1", "window": "w1", "staff": "cat", "from_ms": EIGHT}
    assert town.take(told(1), staff) == {"taken": 2, "repeated": 0, "aside": [], "refused": []}
    assert town.take(told(1), staff)["repeated"] == 2
    assert town.rows() == 1
    (raw,) = town.ledger.conn.execute("SELECT body FROM row WHERE kind = 'signin'").fetchone()
    assert said(raw)[1] == [
        Stay("L1", 0, "h1", "王敏", EIGHT, None, tel=TEL),
        Stay("S1", 0, "w1", "cat", EIGHT, None),
    ]
    assert town.at(EIGHT) == ["cat"]
    assert led(town, EIGHT) == [WANG]


@pytest.mark.parametrize(
    ("item", "field", "says"),
    [
        (told(hall=""), "hall", "1 to 32"),
        (told(hall="h2"), "hall", "not this system's"),
        (told(name=""), "name", "1 to 60"),
        (told(name="王" * 61), "name", "1 to 60"),
        (told(telephone="王敏"), "telephone", "a number such as"),
        (told(telephone=1.38e10), "telephone", "a number such as"),
        ({"id": "1", "hall": "h1", "name": "王敏", "from_ms": EIGHT}, "telephone", "a number such as"),
        (told(window="w1"), "window", "unknown field"),
        (told(staff="cat"), "staff", "unknown field"),
        (told(from_ms=NOON + 300_001), "from", "in the future"),
        (told(to_ms=MIDNIGHT + 1), "to", "same Beijing day"),
        ({"id": "1", "window": "w1", "staff": "cat", "from_ms": EIGHT}, "window", "may not tell duty"),
    ],
)
def test_bad_leader_is_named_by_place_and_field_and_holds_no_other(
    town: Town, item: Any, field: str, says: str
) -> None:
    found = town.take(told(900), item, told(901), source=HALL_1, now_ms=NOON)
    assert found["taken"] == 2
    assert [(r["index"], r["field"]) for r in found["refused"]][:1] == [(1, field)]
    assert says in found["refused"][0]["why_en"]


def test_telephone_is_taken_as_a_number_and_in_full_width(town: Town) -> None:
    assert (
        town.take(told(1, telephone=13805370000), told(2, telephone="０５３７－６６００１０２"))["taken"] == 2
    )
    assert [one.tel for one in signed_stays(town)] == ["13805370000", TEL]


def signed_stays(town: Town) -> list[Stay]:
    (raw,) = town.ledger.conn.execute("SELECT body FROM row WHERE kind = 'signin'").fetchone()
    return said(raw)[1]


def test_who_may_tell_staff_alone_tells_no_leader(town: Town) -> None:
    (refused,) = town.take(told(1), source=STAFF_ALONE)["refused"]
    assert (refused["field"], refused["why_en"]) == ("hall", "this system may not tell leaders")
    assert (STAFF_ALONE.may("duty"), STAFF_ALONE.may("leaders")) == (True, False)
    assert (HALL_1.may("duty"), HALL_1.may("visits")) == (True, False), "a message of sign-ins, item by item"


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_order_of_arrival_does_not_matter(town: Town, order: tuple[int, ...]) -> None:
    words = (
        told(1),
        told(1, to_ms=NOON),
        told(1, ZHAO, rev=3, to_ms=NOON - HOUR),
        told(1, ZHAO, rev=3),
    )
    for n in order:
        assert town.take(words[n])["refused"] == []
    assert led(town, EIGHT, NOON - HOUR) == [ZHAO, None]


def test_another_number_of_the_same_leader_needs_a_higher_rev(town: Town) -> None:
    town.take(told(1))
    (refused,) = town.take(told(1, telephone=ZHAO.tel))["refused"]
    assert refused["field"] == "rev"
    assert town.take(told(1, telephone=ZHAO.tel, rev=1))["taken"] == 1
    assert led(town, EIGHT) == [Leader("王敏", ZHAO.tel)]


# -- who leads


def test_system_goes_before_the_sheet_from_the_days_first_word_on(town: Town) -> None:
    town.ledger.fact(PLAN)
    assert led(town, EIGHT, NOON) == [BY_PLAN, BY_PLAN]
    town.take(told(1, from_ms=EIGHT + HOUR, to_ms=EIGHT + 2 * HOUR), told(2, ZHAO, from_ms=EIGHT + 3 * HOUR))
    hours = [EIGHT + h * HOUR for h in range(4)]
    assert led(town, *hours) == [BY_PLAN, WANG, None, ZHAO]
    assert led(town, MIDNIGHT - 1, MIDNIGHT) == [ZHAO, BY_PLAN], "an open stay ends at midnight"
    assert led(town, EIGHT + HOUR, hall="h2") == [None]
    town.take({"id": "L1", "rev": 1, "withdrawn": True}, {"id": "L2", "rev": 1, "withdrawn": True})
    assert led(town, *hours) == [BY_PLAN] * 4


def test_leader_of_a_hall_sits_at_no_window_and_no_rating_moves(town: Town) -> None:
    town.press(NOON)
    town.take(told(1, hall="w1", name="cat"), told(2, name="cat"))
    assert town.at(NOON) == [None]
    assert town.whose() == ["ann"]
    assert town.reader.execute("SELECT max(version) FROM rating").fetchone() == (1,)


def test_unknown_hall_waits_for_the_roster_and_another_countys_never_counts(town: Town) -> None:
    of_county = Source("hr_c1", "3" * 64, counties=frozenset({"c1"}), tells=frozenset({"leaders"}))
    for n, hall in ((1, "h8"), (2, "h9")):
        (aside,) = town.take(told(n, hall=hall), source=of_county)["aside"]
        assert (aside["field"], aside["why_en"]) == ("hall", f"hall '{hall}' is not in the roster")
    town.ratings.drain()
    assert signed.unknown(town.reader, town.roster(), 0) == {"hr_c1": (2, "h8")}
    town.ledger.fact(office("hall", "h8", "c1"), office("hall", "h9", "c2"))
    assert led(town, NOON, hall="h8") == [WANG]
    assert led(town, NOON, hall="h9") == [None]
    assert signed.unknown(town.reader, town.roster(), 0) == {}


def test_source_can_see_its_leaders_and_no_other_systems_numbers(town: Town) -> None:
    town.take(told(1, to_ms=NOON - HOUR))
    town.take(told(2, ZHAO, from_ms=NOON), source=HALL_1)
    town.ratings.drain()
    seen = town.intake.of_day(HALL_1, "", NOON)
    assert seen["now"] == {"h1": ZHAO.zh}
    assert seen["duty"] == [
        {
            "id": "L2", "rev": 0, "hall": "h1", "name": ZHAO.zh, "telephone": ZHAO.tel, "from_ms": NOON, "to_ms": None,
            "aside": [],
        }
    ]  # fmt: skip
    assert TEL not in json.dumps(seen)


# -- who is told


def test_wall_names_the_told_leader_without_another_press_and_takes_him_back(town: Town) -> None:
    hall = ("office", {"id": "h1", "tier": "hall", "parent": "c1", "zh": "h1", "en": "", "tel": "0531-1"})
    town.ledger.fact(hall, PLAN)
    town.press(NOON)
    town.ledger.press("box-1", NOON + HOUR - EIGHT + 4 * HOUR, 3, at_ms=NOON + HOUR)
    town.ratings.drain()
    with closing(Wall(town.folder / "wall.db", town.reader, ("东市", "East"))) as wall:
        wall.step()
        with closing(stores.open_reader(town.folder / "wall.db")) as screens:

            def called() -> tuple[str, str, str]:
                town.ratings.drain()
                wall.step()
                red, green = snapshot(screens, NOON + 2 * HOUR)["latest"]
                assert (green["phone"], green["leader"], green["leader_phone"]) == ("", "", "")
                assert "王敏" not in json.dumps(hall_snapshot(screens, "h1", NOON), ensure_ascii=False)
                return red["phone"], red["leader"], red["leader_phone"]

            assert called() == ("0531-1", *astuple(BY_PLAN))
            town.take(told(1), now_ms=NOON + HOUR)
            assert called() == ("0531-1", *astuple(WANG))
            town.take(told(1, to_ms=NOON))
            assert called() == ("0531-1", "", "")
            town.take({"id": "L1", "rev": 1, "withdrawn": True})
            assert called() == ("0531-1", *astuple(BY_PLAN))
            town.take(told(1, ZHAO, rev=2))
            assert called() == ("0531-1", *astuple(ZHAO))
            town.take(told(1, ZHAO, rev=3, hall="h2"))
            assert called() == ("0531-1", *astuple(BY_PLAN))


def astuple(leader: Leader) -> tuple[str, str]:
    return leader.zh, leader.tel


def test_rebuild_says_the_same_of_every_hour(town: Town) -> None:
    town.ledger.fact(PLAN)
    town.take(told(1), told(2, ZHAO, from_ms=NOON))
    town.take(told(1, rev=1, to_ms=NOON - HOUR), {"id": "L2", "rev": 1, "withdrawn": True})
    hours = [EIGHT + h * HOUR for h in range(-1, 17)]
    kept = led(town, *hours)
    assert set(kept) == {BY_PLAN, WANG, None}
    town.ratings.reset()
    assert led(town, *hours) == kept


def test_followers_hear_of_every_hall_and_day_that_a_word_concerns(town: Town) -> None:
    town.take(told(1))
    town.ratings.drain()
    cursor, spans = signed.led_after(town.reader, 0)
    assert spans == [("h1", EIGHT, MIDNIGHT)]
    town.take(told(1, rev=1, hall="h2", from_ms=EIGHT - DAY))
    town.take({"id": "S1", "window": "w1", "staff": "cat", "from_ms": EIGHT})
    town.ratings.drain()
    assert sorted(signed.led_after(town.reader, cursor)[1]) == [
        ("h1", EIGHT, MIDNIGHT),
        ("h2", EIGHT - DAY, MIDNIGHT - DAY),
    ]


def test_export_without_persons_hides_name_and_number(tmp_path: Path) -> None:
    ledger = schema.open_for_writing(tmp_path / "ledger.db")
    facts.append_facts(ledger, NOON, TOWN)
    with closing(ledger), closing(Intake(tmp_path)) as intake:
        assert intake.take(ANY, json.dumps(told(1)).encode(), NOON + MINUTE).taken == 1
        day = date(2026, 11, 21)
        for persons in (False, True):
            out = tmp_path / f"export-{persons}"
            export.write(ledger, tmp_path / "roots", out, (day, day), persons=persons)
            text = "".join(path.read_text() for path in out.iterdir() if path.is_file())
            assert (TEL.encode().hex() in text) is persons
