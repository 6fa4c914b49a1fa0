"""Somebody who asks for tables without end takes one thread, never both, and the others have theirs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from typing import Any

import pytest
from manyi.office.tables import turns, views

from tests.office.people import PATIENCE_S, People


def test_one_accounts_tables_are_made_one_by_one_and_anothers_beside_them(
    town: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, begun, lock = threading.Event(), threading.Semaphore(0), threading.Lock()
    busy: dict[str, int] = {}
    most: dict[str, int] = {}
    real = views._make

    def slow(books: Any, entry: Any, request: Any, *rest: Any) -> Any:
        who = request.user.get_username()
        with lock:
            busy[who] = busy.get(who, 0) + 1
            most[who] = max(most.get(who, 0), busy[who])
        begun.release()
        if who == "county":
            held.wait(PATIENCE_S)
        with lock:
            busy[who] -= 1
        return real(books, entry, request, *rest)

    monkeypatch.setattr(views, "_make", slow)

    def ask(role: str) -> int:
        with town.browser(role) as browser:
            return browser.get("/tables/days/").status_code

    with ThreadPoolExecutor(turns.ASKED * 2) as crowd:
        asked = [crowd.submit(ask, "county") for _ in range(turns.ASKED * 2)]
        assert begun.acquire(timeout=PATIENCE_S)
        assert ask("centre") == 200, "the other thread is free"
        at_once = islice(as_completed(asked, PATIENCE_S), turns.ASKED)
        assert [each.result() for each in at_once] == [429] * turns.ASKED
        held.set()
        assert sorted(each.result() for each in asked) == [200] * turns.ASKED + [429] * turns.ASKED
    assert most == {"county": 1, "centre": 1}
    assert turns._lines == {}
    assert ask("county") == 200
