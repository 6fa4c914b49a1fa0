"""The locked console's own answers, under CPython: what a line is answered with when the box cannot do it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from box import talk
from tasks.console import Desk


class Full:
    """An open bench whose heap is used up, or that meets what nobody thought of."""

    leave = False

    def __init__(self, error: Exception) -> None:
        self._error = error

    def obey(self, words: list[str]) -> str:
        raise self._error


@pytest.fixture
def desk() -> Desk:
    port = SimpleNamespace(random=bytes, ident={"box": "b", "k_link": bytes(32)})
    return Desk(port, SimpleNamespace(now=lambda: 0, fw=(1, 0, 0)), None)


def ask(desk: Desk, number: int, words: str) -> str:
    return desk.hear(talk.line(f"@{number} {words}").strip().encode())


def test_a_box_without_room_says_so_instead_of_falling_silent(desk: Desk) -> None:
    desk._bench = Full(MemoryError())
    assert ask(desk, 7, "renew").startswith("@7 no memory")
    assert ask(desk, 8, "lock").startswith("@8 ok")


@pytest.mark.parametrize(
    ("error", "said"), [(OSError(28), "OSError"), (KeyError("ca"), "KeyError('ca')"), (ValueError(), "words")]
)
def test_a_cable_does_not_reset_the_box(error: Exception, said: str, desk: Desk) -> None:
    desk._bench = Full(error)
    assert ask(desk, 7, "retire").startswith(f"@7 no {said}")


def test_a_locked_console_does_nothing_but_say_who_it_is(desk: Desk) -> None:
    assert ask(desk, 1, "renew").startswith("@1 no locked")
