"""The whole firmware on the ESP32 port, from boot.py on: the files of a real image, a real littlefs, a real Mosquitto;
only machine, network and esp32 are fakes. Simulated: no figure here was measured on a board."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.firmware.conftest import micropython
from tests.firmware.esp32.boardbox import BoardBox, compile_fakes
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import BLOCKED_MS, BOX, acked, lit_at_once
from tests.services.certs import Certs
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port

pytest_plugins = ["tests.firmware.simfixtures", "tests.services.certs"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

FULL, GLOW = 65535 * 64 // 100, 65535 * 144 // 10_000  # 80 % and 15 % of that, by the square
HALL = {"ssid": "hall", "key": "secret-key"}
WIFI = [HALL]
NAME = "broker.example.gov.cn"


@pytest.fixture(scope="session")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_fakes(tmp_path_factory.mktemp("fakes"))


@pytest.fixture
def make_board(tmp_path: Path, firmware: Path, fakes: Path) -> Iterator[Callable[..., BoardBox]]:
    made: list[BoardBox] = []

    def make(port: int, folder: str = "board", boot: bool = True, **facts: object) -> BoardBox:
        facts.setdefault("wifi", WIFI)
        made.append(BoardBox(tmp_path / folder, firmware, port, fakes, **facts))  # type: ignore[arg-type]
        return made[-1].boot() if boot else made[-1].start()  # type: ignore[return-value]

    yield make
    for box in made:
        box.kill()


class Udp:
    """A server on a free UDP port: `answer(packet)` -> bytes, or None for silence."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self.answer, self.asked = answer, 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                packet, who = self.sock.recvfrom(512)
            except OSError:
                return
            self.asked += 1
            said = self.answer(packet)
            if said is not None:
                self.sock.sendto(said, who)


def name_server(packet: bytes) -> bytes:
    """127.0.0.1, whatever is asked."""
    head = packet[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
    return head + packet[12:] + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\x7f\x00\x00\x01"


def time_server(packet: bytes) -> bytes:
    now = time.time() + 2_208_988_800
    at = struct.pack(">II", int(now), int(now % 1 * (1 << 32)))
    return b"\x24\x02" + bytes(22) + packet[40:48] + at + at


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    hole = socket.socket()
    hole.bind(("127.0.0.1", 0))
    hole.listen(64)
    yield hole.getsockname()[1]
    hole.close()


def quick(box: BoardBox, presses: int = 6) -> None:
    """The presses have their lights in 100 ms: a blocked VM or a late task, and they have not."""
    lit_at_once([box.press(i % 3 + 1) for i in range(presses)])


# ---- all of it


def test_a_board_boots_from_its_image_and_delivers(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(mosquitto.port)
    box.wait("ack")
    light = box.press(1)
    acked(box, int(light["seq"]) + 1)
    assert collector.presses() == [1]
    assert [r["kind"] for r in collector.life.records.values()] == [3, 1, 2]
    collector.until("a beat", lambda: collector.heard["beat"])
    assert collector.heard["beat"][-1]["rssi"] == -61
    if "MANYI_PLANTED" not in os.environ:  # probes (make coverage) cost time, and are on no box
        lit_at_once([box.press(1) for _ in range(9)], 20)


@pytest.mark.parametrize("board", ["esp32_s3_devkitc", "wt32_eth01"])
def test_another_board_is_another_file_of_facts(
    board: str, make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(
        mosquitto.port, board=board, static=["10.0.0.9", "255.255.255.0", "10.0.0.1", "10.0.0.2"]
    )
    box.wait("ack")
    for level in (1, 2, 3):
        box.press(level)
    acked(box, 5)
    assert collector.presses() == [1, 2, 3]
    wired = board == "wt32_eth01"
    assert bool(box.said("lan mdc")) == wired
    assert box.said("lan fixed") == (["lan fixed=10.0.0.9"] if wired else [])


def test_the_three_lights_are_one(make_board: Callable[..., BoardBox]) -> None:
    box = make_board(free_port(), bench={"tell_lamp": True}, backoff_ms=60_000)
    lamps = box.pins["LAMPS"]
    full, glow = ([f"pwm pin={pin} duty={duty}" for pin in lamps] for duty in (FULL, GLOW))

    def show(since: int) -> list[str]:
        """What a press looked and sounded like, up to the glow after it; nothing while it lasts."""
        told = [line for line in box.lines[since:] if line.startswith(("pwm", "voice"))]
        begin = told.index(full[0]) if full[0] in told else len(told)
        end = told.index(glow[0], begin) + len(lamps) + 1 if glow[0] in told[begin:] else len(told) + 1
        return told[begin:end] if end <= len(told) else []  # the buzzer comes last

    shows = []
    for level in (1, 1, 2, 3):
        before = len(box.lines)
        box.press(level)
        box.until("at rest again", lambda n=before: bool(show(n)))
        shows.append(show(before))
    assert all(each[:3] == full for each in shows)
    assert shows[2:] == [shows[1]] * 2  # after the first: the voice is told its volume once


def test_a_badge_at_the_reader_is_a_record_and_lights_the_clerks_lamp(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(mosquitto.port)
    box.wait("ack")
    quick(box, 1)  # a visitor: the key test that a first badge asks for waits until nobody is at the keys
    box.say("badge 04112233445566")
    collector.until(
        "the duty", lambda: collector.lives and [r for r in collector.life.records.values() if r["kind"] == 4]
    )
    (duty,) = (r for r in collector.life.records.values() if r["kind"] == 4)
    assert duty["data"] == "0704112233445566"
    quick(box, 2)


# ---- TLS


def test_tls_needs_a_clock_and_has_one(
    make_board: Callable[..., BoardBox], make_mosquitto: Callable[..., Mosquitto], certs: Certs,
    make_collector: Callable[..., FakeCollector], tmp_path: Path,
) -> None:  # fmt: skip
    plain = free_port()
    broker = make_mosquitto(tls=certs, extra=f"listener {plain} 127.0.0.1\nallow_anonymous true")
    collector = make_collector(plain)
    box = make_board(broker.port, boot=False, tls={"ca": "/ca-bureau.der", "name": "localhost"})
    box.kill()
    (box.folder / "root" / "ca-bureau.der").write_bytes(certs.ca_der.read_bytes())
    box.boot()
    box.wait("rtc")  # set before anything else: a board starts in 2000, when no certificate was valid
    assert box.lines.index(box.said("rtc")[0]) < box.lines.index(box.said("ready")[0])
    box.press(2)
    collector.until("the press", lambda: collector.presses() == [2])


def test_the_time_of_the_collector_outlives_a_restart(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    ahead_s, began = 2 * 365 * 86_400, time.time()
    collector.now_ms = lambda: int((time.time() + ahead_s) * 1000)
    box = make_board(mosquitto.port)
    box.press(1)
    acked(box, 3)
    box.kill()
    mosquitto.kill()
    box.boot()
    days = {time.strftime("%Y-%m-%d", time.gmtime(at + ahead_s)) for at in (began, time.time())}
    (set_to,) = box.said("rtc")
    assert set_to.removeprefix("rtc ") in days, "one of the two, at midnight"


def test_a_time_server_says_when_it_was_while_the_collector_is_away(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    mosquitto.kill()
    clock = Udp(time_server)
    box = make_board(mosquitto.port, ntp=["127.0.0.1"], ntp_port=clock.port)
    box.press(3)
    box.wait("rtc", 2)  # after its start, set by it
    mosquitto.start()
    collector.until("both", lambda: collector.lives and len(collector.life.records) >= 3)
    noted = next(r for r in collector.life.records.values() if r["kind"] == 2)
    assert noted["reason"] == 2
    assert abs(int.from_bytes(bytes.fromhex(noted["data"])[:8], "little") - time.time() * 1000) < 30_000


# ---- the countryside: keys, light and journal wait for nothing


def test_a_broker_that_takes_the_connection_and_says_nothing(
    make_board: Callable[..., BoardBox], black_hole: int
) -> None:
    box = make_board(black_hole)
    box.wait("net up")
    quick(box, 12)
    assert not box.said("fault")


def test_a_name_server_that_says_nothing_then_answers(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    dead = Udp(lambda _: None)
    box = make_board(mosquitto.port, host=NAME, dns_port=dead.port, dns=["127.0.0.1"])
    box.until("asked", lambda: dead.asked > 0)
    quick(box, 12)
    box.until_s("time enough for a supervisor to lose patience", lambda: dead.asked >= 8, 120)
    assert not box.said("fault")
    dead.answer = name_server
    collector.until("all of them", lambda: sorted(collector.presses()) == sorted([1, 2, 3] * 4))


def test_an_address_that_worked_outlives_its_name_server(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    names = Udp(name_server)
    box = make_board(mosquitto.port, host=NAME, dns_port=names.port)
    box.wait("ack")
    box.kill()
    names.answer = lambda _: None
    box.boot()
    box.press(2)
    collector.until("the press", lambda: collector.presses() == [2])


def test_a_flapping_link_under_a_blocked_vm_loses_no_press(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(mosquitto.port)
    box.wait("ack")
    lit = []
    for round_ in range(4):
        box.say("air off")
        mosquitto.kill()
        for level in (1, 2, 3):
            box.say(f"tap {level} 60", "block 400")
            assert float(box.wait("light", len(lit) + 1)["ms"]) < BLOCKED_MS
            lit.append(level)
        mosquitto.start()
        box.say("air on")
        box.until("up again", lambda n=round_: len(box.said("link up")) >= n + 2)
    collector.until("all of it", lambda: sorted(collector.presses()) == sorted(lit))
    assert not box.said("fault")


def test_a_tap_after_one_that_was_seen_late_is_judged_by_the_time_of_its_edge(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(mosquitto.port)
    box.wait("ack")
    box.say("tap 1 60", "block 80", "tap 3 60")
    box.wait("light", 2)
    collector.until("both", lambda: collector.presses() == [1, 3])


def test_a_network_that_returns_is_dialled_at_once_not_after_the_pause(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(mosquitto.port, boot=False, backoff_ms=600_000, backoff_max_ms=600_000)
    box.say("air off")
    box.wait("link down")
    box.say("air on")
    box.wait("net up")
    box.wait("link up")  # within the 8 s over which a county is spread


# ---- networks


def test_the_next_network_is_tried_if_the_first_does_not_let_it_in(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    fixed = ["10.0.0.9", "255.255.255.0", "10.0.0.1", "10.0.0.2"]
    networks = [{"ssid": "hall", "key": "wrong-key"}, {"ssid": "spare", "key": "other-key", "static": fixed}]
    box = make_board(
        mosquitto.port, wifi=networks, bench={"networks": {"hall": "secret-key", "spare": "other-key"}}
    )
    box.wait("join")
    began = time.monotonic()
    box.wait("join", 2)
    assert time.monotonic() - began > 10, "a corner with a bad signal has 20 s for the first one"
    assert box.said("join") == ["join ssid=hall fixed=no", "join ssid=spare fixed=10.0.0.9"]
    box.wait("ack")


def open_hotspot(box: BoardBox) -> str:
    box.say("down 1", "down 3")
    box.wait("ap")
    box.say("up 1", "up 3")
    time.sleep(0.1)  # a key that comes down again within 20 ms has bounced
    return f"http://127.0.0.1:{box.facts['hotspot_port']}/"


def visit(url: str, **form: str) -> tuple[int, str]:
    data = urllib.parse.urlencode(form).encode() if form else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(40):
        try:
            with opener.open(url, data, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            time.sleep(0.1)
    raise AssertionError("no page")


def test_two_keys_for_ten_seconds_open_a_page_that_changes_the_wifi(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(
        mosquitto.port,
        wifi=[{"ssid": "old", "key": "gone-for-good"}],
        hotspot_port=free_port(),
        backoff_ms=500,
    )
    box.press(2)
    url = open_hotspot(box)
    assert box.said("ap") == [f"ap ssid=manyi-{BOX[-6:]} key=12345678"]
    status, text = visit(url)
    assert (status, "更换 Wi-Fi" in text) == (200, True)
    assert visit(url, pin="87654321", ssid="hall", key="secret-key")[0] == 403
    quick(box, 3)  # the box goes on
    assert visit(url, pin="12345678", ssid="hall", key="short")[0] == 400
    assert visit(url, pin="12345678", ssid="hall", key="secret-key")[0] == 200
    assert box.wait("hotspot shut") == {"changed": "1", "wrong": "1"}
    box.wait("ack")
    assert (
        len(collector.presses()) >= 4
    )  # the journal is kept; the hand that held two keys may have pressed one
    box.kill()
    box.boot()
    box.wait("link up")
    assert box.said("join")[0] == "join ssid=hall fixed=no"


def test_five_wrong_pins_close_the_page(make_board: Callable[..., BoardBox], mosquitto: Mosquitto,
                                        collector: FakeCollector) -> None:  # fmt: skip
    box = make_board(mosquitto.port, hotspot_port=free_port())
    url = open_hotspot(box)
    for i in range(5):
        assert visit(url, pin=f"{i:08}", ssid="evil", key="evil-key")[0] == 403
    assert box.wait("hotspot shut") == {"changed": "0", "wrong": "5"}
    box.wait("ack")
    assert "evil" not in json.dumps(box.lines)


def test_a_box_without_a_pin_opens_nothing(make_board: Callable[..., BoardBox]) -> None:
    box = make_board(free_port(), pin="")
    box.say("down 1", "down 2")
    time.sleep(11)
    assert not box.said("ap")


# ---- life and death


def test_a_dead_task_is_told_by_the_next_boot(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(mosquitto.port)
    box.wait("ack")
    box.say("die")
    assert box.ended() == 3
    assert box.said("fault task=hand")
    box.boot().press(1)
    collector.until("why", lambda: collector.heard["state"][-1].get("reason") == 4)


def test_a_power_cut_is_told_as_one(make_board: Callable[..., BoardBox], mosquitto: Mosquitto,
                                    collector: FakeCollector) -> None:  # fmt: skip
    box = make_board(mosquitto.port)
    box.wait("ack")
    box.kill()
    collector.heard["state"].clear()
    box.boot()
    collector.until(
        "why", lambda: [s.get("reason") for s in collector.heard["state"] if s["state"] == "online"] == [1]
    )


def test_a_vm_that_stands_still_is_reset(make_board: Callable[..., BoardBox], mosquitto: Mosquitto,
                                         collector: FakeCollector) -> None:  # fmt: skip
    box = make_board(mosquitto.port)
    box.wait("ack")
    box.say("block 8300")
    assert box.ended() == 3
    box.boot()
    collector.until("why", lambda: collector.heard["state"][-1].get("reason") == 2)


def test_settings_torn_beyond_repair_are_made_anew_and_the_journal_stays(
    make_board: Callable[..., BoardBox], mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(mosquitto.port)
    box.wait("ack")
    box.press(1)
    acked(box, 3)
    box.kill()
    size = (box.folder / "data.bin").stat().st_size
    (box.folder / "data.bin").write_bytes(b"\x5a" * size)
    box.boot()
    assert box.said("data made anew")
    assert box.wait("ready")["n"] == "1,0,0"
    box.press(2)
    collector.until("both", lambda: collector.presses() == [1, 2])


def test_firmware_that_cannot_start_resets_and_says_why(make_board: Callable[..., BoardBox]) -> None:
    box = make_board(free_port(), boot=False)
    box.kill()
    (box.folder / "root" / "box.json").write_text("{")
    box.facts = {}
    box.start()
    assert box.ended() == 3
    assert any("KeyError" in line or "ValueError" in line for line in box.lines)
