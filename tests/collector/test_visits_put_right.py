"""A visit that was told wrongly: a higher `rev` counts from then on, the row of before stays, no count shows it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manyi.core import verify
from manyi.core.days import day_begin
from manyi.core.visits import report as visits
from manyi.core.visits.report import LATE_MS
from manyi.core.visits.store import SHORT_MS, Counts, of_business

from tests.collector.paper_ledger import MINUTE, NOON
from tests.collector.test_visits import Desk, Hall, desk, told

__all__ = ["desk"]  # a fixture


# -- the intake


def kept(desk: Desk) -> list[list[Any]]:
    """(id, window, rev, withdrawn) of every word, row by row."""
    rows = desk.ledger.execute("SELECT body FROM row WHERE kind = 'visit' ORDER BY id").fetchall()
    return [
        [v.id, v.window, v.rev, v.withdrawn] for (raw,) in rows for v in (visits.said(raw) or ("", []))[1]
    ]


def test_a_correction_is_a_row_of_its_own_and_the_wrong_one_stays_in_the_chain(desk: Desk) -> None:
    assert desk.take(told(1))["taken"] == 1
    assert desk.take(told(1, window="w2", rev=1)) == {"taken": 1, "repeated": 0, "refused": []}
    assert desk.take({"id": "A001", "rev": 2, "withdrawn": True})["taken"] == 1
    assert desk.take(told(1, rev=3))["taken"] == 1, "and it was right after all"
    assert kept(desk) == [
        ["A001", "w1", 0, 0],
        ["A001", "w2", 1, 0],
        ["A001", "", 2, 1],
        ["A001", "w1", 3, 0],
    ]
    assert verify.ledger(desk.ledger, desk.folder / "roots").finding is None


def test_an_older_word_and_the_same_word_change_nothing(desk: Desk) -> None:
    desk.take(told(1, rev=5))
    for again in (told(1, rev=5), told(1, rev=4, window="w2"), told(1), {"id": "A001", "withdrawn": True}):
        assert desk.take(again) == {"taken": 0, "repeated": 1, "refused": []}
    assert desk.rows() == 1


def test_two_words_in_one_message_are_the_later_one(desk: Desk) -> None:
    answer = desk.take(told(1), told(1, window="w2", rev=1), told(1, rev=0))
    assert (answer["taken"], answer["repeated"], answer["refused"]) == (1, 2, [])
    assert kept(desk) == [["A001", "w2", 1, 0]]


def test_what_was_reported_a_month_ago_stays_as_it_was(desk: Desk) -> None:
    desk.take(told(1))
    (no,) = desk.take({"id": "A001", "rev": 1, "withdrawn": True}, now_ms=NOON + LATE_MS + 1)["refused"]
    assert "31 days" in no["why_en"]
    assert desk.rows() == 1


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (told(rev=-1), "whole number"),
        (told(rev=True), "whole number"),
        (told(rev="1"), "whole number"),
        (told(rev=2**53), "whole number"),
        (told(withdrawn=1), "true or false"),
        ({"id": "", "withdrawn": True}, "1 to 64"),
        (told(1, rev=1, window="w3"), "not this queue system's"),
    ],
)
def test_a_bad_correction_is_refused_in_plain_words(desk: Desk, item: dict[str, Any], says: str) -> None:
    answer = desk.take(item)
    assert answer["taken"] == 0
    assert says in " ".join(why["why_en"] for why in answer["refused"])


# -- the counts


class Queue(Hall):
    """A hall whose queue system changes its mind. `words`: of each visit the one that counts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.words: dict[str, visits.Visit] = {}

    def say(self, n: int, window: str, at_ms: int, rev: int, *, withdrawn: bool = False) -> None:
        word = visits.Visit(f"A{n}", window, at_ms, n % 3, "", 0, rev)
        if withdrawn:
            word = visits.Visit(f"A{n}", "", 0, 0, "", 0, rev, 1)
        if word.id not in self.words or rev > self.words[word.id].rev:
            self.words[word.id] = word
        self.ledger.conn.execute("BEGIN IMMEDIATE")
        self.ledger._row(at_ms, "visit", None, visits.body("queue_h1", [word]), None)  # type: ignore[arg-type]
        self.ledger.conn.execute("COMMIT")

    def expected(self) -> dict[tuple[str, int], Counts]:
        counting = {n: word for n, word in self.words.items() if not word.withdrawn}
        self.told = {n: (word.window, word.finished_ms) for n, word in counting.items()}
        return super().expected()

    def check(self) -> None:
        assert self.all() == self.expected()
        business: dict[tuple[str, int], int] = {}
        short: dict[tuple[int, str], int] = {}
        for word in self.words.values():
            if not word.withdrawn:
                key, at = (
                    (word.window, word.biz),
                    (word.finished_ms - word.finished_ms % SHORT_MS, word.window),
                )
                business[key] = business.get(key, 0) + 1
                short[at] = short.get(at, 0) + 1
        assert of_business(self.reader, 0, 2**53) == business
        assert {(b, w): n for b, w, n in self.reader.execute("SELECT * FROM short")} == short


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path)
    yield made
    made.close()


def test_a_visit_moves_to_its_window_and_a_withdrawn_one_was_never_there(queue: Queue) -> None:
    for n in range(3):
        queue.say(n, "w1", NOON, 0)
    queue.rate("box-1", of=0)
    queue.drain()
    assert queue.day() == {"w1": Counts(3, 1, 0)}
    queue.say(1, "w2", NOON, 1)
    queue.say(2, "w1", NOON, 1, withdrawn=True)
    queue.drain()
    assert queue.day() == {"w1": Counts(1, 1, 0), "w2": Counts(1, 0, 0)}
    queue.say(0, "w1", NOON, 1, withdrawn=True)
    queue.drain()
    assert queue.day() == {"w2": Counts(1, 0, 0)}, "a rating of no known visit is no visit"
    changed = queue.reader.execute("SELECT day_ms FROM changed").fetchall()
    assert changed == [(day_begin(NOON),)], "whoever shows the day is told"
    queue.check()


words = st.tuples(
    st.sampled_from(["say", "withdraw", "rate", "prompted", "step"]),
    st.integers(0, 3),
    st.sampled_from(["w1", "w2"]),
    st.sampled_from([0, -13 * 3_600_000]),
    st.integers(0, 3),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(words, max_size=25))
def test_whatever_is_put_right_in_whatever_order_the_counts_are_of_the_last_word(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, int, str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("queue")
    queue = Queue(folder)
    for act, n, window, ago, rev in history:
        match act:
            case "say":
                queue.say(n, window, NOON + ago, rev)
            case "withdraw":
                queue.say(n, window, NOON + ago, rev, withdrawn=True)
            case "rate":
                queue.rate("box-1", at_ms=NOON + ago + n * MINUTE)
            case "prompted":
                queue.rate("box-1", of=n, at_ms=NOON + ago + n * MINUTE)
            case _:
                queue.step()
    queue.drain()
    queue.check()
    queue.visits.reset()
    queue.drain()
    queue.check()
    queue.close()
    shutil.rmtree(folder)
