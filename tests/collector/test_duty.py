"""Sign-ins that systems tell: what is taken and why not, told again and out of order, who counts before whom, and that a late
word moves ratings with a trail."""

import json
import sqlite3
from contextlib import closing
from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manyi.core import export, stores, verify
from manyi.core.duty import report
from manyi.core.duty.intake import Intake
from manyi.core.duty.stay import Contradiction, Stay, body, newer, said
from manyi.core.errors import InputError
from manyi.core.ledger import facts, schema
from manyi.core.ratings.known_at import as_of
from manyi.core.ratings.store import Ratings
from manyi.core.roster.imports import preview
from manyi.core.roster.model import Roster
from manyi.core.told.sources import Source

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, office, person, placed
from tests.collector.told_town import ANY, DAY, EIGHT, HOUR, MIDNIGHT, Town, town

__all__ = ["town"]  # a fixture

HALL_1 = Source(
    "queue_h1", "1" * 64, frozenset({"h1"}), {"1": "w1"}, staff={"7": "cat"}, tells=frozenset({"duty"})
)
COUNTY_2 = Source("queue_c2", "2" * 64, counties=frozenset({"c2"}), tells=frozenset({"duty"}))


def told(n: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": f"S{n}", "window": "w1", "staff": "cat", "from_ms": EIGHT, **more}


# -- what is taken


def test_one_many_or_wrapped_are_taken_as_one_row_a_message(town: Town) -> None:
    one = town.intake.take(ANY, json.dumps(told(1)).encode(), NOON).as_dict()
    assert one == {"taken": 1, "repeated": 0, "aside": [], "refused": []}
    assert town.take(told(2), told(3, to_ms=NOON))["taken"] == 2
    wrapped = json.dumps({"duty": [told(4, window="1", staff=7)]}).encode()
    assert town.intake.take(HALL_1, wrapped, NOON).taken == 1
    assert town.rows() == 3
    raw = town.ledger.conn.execute(
        "SELECT body FROM row WHERE kind = 'signin' ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert said(raw[0]) == ("queue_h1", [Stay("S4", 0, "w1", "cat", EIGHT, None)])


@pytest.mark.parametrize(
    ("item", "field", "says"),
    [
        (told(id=""), "id", "1 to 64"),
        (told(id="a\nb"), "id", "1 to 64"),
        (told(rev=-1), "rev", "whole number"),
        (told(rev=True), "rev", "whole number"),
        (told(rev=2**53), "rev", "whole number"),
        (told(window=""), "window", "1 to 32"),
        (told(window="w3"), "window", "not this system's"),
        (told(staff=["cat"]), "staff", "1 to 32"),
        (told(staff="x" * 33), "staff", "1 to 32"),
        (told(from_ms="1"), "from", "with its zone"),
        (told(from_ms=NOON + 300_001), "from", "in the future"),
        (told(from_ms=NOON - 92 * DAY - 1), "from", "92 days"),
        ({"id": "1", "window": "w1", "staff": "cat"}, "from", "with its zone"),
        ({"id": "1", "window": "w1", "staff": "cat", "from": "2026-11-21T08:00"}, "from", "with its zone"),
        (told(to_ms=EIGHT - 1), "to", "not before from"),
        (told(from_ms=EIGHT - DAY, to_ms=EIGHT), "to", "same Beijing day"),
        (told(to_ms=NOON + 300_001), "to", "in the future"),
        (told(to="soon"), "to", "with its zone"),
        (told(withdrawn=1), "withdrawn", "true or false"),
        (told(phone="139"), "phone", "unknown field"),
        ("S1", "", "JSON object"),
    ],
)
def test_bad_sign_in_is_named_by_place_and_field_and_holds_no_other(
    town: Town, item: Any, field: str, says: str
) -> None:
    found = town.take(told(900), item, told(901), source=HALL_1, now_ms=NOON)
    assert found["taken"] == 2
    (refused,) = found["refused"]
    assert (refused["index"], refused["field"]) == (1, field)
    assert says in refused["why_en"]
    assert refused["why"]


def test_every_wrong_field_of_an_item_is_named_at_once(town: Town) -> None:
    found = town.take({"id": "", "rev": -1, "window": "", "staff": "", "from": "x", "to": "y", "more": 1})
    assert [r["field"] for r in found["refused"]] == ["from", "id", "more", "rev", "staff", "to", "window"]
    assert town.rows() == 0


@pytest.mark.parametrize("payload", [b"{", b"[]", b"null", b"\xff", b'{"duty": []}', b'["\\ud800"]'])
def test_message_that_is_none_is_said_to_be_none(town: Town, payload: bytes) -> None:
    with pytest.raises(InputError):
        town.intake.take(ANY, payload, NOON)


def test_more_than_a_thousand_in_one_message_are_refused_whole(town: Town) -> None:
    with pytest.raises(InputError, match="1000"):
        town.take(*(told(n) for n in range(1_001)))
    assert town.take(*(told(n, to_ms=NOON) for n in range(1_000)))["taken"] == 1_000


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.dictionaries(
        st.sampled_from(
            ["id", "rev", "window", "staff", "from", "from_ms", "to", "to_ms", "withdrawn", "duty"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["w1", "cat"]),
            lambda x: st.lists(x, max_size=2),
            max_leaves=3,
        ),
    )
)
def test_nothing_that_is_sent_breaks_the_intake(town: Town, payload: Any) -> None:
    try:
        answer = town.intake.take(ANY, json.dumps(payload).encode(), NOON)
    except InputError:
        return
    assert answer.taken + answer.repeated + len(answer.refused) > 0
    town.ratings.drain()


# -- told again, out of order, corrected


def test_told_again_changes_nothing_and_writes_nothing(town: Town) -> None:
    town.take(told(1), told(2, to_ms=NOON))
    assert town.take(told(1), told(2, to_ms=NOON), told(1)) == {
        "taken": 0,
        "repeated": 3,
        "aside": [],
        "refused": [],
    }
    town.ratings.drain()
    assert town.take(told(1), told(2, to_ms=NOON))["repeated"] == 2
    assert town.rows() == 1


def test_sign_out_ends_the_same_stay_and_a_sign_in_heard_after_it_is_old_news(town: Town) -> None:
    assert town.take(told(1))["taken"] == 1
    assert town.take(told(1, to_ms=NOON))["taken"] == 1
    assert town.take(told(1))["repeated"] == 1
    assert town.at(NOON - 1, NOON) == ["cat", ""]


def test_contradiction_without_a_higher_rev_is_refused_and_the_first_word_stands(town: Town) -> None:
    town.take(told(1, to_ms=NOON))
    for other in (
        told(1, staff="bob"),
        told(1, to_ms=NOON + HOUR),
        told(1, window="w2"),
        told(1, from_ms=EIGHT + 1),
    ):
        (refused,) = town.take(other)["refused"]
        assert (refused["field"], refused["index"]) == ("rev", 0)
    assert town.take(told(1, staff="bob", rev=1))["taken"] == 1
    assert town.at(EIGHT) == ["bob"]


def test_withdrawn_stay_never_was_even_if_that_is_heard_first(town: Town) -> None:
    assert town.take({"id": "S1", "rev": 2, "withdrawn": True})["taken"] == 1
    assert town.take(told(1, rev=1))["repeated"] == 1
    town.take(told(2))
    town.take({"id": "S2", "rev": 1, "withdrawn": True})
    assert town.at(EIGHT) == [None]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_order_of_arrival_does_not_matter(town: Town, order: tuple[int, ...]) -> None:
    words = (
        told(1),
        told(1, to_ms=NOON),
        told(1, rev=3, staff="bob", to_ms=NOON - HOUR),
        told(1, rev=3, staff="bob"),
    )
    for n in order:
        assert town.take(words[n])["refused"] == []
    assert town.at(EIGHT, NOON - HOUR) == ["bob", ""]


STAYS = st.builds(
    Stay, st.just("S"), st.integers(0, 2), st.sampled_from("ab"), st.just("x"), st.integers(0, 1),
    st.sampled_from((None, 5, 6)), st.integers(0, 1), st.just(()),
)  # fmt: skip


@given(STAYS, STAYS)
def test_of_two_words_one_counts_whichever_comes_first(a: Stay, b: Stay) -> None:
    def last(first: Stay, second: Stay) -> Stay | None:
        try:
            return second if newer(second, first) else first
        except Contradiction:
            return None

    assert last(a, b) == last(b, a)


def test_what_is_older_than_a_quarter_is_not_changed(town: Town) -> None:
    town.take(told(1, from_ms=NOON - 90 * DAY))
    (refused,) = town.take({"id": "S1", "rev": 1, "withdrawn": True}, now_ms=NOON + 3 * DAY)["refused"]
    assert "92 days" in refused["why_en"]


def test_two_intakes_see_each_others_words_before_ratings_have_them(town: Town) -> None:
    with closing(Intake(town.folder)) as other:
        town.take(told(1))
        assert other.take(ANY, json.dumps(told(1)).encode(), NOON).repeated == 1
        town.ratings.drain()
        town.take(told(1, rev=1, staff="bob"))
        assert other.take(ANY, json.dumps(told(1)).encode(), NOON).repeated == 1
    assert town.at(EIGHT) == ["bob"]


def test_same_id_of_another_source_is_another_stay(town: Town) -> None:
    assert town.take(told(1))["taken"] == 1
    assert town.take(told(1, staff="bob", from_ms=EIGHT + HOUR), source=HALL_1)["taken"] == 1
    assert town.at(EIGHT, EIGHT + HOUR) == ["cat", "bob"]


# -- who sits there


def test_stays_of_a_window_and_day(town: Town) -> None:
    town.take(
        told(1, staff="cat", to_ms=EIGHT + HOUR),
        told(2, staff="bob", from_ms=EIGHT + 2 * HOUR),  # never signed out: until the next
        told(3, staff="cat", from_ms=EIGHT + 3 * HOUR, to_ms=EIGHT + 5 * HOUR),
        told(4, staff="bob", from_ms=EIGHT + 4 * HOUR, to_ms=EIGHT + 4 * HOUR + MINUTE),  # within cat's
    )
    hours = [EIGHT + h * HOUR for h in (-1, 0, 1, 2, 3, 4, 5)]
    assert town.at(*hours) == [None, "cat", "", "bob", "cat", "bob", ""]
    assert town.at(EIGHT + 4 * HOUR + MINUTE, MIDNIGHT - 1, MIDNIGHT) == ["cat", "", None]


def test_open_stay_ends_at_midnight(town: Town) -> None:
    town.take(told(1))
    assert town.at(MIDNIGHT - 1, MIDNIGHT) == ["cat", None]


def test_badge_goes_before_a_system_and_a_system_before_stand_in_and_plan(town: Town) -> None:
    cover = {"window": "w1", "staff": "cat", "from_ms": EIGHT, "to_ms": MIDNIGHT}
    town.ledger.fact(("cover", cover))
    town.press(EIGHT + HOUR, EIGHT + 3 * HOUR)
    town.ledger.duty("box-1", 8 * HOUR, "04a1", at_ms=NOON)  # ann's badge at noon
    town.press(NOON + MINUTE)
    assert town.whose() == ["cat", "cat", "ann"], "stand-in, until the badge"
    town.take(told(1, staff="bob", from_ms=EIGHT + 2 * HOUR))
    assert town.whose() == ["cat", "bob", "ann"], (
        "plan before the day's first word, then the system, then the badge"
    )
    town.take(told(1, staff="bob", from_ms=EIGHT + 2 * HOUR, to_ms=EIGHT + 2 * HOUR + MINUTE))
    assert town.whose() == ["cat", "", "ann"], "who signed out is not replaced by the plan"
    town.take({"id": "S1", "rev": 1, "withdrawn": True})
    assert town.whose() == ["cat", "cat", "ann"]


def test_late_correction_moves_that_day_alone_and_both_versions_can_be_had(town: Town) -> None:
    town.press(EIGHT + HOUR, NOON)
    town.press(EIGHT + HOUR, box="box-2")
    assert town.whose() == ["ann", "ann"]
    before = town.ledger.rows()
    town.take(
        told(1, from_ms=EIGHT, to_ms=EIGHT + 2 * HOUR), told(2, window="w1", staff="ann", from_ms=NOON - 1)
    )
    assert town.whose() == ["cat", "ann"]
    assert [r.staff for r in as_of(town.reader, before) if r.window == "w1"] == ["ann", "ann"]
    now = [(r.staff, r.version, r.row_id) for r in as_of(town.reader, town.ledger.rows()) if r.window == "w1"]
    assert now == [("cat", 2, before + 1), ("ann", 1, now[1][2])], (
        "a new version, and no other rating touched"
    )
    assert town.whose("w2") == ["bob"]


def test_correction_that_moves_a_stay_to_another_window_frees_the_first(town: Town) -> None:
    town.press(NOON)
    town.press(NOON, box="box-2")
    town.take(told(1))
    assert (town.whose(), town.whose("w2")) == (["cat"], ["bob"])
    town.take(told(1, rev=1, window="w2"))
    assert (town.whose(), town.whose("w2")) == (["ann"], ["cat"])


def test_rebuild_gives_the_same_ratings_and_versions(town: Town) -> None:
    town.press(EIGHT + HOUR, NOON)
    town.take(told(1))
    town.press(NOON + HOUR)
    town.take(told(1, rev=1, staff="bob"), told(2, window="w2", staff="cat", to_ms=NOON))
    town.whose()
    kept = as_of(town.reader, town.ledger.rows())
    town.ratings.reset()
    town.whose()
    assert as_of(town.reader, town.ledger.rows()) == kept
    assert max(r.version for r in kept) == 3


@pytest.mark.parametrize("step", [1, 2, 3])
def test_it_does_not_matter_how_rows_are_cut_into_steps(town: Town, tmp_path: Path, step: int) -> None:
    town.press(EIGHT + HOUR, NOON)
    town.take(told(1))
    town.press(NOON + HOUR, NOON + 2 * HOUR)
    town.take(told(1, rev=1, staff="bob"))
    town.whose()
    with closing(Ratings(tmp_path / "cut.db", town.ledger.conn)) as other:
        while other.step(step):
            pass
    with closing(stores.open_reader(tmp_path / "cut.db")) as cut:
        assert as_of(cut, town.ledger.rows()) == as_of(town.reader, town.ledger.rows())


# -- what the roster does not know


def test_unknown_staff_counts_for_nobody_until_the_roster_knows_him(town: Town) -> None:
    town.press(NOON)
    found = town.take(told(1, staff="new"))
    assert (found["taken"], [(a["index"], a["id"], a["field"]) for a in found["aside"]]) == (
        1,
        [(0, "S1", "staff")],
    )
    assert town.whose() == [""]
    assert town.take(told(1, staff="new"))["aside"], "told again, it is said again"
    town.ledger.fact(person("new"), at_ms=NOON + MINUTE)
    assert town.whose() == ["new"]
    assert town.take(told(1, staff="new"))["aside"] == []


def test_unknown_window_counts_from_the_import_that_brings_it(town: Town) -> None:
    found = town.take(told(1, window="w9"), source=HALL_1)
    assert [(a["field"], a["why_en"]) for a in found["aside"]] == [
        ("window", "window 'w9' is not in the roster")
    ]
    town.ledger.fact(office("window", "w9", "h1"), placed("box-9", "w9"), at_ms=NOON + MINUTE)
    town.press(NOON, box="box-9")
    assert town.whose("w9") == ["cat"]


def test_window_that_turns_out_to_be_another_halls_is_not_the_sources(town: Town) -> None:
    town.take(told(1, window="w9"), source=HALL_1)
    town.ledger.fact(office("window", "w9", "h2"), placed("box-9", "w9"), at_ms=NOON + MINUTE)
    town.press(NOON, box="box-9")
    assert town.whose("w9") == [""], "nobody: the plan has nobody there"
    assert town.at(NOON, window="w9") == [None]


def test_source_of_a_county_speaks_for_its_halls_alone(town: Town) -> None:
    assert town.take(told(1, window="w3"), source=COUNTY_2)["taken"] == 1
    assert town.take(told(2, window="w1"), source=COUNTY_2)["refused"][0]["field"] == "window"


def test_dry_run_of_a_roster_says_what_a_new_name_would_move(town: Town, tmp_path: Path) -> None:
    town.press(NOON)
    town.take(told(1, staff="new"))
    town.whose()
    (tmp_path / "staff.csv").write_text("staff,name\nnew,New\n", encoding="utf-8")
    moved = preview(tmp_path / "staff.csv", town.ledger.conn, town.reader).moved
    assert moved is not None
    assert {tuple(way): n for way, n in moved.items()} == {("w1", "", "w1", "new"): 1}


# -- shown, sealed


def test_source_can_see_what_counts_of_its_words(town: Town) -> None:
    town.take(told(1), told(2, window="w2", staff="x9", to_ms=NOON), told(3, from_ms=EIGHT - DAY))
    town.take(told(4, window="w2", staff="bob", from_ms=NOON), source=HALL_1)
    town.ratings.drain()
    seen = town.intake.of_day(ANY, "", NOON)
    assert seen["day"] == "2026-11-21"
    assert seen["now"] == {"w1": "cat", "w2": "bob"}
    assert [(d["id"], d["window"], d["to_ms"], d["aside"]) for d in seen["duty"]] == [
        ("S1", "w1", None, []), ("S2", "w2", NOON, ["staff"]),
    ]  # fmt: skip
    assert [d["id"] for d in town.intake.of_day(ANY, "2026-11-20", NOON)["duty"]] == ["S3"]
    assert town.intake.of_day(COUNTY_2, "", NOON)["now"] == {}, "windows of other counties are not its"
    for day in ("today", "2026-13-01"):
        with pytest.raises(InputError):
            town.intake.of_day(ANY, day, NOON)


def test_rows_are_of_the_chain_and_an_export_without_persons_verifies(tmp_path: Path) -> None:
    ledger = schema.open_for_writing(tmp_path / "ledger.db")
    facts.append_facts(ledger, NOON, TOWN)
    with closing(ledger), closing(Intake(tmp_path)) as intake:
        intake.take(ANY, json.dumps([told(1, staff="g12345")]).encode(), NOON)
        assert verify.ledger(ledger, tmp_path / "roots").finding is None
        day, out = date(2026, 11, 21), tmp_path / "export"
        export.write(ledger, tmp_path / "roots", out, (day, day))
        assert export.check(out).finding is None
    text = "".join(path.read_text() for path in out.iterdir() if path.is_file())
    assert '"kind":"signin"' in text.replace(" ", "")
    assert not any(word in text for word in ("g12345", b"g12345".hex()))


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"source":"x","stays":[[1]]}', b'{"source":"x","stays":3}', b"\xff"]
)
def test_row_that_cannot_be_read_changes_nothing(town: Town, raw: bytes) -> None:
    assert said(raw) == ("", [])
    town.press(NOON)
    facts.append_row(town.ledger.conn, NOON, "signin", raw)
    assert town.whose() == ["ann"]


def test_same_facts_twice_are_told_apart_by_their_salt_alone() -> None:
    one = [Stay("S1", 0, "w1", "cat", EIGHT, None)]
    assert body("x", one) != body("x", one)


def test_nothing_is_said_to_be_taken_while_the_ledger_is_locked(town: Town) -> None:
    town.take(told(1))
    town.intake._desk.open().execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(town.folder / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError):
            town.take(told(2))
        other.execute("ROLLBACK")
    assert town.take(told(2))["taken"] == 1


def test_aside_of_a_withdrawn_stay_is_nothing(town: Town) -> None:
    assert report.aside(Stay("S1", 1, "", "", 0, None, 1), Roster.from_facts(())) == []
