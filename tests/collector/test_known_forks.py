"""已知悉 of a box that told two stories: rows of the chain at its side branches, which end the alarm and no more than that."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from manyi.core import known, stores
from manyi.core import record as rec
from manyi.core.alarms.rules import FORK_KNOWN_MS
from manyi.core.errors import InputError
from manyi.core.ledger import reader
from manyi.core.ratings.known_at import as_of
from manyi.core.ratings.store import Ratings

from tests.collector.box_double import BOX, BoxDouble
from tests.collector.paper_ledger import NOON
from tests.collector.test_verify import Place
from tests.collector.test_wall import screen
from tests.collector.test_wall_alarms import Eye, eye

__all__ = ["eye", "screen"]  # fixtures


def forked(folder: Path) -> tuple[Place, BoxDouble, BoxDouble]:
    """A box and its clone have both gone on from the same record: the box to a red, the clone to a green."""
    place = Place(folder)
    box = BoxDouble()
    box.write(rec.CLOCK, reason=1, data=place.at_ms.to_bytes(8, "little") + bytes(4))
    place.talk(box)
    clone = box.clone()
    box.press(3)
    place.talk(box)
    clone.press(1)
    place.talk(clone)
    return place, box, clone


def rows(place: Place) -> list[reader.Row]:
    return [r for r in reader.rows_after(place.conn, 0, 1000) if r.kind == known.KIND]


def test_the_row_names_who_and_when_is_chained_and_marks_no_rating(tmp_path: Path) -> None:
    place, _box, _clone = forked(tmp_path)
    ratings = Ratings(tmp_path / "ratings.db", place.conn)
    ratings.drain()
    (made,) = known.mark_forks(place.path, BOX, " 技术员甲 ", place.at_ms, role="centre")
    (row,) = rows(place)
    fact = json.loads(row.body)
    assert (row.id, row.branch, row.at_ms) == (made, 1, place.at_ms)
    assert (fact["by"], fact["role"], fact["seq"]) == ("技术员甲", "centre", row.seq)
    assert place.verify(keys=True).finding is None
    ratings.drain()
    ratings.close()
    with closing(stores.open_reader(tmp_path / "ratings.db")) as conn:
        rated = list(as_of(conn, 2**62))
    assert row.seq in {r.seq for r in rated if r.level == 3}, "the main branch has a red at that seq"
    assert {r.known_ms for r in rated} == {0}


def test_what_is_known_is_not_told_twice_and_what_comes_after_is(tmp_path: Path) -> None:
    place, _box, clone = forked(tmp_path)
    known.mark_forks(place.conn, BOX, "甲", place.at_ms)
    with pytest.raises(InputError, match="没有待知悉的分支"):
        known.mark_forks(place.conn, BOX, "乙", place.at_ms)
    clone.press(1)
    place.talk(clone)
    known.mark_forks(place.conn, BOX, "乙", place.at_ms)
    assert [json.loads(r.body)["by"] for r in rows(place)] == ["甲", "乙"]
    assert place.verify(keys=True).finding is None


@pytest.mark.parametrize("box", ["mb-nobody", ""])
def test_a_box_without_a_fork_has_nothing_to_be_marked(tmp_path: Path, box: str) -> None:
    place, _box, _clone = forked(tmp_path)
    with pytest.raises(InputError, match="没有待知悉的分支"):
        known.mark_forks(place.conn, box, "甲", place.at_ms)
    assert rows(place) == []


def test_the_alarm_ends_and_comes_back_if_the_branch_goes_on(eye: Eye) -> None:
    ledger = eye.screen.ledger
    ledger.press("box-1", 1_000, 1)
    ledger.note("fork", "box-1", b"{}", branch=1)

    def side(at_ms: int) -> None:
        seq = ledger.press("box-1", at_ms - NOON + 2_000, 3, at_ms, branch=1)
        ledger.conn.execute("UPDATE head SET seq = ? WHERE branch = 1", (seq,))

    side(NOON)
    assert len(eye.see("fork", NOON + 1)) == 1
    known.mark_forks(ledger.conn, "box-1", "甲", NOON + 2)
    assert eye.see("fork", NOON + 3) == []
    side(NOON + 1_000)
    assert eye.see("fork", NOON + 1_001) == [], "somebody is on his way"
    side(NOON + 2 + FORK_KNOWN_MS)
    assert len(eye.see("fork", NOON + 3 + FORK_KNOWN_MS)) == 1, "and the clone still talks a day later"
