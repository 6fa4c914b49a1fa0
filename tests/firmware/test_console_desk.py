"""The locked console's own answers, under CPython: what a line is answered with when the box cannot do it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from box import talk
from tasks.console import Desk


class Full:
    """An open bench whose heap is used up."""

    leave = False

    def obey(self, words: list[str]) -> str:
        raise MemoryError


@pytest.fixture
def desk() -> Desk:
    port = SimpleNamespace(random=bytes, ident={"box": "b", "k_link": bytes(32)})
    return Desk(port, SimpleNamespace(now=lambda: 0, fw=(1, 0, 0)), None)


def ask(desk: Desk, number: int, words: str) -> str:
    return desk.hear(talk.line(f"@{number} {words}").strip().encode())


def test_a_box_without_room_says_so_instead_of_falling_silent(desk: Desk) -> None:
    desk._bench = Full()
    assert ask(desk, 7, "renew").startswith("@7 no memory")
    assert ask(desk, 8, "lock").startswith("@8 ok")


def test_a_locked_console_does_nothing_but_say_who_it_is(desk: Desk) -> None:
    assert ask(desk, 1, "renew").startswith("@1 no locked")
