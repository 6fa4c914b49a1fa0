"""已知悉: one row of the chain, told once, carried by the rating, the same after a rebuild, without its person outside."""

import json
from pathlib import Path

import pytest
from manyi.core import export, known
from manyi.core import record as rec
from manyi.core.days import date_of
from manyi.core.errors import InputError
from manyi.core.ledger import reader
from manyi.core.ratings.known_at import as_of
from manyi.core.ratings.store import Ratings

from tests.collector.box_double import BOX, BoxDouble
from tests.collector.paper_ledger import LIFE, MINUTE, NOON, TOWN
from tests.collector.test_verify import KEYS, Place
from tests.collector.test_wall import Screen, screen

__all__ = ["screen"]  # a fixture


def a_red(screen: Screen) -> int:
    """The seq of a dissatisfied rating that the wall shows."""
    screen.ledger.fact(*TOWN)
    screen.visits("box-1", 1, 3)
    (red,) = [r for r in screen.show()["latest"] if r["level"] == 3]
    assert (red["known_ms"], red["known_by"]) == (0, "")
    return int(red["id"].rsplit("/", 1)[1])


def test_a_red_is_marked_and_says_when_by_whom_and_changes_no_figure(screen: Screen) -> None:
    seq = a_red(screen)
    before = screen.show()
    row = known.mark(screen.ledger.path, "box-1", LIFE, seq, " 值班员甲 ", NOON + 5 * MINUTE, role="centre")
    assert row == screen.ledger.rows()
    after = screen.show()
    (red,) = [r for r in after["latest"] if r["level"] == 3]
    assert (red["known_ms"], red["known_by"], red["known_role"]) == (
        NOON + 5 * MINUTE,
        "值班员甲",
        "centre",
    )
    assert after["total"] == before["total"]
    assert after["account"]["shown"] == before["account"]["shown"] == 2


def test_a_second_mark_is_refused_by_the_name_of_the_first(screen: Screen) -> None:
    seq = a_red(screen)
    known.mark(screen.ledger.conn, "box-1", LIFE, seq, "甲", NOON)
    with pytest.raises(InputError, match="已由 甲 标记"):
        known.mark(screen.ledger.conn, "box-1", LIFE, seq, "乙", NOON + 1)
    assert [r.kind for r in reader.rows_after(screen.ledger.conn, 0, 1000)].count("known") == 1


@pytest.mark.parametrize(
    ("box", "life", "seq"),
    [("box-7", LIFE, 2), ("box-1", "ffffffffffffffff", 2), ("box-1", LIFE, 99), ("box-1", LIFE, 1)],
)
def test_a_rating_that_nobody_gave_is_refused(screen: Screen, box: str, life: str, seq: int) -> None:
    a_red(screen)
    with pytest.raises(InputError, match="没有这条评价"):
        known.mark(screen.ledger.conn, box, life, seq, "甲", NOON)


def test_the_second_press_of_a_visit_is_no_rating_of_its_own(screen: Screen) -> None:
    seq = a_red(screen)
    second = screen.ledger.press("box-1", MINUTE + 1_000, 3)
    screen.follow()
    with pytest.raises(InputError, match="没有这条评价"):
        known.mark(screen.ledger.conn, "box-1", LIFE, second, "甲", NOON)
    known.mark(screen.ledger.conn, "box-1", LIFE, seq, "甲", NOON)


@pytest.mark.parametrize("by", ["", "   ", "字" * 65])
def test_nobody_and_an_essay_are_no_name(screen: Screen, by: str) -> None:
    seq = a_red(screen)
    with pytest.raises(InputError, match="写明知悉人"):
        known.mark(screen.ledger.conn, "box-1", LIFE, seq, by, NOON)


def test_without_a_ledger_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="还没有台账"):
        known.mark(tmp_path / "ledger.db", "box-1", LIFE, 1, "甲", NOON)
    assert list(tmp_path.iterdir()) == []


def test_a_rebuild_and_a_look_back_tell_the_same(screen: Screen) -> None:
    seq = a_red(screen)
    row = known.mark(screen.ledger.conn, "box-1", LIFE, seq, "甲", NOON, role="centre")
    screen.ledger.press("box-1", MINUTE + 2_000, 1)  # the visitor thinks better of it: still known
    followed, seen = as_of_now(screen), screen.show()["latest"]
    assert [r.known_by for r in followed if r.seq == seq] == ["甲"]
    assert [r.known_ms for r in as_of(screen.source, row - 1) if r.seq == seq] == [0]
    screen.ratings.reset()
    screen.follow()
    assert as_of_now(screen) == followed
    screen.wall.reset()
    assert screen.show()["latest"] == seen


def as_of_now(screen: Screen) -> list[object]:
    screen.follow()
    return list(as_of(screen.source, 2**62))


# -- the chain, exports and verify, on a ledger that boxes have filled


def filled(folder: Path) -> Place:
    place = Place(folder)
    box = BoxDouble()
    box.write(rec.CLOCK, reason=1, data=place.at_ms.to_bytes(8, "little") + bytes(4))
    box.press(3)
    place.talk(box)
    ratings = Ratings(folder / "ratings.db", place.conn)
    ratings.drain()
    ratings.close()
    return place


def rated(place: Place) -> tuple[str, int]:
    found = [r for r in reader.rows_after(place.conn, 0, 100) if r.kind == "record"]
    return found[-1].life, found[-1].seq


def test_the_row_is_chained_and_its_person_stays_at_home(tmp_path: Path) -> None:
    place = filled(tmp_path)
    life, seq = rated(place)
    known.mark(place.path, BOX, life, seq, "值班员甲", place.at_ms, role="centre")
    assert place.verify(keys=True).finding is None
    day = date_of(place.at_ms)
    for persons in (False, True):
        out = tmp_path / f"out-{persons}"
        done = export.write(place.conn, place.roots, out, (day, day), persons=persons)
        rows = (out / "rows.jsonl").read_text("ascii")
        assert done.withheld == int(not persons)
        assert ("值班员甲".encode().hex() in rows) is persons
        assert export.check(out, KEYS).finding is None


def test_verify_finds_a_mark_that_speaks_of_another_rating(tmp_path: Path) -> None:
    place = filled(tmp_path)
    life, seq = rated(place)
    row = known.mark(place.path, BOX, life, seq, "甲", place.at_ms)
    (body,) = place.conn.execute("SELECT body FROM row WHERE id = ?", (row,)).fetchone()
    place.open_hand()
    for change, what in (({"seq": seq - 1}, "another rating"), ({"seq": seq + 9}, "had not come yet")):
        false = json.dumps(json.loads(body) | change).encode()
        at = seq if "another" in what else seq + 9
        place.conn.execute("UPDATE row SET body = ?, seq = ? WHERE id = ?", (false, at, row))
        place.rechain()
        assert what in place.finding().what


def test_a_red_on_the_wall_names_the_halls_telephone_and_who_led_it_then_and_no_hall_screen_does(
    screen: Screen,
) -> None:
    hall = ("office", {"id": "h1", "tier": "hall", "parent": "c1", "zh": "h1", "en": "", "tel": "0531-1"})
    leads = [
        ("leader", {"hall": "h1", "from_ms": NOON + at, "to_ms": to, "zh": who, "tel": tel})
        for at, to, who, tel in (
            (0, None, "早班", "138"),
            (2 * MINUTE, NOON + 3 * MINUTE, "午班", "139"),
        )
    ]
    screen.ledger.fact(*TOWN, hall, *leads)
    screen.visits("box-1", 3, 1, 3, 3, 3)
    said = [
        (r["phone"], r["leader"], r["leader_phone"])
        for r in sorted(screen.show()["latest"], key=lambda r: r["time_ms"])
    ]
    assert said == [
        ("0531-1", "早班", "138"),
        ("", "", ""),
        ("0531-1", "午班", "139"),
        ("0531-1", "", ""),
        ("0531-1", "", ""),
    ]
    seen = json.dumps(screen.hall(), ensure_ascii=False)
    assert not [word for word in ("0531-1", "早班", "138", "known") if word in seen]
