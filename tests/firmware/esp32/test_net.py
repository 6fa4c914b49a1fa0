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
from ports.esp32 import hotspot, names, net

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
        self.claims: list[tuple[int, ...]] = []

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

    def load(self, name: str) -> bytes | None:
        return self.files.get(name)

    def claim(self, *said: int) -> None:
        self.claims.append(said)

    def random(self, n: int) -> bytes:
        return bytes(n)

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


# ---- what was typed wrong, has rotted, or lies


class EnoughError(Exception):
    """So many rounds."""


def rounds(its: net.Net, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [None] * (n - 1)

    async def sleep(_: int) -> None:
        if not left:
            raise EnoughError
        left.pop()

    monkeypatch.setattr(net, "asyncio", SimpleNamespace(sleep_ms=sleep))
    with pytest.raises(EnoughError):
        asyncio.run(its.run(SimpleNamespace(mark=lambda: None)))


@pytest.fixture
def asked(port: Port, its: net.Net, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Servers by address: what they answer to every question, or an error."""
    port.names = names.Names(port, its.servers, its.heard)  # type: ignore[attr-defined]
    servers: dict[str, Any] = {"order": []}

    async def ask(address: str, no: int, question: bytes, answer: object, up_ms: object, ms: int) -> Any:
        servers["order"].append(address)
        said = servers.get(address)
        if said is None:
            port.ms += ms
            raise OSError("no answer")
        return said

    monkeypatch.setattr(names.udp, "ask", ask)
    return servers


@pytest.mark.parametrize("host", ["", "ntp..example", "x" * 64, "a b." * 80])
def test_a_name_that_is_none_costs_the_time_and_not_the_network(
    host: str, its: net.Net, port: Port, nic: Nic, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    nic.up, port.ident["ntp"] = True, [host, "10.1.1.1"]
    asked["10.1.1.1"] = 1_795_219_200_000
    rounds(its, 3, monkeypatch)
    assert [said[2] for said in port.claims] == [1_795_219_200_000], "the next one is asked"
    assert its.linked()


def test_an_address_that_is_none_costs_its_network_alone(
    its: net.Net, port: Port, nic: Nic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def join(i: int) -> None:
        raise ValueError("invalid arguments")

    nic.join = join  # type: ignore[method-assign]
    rounds(its, 3, monkeypatch)
    assert port.lines[-1].startswith("net why=ValueError")
    assert not port.resets


@pytest.mark.parametrize("where", ["_step", "_time", "_serve"])
def test_what_there_is_no_heap_for_is_not_done_and_the_box_goes_on(
    where: str, its: net.Net, port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(its, where, none_left)
    its._wanted = True
    monkeypatch.setattr(net, "gc", SimpleNamespace(collect=lambda: None))
    if where != "_serve":
        its._wanted = False
    rounds(its, 3, monkeypatch)
    assert any("MemoryError" in line for line in port.lines)


GIVEN = [HALL]


@pytest.mark.parametrize(
    "kept",
    [None, b"", b"torn", b"\xff\xfe", b"{}x", b"7", b"null", b'["a"]', b'[{"ssie":"hall"}]', b'[{"ssid":7}]',
     b'[{"ssid":"hall","key":7}]', b'[{"ssid":"hall","kez":1}', b'[[]]'],
)  # fmt: skip
def test_networks_that_have_rotted_are_those_of_the_identity(kept: bytes | None) -> None:
    assert net.networks(kept or b"", GIVEN) == GIVEN


def test_networks_that_the_page_has_left_are_tried() -> None:
    assert net.networks(json.dumps([SPARE, HALL]).encode(), GIVEN) == [SPARE, HALL]
    assert net.networks(b'[{"ssid":"open"}]', GIVEN) == [{"ssid": "open"}]


# ---- the broker's address

BROKER, PAGE = "10.9.9.9", "10.0.0.1"


def dialled(port: Port) -> str:
    return asyncio.run(port.names.dial())  # type: ignore[attr-defined]


@pytest.mark.parametrize("kept", [b"\xff\x80", b"10.9.9", b"", b"10.9.9.9.9", "１０.9.9.9".encode()])
def test_an_address_that_has_rotted_is_none(kept: bytes, port: Port, its: net.Net) -> None:
    port.files["address"] = kept
    assert names.Names(port, its.servers, its.heard)._last is None


def test_an_address_that_takes_connections_and_says_nothing_gives_way_to_the_next(
    port: Port, asked: dict[str, Any]
) -> None:
    asked["10.0.0.2"] = [PAGE, BROKER]
    assert [dialled(port), dialled(port)] == [PAGE, BROKER]
    port.names.worked()  # type: ignore[attr-defined]
    assert port.files == {"address": BROKER.encode()}
    assert dialled(port) == BROKER, "it led there, and does so again"
    assert [dialled(port), dialled(port)] == [PAGE, BROKER], "asked again, and in order"


def test_a_page_that_catches_everything_does_not_displace_the_address_that_worked(
    port: Port, asked: dict[str, Any]
) -> None:
    asked["10.0.0.2"] = [BROKER]
    dialled(port)
    port.names.worked()  # type: ignore[attr-defined]
    asked["10.0.0.2"] = [PAGE]
    port.ms += names.FRESH_MS
    assert dialled(port) == PAGE
    del asked["10.0.0.2"]  # nobody answers any more
    assert dialled(port) == BROKER
    assert port.files == {"address": BROKER.encode()}


def test_however_many_name_servers_are_silent_the_kept_address_has_its_turn(
    port: Port, asked: dict[str, Any]
) -> None:
    port.files["address"] = BROKER.encode()
    port.ident["dns"] = [f"10.7.7.{i}" for i in range(9)]
    port.names.__init__(port, port.names._servers, port.names._heard)  # type: ignore[attr-defined]
    assert dialled(port) == BROKER
    assert port.ms <= names.FIND_MS


def test_each_name_server_is_asked_before_one_is_asked_twice(port: Port, asked: dict[str, Any]) -> None:
    port.ident["dns"] = ["10.7.7.1", "10.7.7.2"]
    asked["10.7.7.1"] = []
    asked["10.7.7.2"] = [BROKER]
    assert dialled(port) == BROKER
    assert asked["order"] == ["10.0.0.2", "10.7.7.1", "10.7.7.2"]


def test_who_knows_of_no_address_is_asked_once(port: Port, asked: dict[str, Any]) -> None:
    asked["10.0.0.2"] = []
    with pytest.raises(OSError, match="no address"):
        dialled(port)
    assert asked["order"] == ["10.0.0.2"]


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


FORGOT: list[tuple[str, ...]] = []


def serve(its: net.Net, monkeypatch: pytest.MonkeyPatch, result: object, wrong: int = 0) -> None:
    async def served(self: object, up_ms: object, mark: object, port: int) -> object:
        assert its.hotspot
        assert not its.linked(), "the broker waits"
        self.wrong = wrong  # type: ignore[attr-defined]
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(hotspot.Hotspot, "serve", served)
    FORGOT.clear()
    monkeypatch.setattr(net, "forget", lambda *what: FORGOT.append(what))  # it would be another one next time
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
    assert FORGOT == [("ports.esp32", "hotspot"), ("box", "page")], "8 KB"
    assert not its.hotspot
