"""The hotspot's ten minutes, in none: who is answered, how many PINs may be wrong, when it ends. Under CPython.

The page itself is test_words.py's; a phone at a real socket of MicroPython is test_board.py's.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ports.esp32 import hotspot

PIN = "12345678"


class Time:
    """The hotspot's asyncio: a quarter of a second is nothing, and what happens in it is a script."""

    CancelledError = asyncio.CancelledError

    def __init__(self, *acts: Any) -> None:
        self.ms, self.acts, self.shut = 0, list(acts), False

    def up_ms(self) -> int:
        return self.ms

    async def start_server(self, visit: Any, host: str, port: int, backlog: int) -> Time:
        self.visit, self.port = visit, port
        return self

    async def sleep_ms(self, ms: int) -> None:
        self.ms += ms
        assert self.ms < 2 * hotspot.OPEN_MS, "it waits for ever"
        if self.acts:
            await self.acts.pop(0)()

    def current_task(self) -> Any:
        return asyncio.current_task()

    def close(self) -> None:
        self.shut = True

    async def wait_closed(self) -> None:
        pass


class Visitor:
    """A phone: what it sends, in pieces, and what it was answered."""

    def __init__(self, *sent: bytes, meanwhile: Any = None) -> None:
        self.sent, self.got, self.gone, self.meanwhile = list(sent), b"", False, meanwhile

    async def read(self, n: int) -> bytes:
        if self.meanwhile:
            await self.meanwhile()
        return self.sent.pop(0) if self.sent else b""

    def write(self, data: bytes) -> None:
        self.got += data

    async def drain(self) -> None:
        pass

    async def wait_closed(self) -> None:
        self.gone = True


def form(pin: str) -> bytes:
    body = f"pin={pin}&ssid=new&key=new-key-1".encode()
    return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def hosted(
    monkeypatch: pytest.MonkeyPatch, *visitors: Visitor, acts: list[Any] | None = None
) -> tuple[hotspot.Hotspot, Time, list[str], object]:
    lines: list[str] = []
    spot = hotspot.Hotspot(PIN, lines.append)
    its_time = Time(*(acts or [lambda v=v: spot._visit(v, v) for v in visitors]))
    monkeypatch.setattr(hotspot, "asyncio", its_time)
    chosen = asyncio.run(spot.serve(its_time.up_ms, lambda: None))
    assert its_time.shut
    return spot, its_time, lines, chosen


def test_the_right_pin_ends_it_with_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    phone = Visitor(form(PIN)[:30], form(PIN)[30:])
    _, its_time, _, chosen = hosted(monkeypatch, Visitor(b"GET / HTTP/1.1\r\n\r\n"), phone)
    assert chosen == ("new", "new-key-1")
    assert phone.got.startswith(b"HTTP/1.0 200")
    assert phone.gone
    assert its_time.ms == 2 * hotspot.LOOK_MS


def test_after_five_wrong_pins_nobody_is_asked_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = [Visitor(form(f"{i:08}")) for i in range(5)]
    late = Visitor(form(PIN))
    spot, _, _, chosen = hosted(monkeypatch, *tries, late)
    assert (spot.wrong, chosen) == (5, None)
    assert all(t.got.startswith(b"HTTP/1.0 403") for t in tries)
    assert late.got == b""


def test_what_is_no_try_of_a_pin_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    visitors = [
        Visitor(b"GET / HTTP/1.1\r\n\r\n"),
        Visitor(b"PUT / HTTP/1.1\r\n\r\n"),
        Visitor(form(PIN)[:40]),
    ]
    spot, its_time, _, chosen = hosted(monkeypatch, *visitors)
    assert (spot.wrong, chosen) == (0, None)
    assert its_time.ms == hotspot.OPEN_MS, "ten minutes, and no more"


def test_a_second_visitor_at_a_time_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    second = Visitor(form("00000000"))
    spot_of: list[Any] = []

    async def meanwhile() -> None:
        await spot_of[0]._visit(second, second)

    first = Visitor(form(PIN), meanwhile=meanwhile)
    remember(monkeypatch, spot_of)
    spot, _, _, chosen = hosted(monkeypatch, first)
    assert chosen == ("new", "new-key-1")
    assert (second.got, second.gone, spot.wrong) == (b"", True, 0)


def test_a_visitor_who_says_nothing_is_sent_away_and_the_next_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = asyncio.Event()
    silent, phone = Visitor(b"x", meanwhile=never.wait), Visitor(form(PIN))
    waits: list[asyncio.Task[None]] = []

    async def arrives() -> None:
        waits.append(asyncio.create_task(spot_of[0]._visit(silent, silent)))
        await asyncio.sleep(0)

    async def nobody() -> None:
        await asyncio.sleep(0)

    spot_of: list[Any] = []
    remember(monkeypatch, spot_of)
    looks = hotspot.PATIENCE_MS // hotspot.LOOK_MS
    acts = [arrives, *[nobody] * (looks + 1), lambda: spot_of[0]._visit(phone, phone)]
    _, its_time, lines, chosen = hosted(monkeypatch, acts=acts)
    assert (chosen, silent.gone, len(lines)) == (("new", "new-key-1"), True, 1)
    assert its_time.ms <= hotspot.PATIENCE_MS + 5 * hotspot.LOOK_MS


def test_who_is_there_when_the_time_is_up_still_has_his_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    comes = asyncio.Event()
    slow = Visitor(form(PIN), meanwhile=comes.wait)
    waits: list[asyncio.Task[None]] = []
    spot_of: list[Any] = []
    remember(monkeypatch, spot_of)

    async def arrives() -> None:
        waits.append(asyncio.create_task(spot_of[0]._visit(slow, slow)))
        await asyncio.sleep(0)

    async def nobody() -> None:
        pass

    async def sends() -> None:
        comes.set()
        await waits[0]

    before = hotspot.OPEN_MS // hotspot.LOOK_MS - 2
    _, its_time, _, chosen = hosted(monkeypatch, acts=[*[nobody] * before, arrives, nobody, nobody, sends])
    assert its_time.ms > hotspot.OPEN_MS
    assert chosen == ("new", "new-key-1"), "the page has told him that it was saved"


def remember(monkeypatch: pytest.MonkeyPatch, made_of: list[Any]) -> None:
    made = hotspot.Hotspot.__init__

    def init(self: Any, *args: Any) -> None:
        made(self, *args)
        made_of.append(self)

    monkeypatch.setattr(hotspot.Hotspot, "__init__", init)


def test_a_visitor_who_breaks_off_or_talks_nonsense_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone() -> None:
        raise OSError("reset")

    nonsense = Visitor(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n")
    phone = Visitor(form(PIN))
    _, _, lines, chosen = hosted(monkeypatch, Visitor(b"x", meanwhile=gone), nonsense, phone)
    assert chosen == ("new", "new-key-1")
    assert len(lines) == 2
    assert nonsense.gone
