"""Settings and commands that come when no heap is left for what does them: kept, and tried in later rounds of the link.
tasks/link.py and orders.py, under CPython; the broker is a list of what was said to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from box import wire
from box.sheet import Sheet
from tasks import link, orders
from tasks.link import Link

from tests.firmware.counter import MORNING, Counter
from tests.firmware.simbox import BOX, K_LINK
from tests.firmware.test_box_orders import config, sealed


class EnoughError(Exception):
    """So many rounds."""


class Line:
    heard_at = 0

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []
        self.sheet = Sheet(bytearray(wire.BUFFER))

    def topic(self, name: str) -> bytes:
        return bytes(wire.topic(BOX, name))

    async def publish(self, name: str, body: bytes | None = None, *_: bool) -> None:
        self.said.append((name, body or bytes(self.sheet.text())))

    async def upkeep(self, _: int) -> None:
        pass


class Hall:
    """A connected box at rest, no batch in flight."""

    def __init__(self) -> None:
        self.box = Counter().at(20_000).knows(MORNING)
        self.orders = orders.Orders(self.box.core, K_LINK, BOX)
        alive = SimpleNamespace(mark=lambda: None)
        self.link = Link(self.box.core, self.orders, {"k_link": K_LINK, "box": BOX}, alive, bytearray(512))
        self.link._line = self.line = Line()
        self.link._sheet = self.line.sheet
        self.link._beat = self._beat
        self.link._ask, self.link._next = False, self.box.core.journal.newest + 1

    def rounds(self, n: int) -> None:
        left = [None] * (n - 1)

        async def wait(_: int) -> None:
            if not left:
                raise EnoughError
            left.pop()

        self.box.core.link.wait = wait
        with pytest.raises(EnoughError):
            asyncio.run(self.link._talk())

    def _beat(self, _: int) -> None:
        """Would ask for a batch."""
        self.link._sheet.begin(b"")
        self.link._beat_at = 1 << 40

    def cmd(self, id: str, key: bytes = K_LINK) -> None:
        boot = self.box.core.journal.boot
        self.link._heard("cmd", sealed("cmd", key, id=id, boot=boot, do="identify", arg=""))

    def replies(self) -> list[tuple[str, int]]:
        said = [json.loads(body + b"}") for name, body in self.line.said if name == "reply"]
        return [(body["id"], body["ok"]) for body in said]

    def refused(self) -> list[str]:
        return [line for line in self.box.port.lines if line.startswith("refused")]


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
def heap(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Without room for tasks/settings.py and command.py the next `fails` times."""
    from tasks import command, settings  # noqa: PLC0415 - forgotten after every use

    heap = SimpleNamespace(fails=0)

    def loaded(true: Callable[..., Any]) -> Callable[..., Any]:
        def load(*asked: Any) -> Any:
            heap.fails -= 1
            if heap.fails >= 0:
                raise MemoryError
            return true(*asked)

        return load

    monkeypatch.setattr(settings, "take", loaded(settings.take))
    monkeypatch.setattr(command, "obey", loaded(command.obey))
    monkeypatch.setattr(orders, "forget", lambda *_: None)  # it would be another module the next time
    yield heap
    assert heap.fails <= 0, "never wanted"


def test_a_command_is_done_and_answered_when_there_is_heap(hall: Hall, heap: SimpleNamespace) -> None:
    heap.fails = 3
    hall.cmd("k1")
    hall.rounds(2)
    assert hall.replies() == []
    hall.rounds(1)
    assert hall.replies() == [("k1", 1)]
    hall.rounds(3)
    assert (hall.replies(), hall.refused(), hall.orders.late) == ([("k1", 1)], [], {})


def test_it_waits_while_a_batch_is_in_flight(hall: Hall, heap: SimpleNamespace) -> None:
    heap.fails = 1
    hall.cmd("k1")
    hall.link._asked = hall.box.port.ms
    hall.rounds(20)
    assert hall.replies() == []
    hall.link._asked = None
    hall.rounds(1)
    assert hall.replies() == [("k1", 1)]


def test_an_end_comes_to_trying_and_the_next_one_has_as_many_rounds(
    hall: Hall, heap: SimpleNamespace
) -> None:
    heap.fails = orders.TRIES
    hall.cmd("k1")
    hall.rounds(orders.TRIES + 5)
    assert (hall.replies(), len(hall.refused()), hall.link.refused, hall.orders.late) == ([], 1, 1, {})
    heap.fails = orders.TRIES - 1
    hall.cmd("k2")
    hall.rounds(orders.TRIES)
    assert (hall.replies(), hall.link.refused) == ([("k2", 1)], 1)


def test_what_could_not_be_answered_is_answered_later(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as m:
        m.setattr(wire, "reply", full)
        hall.cmd("k1")
    hall.rounds(1)
    assert (hall.replies(), hall.refused()) == ([("k1", 1)], [])


def test_settings_and_a_command_each_wait_and_the_newest_are_taken(hall: Hall, heap: SimpleNamespace) -> None:
    heap.fails = 4
    for n in (1, 2):
        hall.link._heard("config", config(f"c{n}", bright=10 * n))
        hall.cmd(f"k{n}")
    hall.rounds(3)
    assert (hall.box.core.config, hall.box.core.settings["bright"]) == ("c2", 20)
    assert (hall.replies(), hall.refused()) == ([("k2", 1)], [])


def test_older_settings_do_not_come_after_newer_ones(hall: Hall, heap: SimpleNamespace) -> None:
    first = config("c1", bright=10)
    hall.link._heard("config", first)
    heap.fails = 1
    hall.link._heard("config", config("c2", bright=20))
    hall.link._heard("config", first)  # known: read without heap
    hall.rounds(2)
    assert (hall.box.core.config, hall.box.core.settings["bright"]) == ("c1", 10)


def test_a_forged_command_is_refused_and_displaces_none(hall: Hall, heap: SimpleNamespace) -> None:
    heap.fails = 1
    hall.cmd("k1")
    hall.cmd("k2", key=bytes(32))
    assert len(hall.refused()) == 1
    hall.rounds(1)
    assert hall.replies() == [("k1", 1)]


def test_a_flood_of_wrong_settings_is_answered_so_often_and_the_heap_holds_no_more(hall: Hall) -> None:
    for i in range(100):
        hall.link._heard("config", config(f"c{i}", bright=101))
    hall.rounds(1)
    assert hall.replies() == [(f"c{i}", 0) for i in range(link.REPLIES_MAX)]


def full(*_: object) -> None:
    raise MemoryError
