"""The steps that bring a network back, taken, and what a hotspot leaves. Under CPython: what the radio does is a list.

On MicroPython, with sockets, these are test_board.py's; here are the moments that it would have to wait half an hour for.
"""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from box.radio import DEAF_MS, PATIENCE_MS, RESET_MS, TRY_MS
from ports.esp32 import hotspot, net

HALL, SPARE = {"ssid": "hall", "key": "secret-key"}, {"ssid": "spare", "key": "other-key"}
LOOK_MS = 500
PIN = "12345678"


class Nic:
    hotspot = True

    def __init__(self) -> None:
        self.did: list[str] = []
        self.up = False
        self.networks: list[dict[str, str]] = [HALL, SPARE]
        self.own = "10.0.0.2"

    def count(self) -> int:
        return len(self.networks)

    def linked(self) -> bool:
        return self.up

    def address(self) -> tuple[str, str, str, str]:
        return "10.0.0.9", "255.255.255.0", "10.0.0.1", self.own

    def join(self, i: int) -> None:
        self.did.append(f"join {self.networks[i]['ssid']}")

    def cycle(self) -> None:
        self.did.append("cycle")

    def open(self, ssid: str, pin: str) -> None:
        self.did.append(f"open {ssid} {pin}")

    def shut(self) -> None:
        self.did.append("shut")


class Port:
    DIED = 4

    def __init__(self) -> None:
        self.ms, self.by_chance, self.quiet_now = 0, 0, True
        self.ident: dict[str, Any] = {"box": "mb-24dcc3a1b2c4", "host": "h", "pin": PIN}
        self.resets: list[tuple[int, str]] = []
        self.lines: list[str] = []
        self.files: dict[str, bytes] = {}

    def up_ms(self) -> int:
        return self.ms

    def chance(self) -> int:
        return self.by_chance

    def quiet(self) -> bool:
        return self.quiet_now

    def reset(self, reason: int, why: str) -> None:
        self.resets.append((reason, why))

    def tell(self, line: str) -> None:
        self.lines.append(line)

    def save(self, name: str, data: bytes) -> None:
        self.files[name] = data


@pytest.fixture
def port() -> Port:
    return Port()


@pytest.fixture
def nic() -> Nic:
    return Nic()


@pytest.fixture
def its(port: Port, nic: Nic) -> net.Net:
    return net.Net(port, nic)


def live(its: net.Net, port: Port, until: int) -> None:
    while port.ms < until and not port.resets:
        its._step()
        port.ms += LOOK_MS


def test_each_network_then_the_radio_off_and_on_then_a_reset(its: net.Net, port: Port, nic: Nic) -> None:
    live(its, port, 4 * TRY_MS)
    assert nic.did == ["join hall", "join spare", "cycle", "join hall", "join spare"]
    live(its, port, PATIENCE_MS)
    assert not port.resets
    live(its, port, PATIENCE_MS + 2 * LOOK_MS)
    assert port.resets == [(4, "net")]


def test_a_network_that_was_heard_and_lost_is_worth_a_reset_in_half_an_hour(
    its: net.Net, port: Port, nic: Nic
) -> None:
    nic.up, port.ms = True, 1000
    its.heard()
    live(its, port, 2000)
    nic.up = False
    live(its, port, RESET_MS + 999)
    assert not port.resets
    live(its, port, RESET_MS + 3000)
    assert port.resets == [(4, "net")]


def test_a_reset_waits_for_the_visitor_to_go(its: net.Net, port: Port) -> None:
    port.quiet_now = False
    live(its, port, PATIENCE_MS + 60_000)
    assert not port.resets
    port.quiet_now = True
    live(its, port, PATIENCE_MS + 70_000)
    assert len(port.resets) == 1


def test_an_address_and_not_a_word_and_the_radio_goes_off_and_on(its: net.Net, port: Port, nic: Nic) -> None:
    nic.up = True
    live(its, port, DEAF_MS)
    assert nic.did == []
    live(its, port, DEAF_MS + 2 * LOOK_MS)
    assert nic.did == ["cycle", "join hall"]
    its.heard()
    live(its, port, 2 * DEAF_MS)
    assert nic.did == ["cycle", "join hall"], "a word is enough"


def test_a_county_does_not_return_all_at_once(its: net.Net, port: Port, nic: Nic) -> None:
    assert not its.linked()
    nic.up, port.by_chance = True, net.SPREAD_MS * 5 + 3000
    its._step()
    assert its.linked()
    port.ms = 2999
    assert not its.fresh()
    port.ms = 3000
    assert its.fresh()
    assert not its.fresh(), "once for each time that it comes"
    nic.up = False
    its._step()
    assert not its.linked()
    assert not its.fresh()
    nic.up = True
    its._step()
    port.ms = 6000
    assert its.fresh()
    told = [line for line in port.lines if "join" not in line]
    assert told == ["net up address=10.0.0.9", "net down", "net up address=10.0.0.9"]


def test_the_network_s_own_name_server_is_asked_first(its: net.Net, port: Port, nic: Nic) -> None:
    port.ident["dns"] = ["223.5.5.5"]
    assert its.servers() == ["10.0.0.2", "223.5.5.5"]
    nic.own = "0.0.0.0"
    assert its.servers() == ["223.5.5.5"]


# ---- the hotspot


@pytest.mark.parametrize(
    ("radio", "pin", "opens"), [(True, PIN, True), (True, "", False), (False, PIN, False)]
)
def test_it_is_wanted_only_with_a_radio_and_a_pin(
    radio: bool, pin: str, opens: bool, its: net.Net, port: Port, nic: Nic
) -> None:
    nic.hotspot, port.ident["pin"] = radio, pin
    its.want_hotspot()
    assert its._wanted is opens


def serve(its: net.Net, monkeypatch: pytest.MonkeyPatch, result: object, wrong: int = 0) -> None:
    async def served(self: object, up_ms: object, mark: object, port: int) -> object:
        assert its.hotspot
        assert not its.linked(), "the broker waits"
        self.wrong = wrong  # type: ignore[attr-defined]
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(hotspot.Hotspot, "serve", served)
    asyncio.run(its._serve(SimpleNamespace(mark=lambda: None)))


def test_a_network_that_was_chosen_is_kept_and_tried_first_at_once(
    its: net.Net, port: Port, nic: Nic, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(its, port, TRY_MS + LOOK_MS)
    assert nic.did == ["join hall", "join spare"]
    serve(its, monkeypatch, ("new", "new-key-1"))
    assert nic.did[2:] == [f"open manyi-a1b2c4 {PIN}", "shut"]
    assert json.loads(port.files["wifi"])[0] == {"ssid": "new", "key": "new-key-1"}
    assert [n["ssid"] for n in nic.networks] == ["new", "hall", "spare"]
    assert not its.hotspot
    its._step()
    assert nic.did[4:] == ["join new"]
    assert port.lines[-2:] == ["hotspot shut changed=1 wrong=0", "net join=0"]


def test_nothing_chosen_changes_nothing_and_the_old_ones_are_tried_at_once(
    its: net.Net, port: Port, nic: Nic, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(its, port, 2 * LOOK_MS)
    serve(its, monkeypatch, None, wrong=5)
    assert port.files == {}
    its._step()
    assert nic.did[-1] == "join hall"
    assert "hotspot shut changed=0 wrong=5" in port.lines


def test_a_hotspot_that_fails_is_shut(its: net.Net, nic: Nic, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="in use"):
        serve(its, monkeypatch, OSError("in use"))
    assert nic.did[-1] == "shut"
    assert not its.hotspot
