"""What may go wrong around a board in years at a window, from boot.py on: flash that gives up, settings and firmware that have
rotted, a driver that cannot say, a server that lies about the time. It goes on counting, and comes back. Simulated."""

from __future__ import annotations

import shutil
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from manyi.core.orders import bundle as pack

from tests.firmware.conftest import micropython
from tests.firmware.dialled import dialled
from tests.firmware.esp32.boardbox import BoardBox
from tests.firmware.esp32.test_board import NAME, Udp, fakes, make_board, name_server
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import acked
from tests.firmware.test_sim_update import Feeder, answered, bundle, order
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port

__all__ = ["fakes", "make_board"]
pytest_plugins = ["tests.firmware.simfixtures", "tests.services.certs"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

Make = Callable[..., BoardBox]
TO_1900 = 2_208_988_800


def liar(unix_s: float) -> Udp:
    at = struct.pack(">II", int(unix_s + TO_1900) & 0xFFFFFFFF, 0)
    return Udp(lambda packet: b"\x24\x02" + bytes(22) + packet[40:48] + at + at)


def year(box: BoardBox) -> int:
    return int(box.said("rtc")[-1].split()[1][:4])


# ---- flash


def test_settings_that_can_be_neither_read_nor_made_anew_cost_no_press(
    make_board: Make, mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(mosquitto.port, bench={"dead": ["data"]})
    assert box.said("data gone")
    box.press(2)
    collector.until("the press", lambda: collector.presses() == [2])


def test_a_program_that_the_driver_gives_up_costs_a_slot_and_no_press(
    make_board: Make, mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(mosquitto.port, bench={"gives_up": 3})
    lit = [i % 3 + 1 for i in range(9)]
    for level in lit:
        box.press(level, 160)
    collector.until("all of them", lambda: collector.presses() == lit)
    collector.until("a beat that tells of it", lambda: collector.heard["beat"])
    assert not box.said("fault")
    assert collector.wrong == []


@pytest.mark.parametrize("rotten", ["ports/esp32/start.mpy", "box/survey.mpy"])
def test_an_update_that_has_rotted_gives_way_to_the_firmware_as_delivered(
    rotten: str, make_board: Make, firmware: Path
) -> None:
    box = make_board(
        free_port(), boot=False, bench={"partitions": ["journal"]}
    )  # so that the slots are files here
    box.kill()
    root = box.folder / "root"
    shutil.copytree(root / "app", root / "a")
    (root / "slot").write_text("a")
    whole = (root / "a" / rotten).read_bytes()
    (root / "a" / rotten).write_bytes(b"\0" * len(whole))
    box.start()
    assert box.ended() == 3
    box.boot()
    assert box.said("update given up slot=a"), "and the centre hears of it: reason 7"
    assert (root / "slot").read_text() == "app"
    box.press(1)


def test_a_firmware_as_delivered_that_cannot_start_marks_nothing(make_board: Make) -> None:
    box = make_board(free_port(), boot=False, bench={"partitions": ["journal"]})
    box.kill()
    (box.folder / "root" / "box.json").write_text("{")
    box.facts = {}
    box.start()
    assert box.ended() == 3
    assert not (box.folder / "root" / "slot").exists()


@pytest.mark.parametrize(
    ("name", "rotten"),
    [
        ("address", b"\xff\xfe"),
        ("wifi", b'[{"ssie":"hall","key":"x"}]'),
        ("wifi", b"\xff"),
        ("duty", b"\xff"),
    ],
)
def test_what_was_kept_and_has_rotted_is_as_none(
    name: str, rotten: bytes, make_board: Make, mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(mosquitto.port, boot=False, bench={"partitions": ["journal"]})
    box.kill()
    (box.folder / "root" / name).write_bytes(rotten)
    box.boot()
    box.press(2)
    collector.until("the press", lambda: collector.presses() == [2])
    assert not box.said("fault")


def test_an_update_comes_is_tried_and_kept_and_one_in_vain_is_told_of(
    make_board: Make, mosquitto: Mosquitto, collector: FakeCollector, firmware: Path
) -> None:
    box = make_board(mosquitto.port)
    box.press(1)
    acked(box, 3)
    stream = bundle(pack.read(firmware, "esp32"))
    Feeder(collector, stream)
    order(box, collector, len(stream))
    assert answered(collector) == (1, "")
    assert box.ended() == 3
    box.boot()
    box.wait("update kept slot=a")
    box.press(2)
    collector.until("both presses", lambda: collector.presses() == [1, 2])
    assert collector.heard["state"][-1]["reason"] == 3

    acked(box, int(box.said("light")[-1].split("seq=")[1].split()[0]) + 1)
    broken = bundle(pack.read(firmware, "esp32") | {"ports/esp32/start.mpy": b"no firmware"}, version="1.0.2")
    Feeder(collector, broken)
    order(box, collector, len(broken), "1.0.2", "u2")
    assert answered(collector, "u2") == (1, "")
    assert box.ended() == 3
    box.start()
    assert box.ended() == 3, "it does not start"
    box.boot()
    assert box.said("update given up slot=b")
    collector.until("and tells the centre", lambda: collector.heard["state"][-1].get("reason") == 7)
    box.press(3)
    collector.until("all presses", lambda: collector.presses() == [1, 2, 3])


# ---- drivers


def test_a_driver_that_cannot_say_how_strong_the_signal_is_ends_nothing(
    make_board: Make, mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    box = make_board(mosquitto.port, bench={"rssi_unknown": True})
    collector.until("a beat", lambda: collector.heard["beat"])
    assert collector.heard["beat"][-1]["rssi"] == 0
    assert not box.said("fault")


# ---- the time


@pytest.mark.parametrize("years", [20, -20])
def test_a_time_server_that_is_out_of_its_mind_is_not_believed(
    years: int, make_board: Make, mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    mosquitto.kill()
    clock = liar(time.time() + years * 365 * 86_400)
    box = make_board(mosquitto.port, ntp=["127.0.0.1"], ntp_port=clock.port)
    box.until("asked", lambda: clock.asked > 0)
    tries = len(box.said("link down"))
    box.until("it goes on", lambda: len(box.said("link down")) > tries + 3)
    assert len(box.said("rtc")) == 1, "what the firmware's age proves"


def test_a_lie_about_the_time_ends_with_the_liar_and_is_not_kept_over_a_restart(
    make_board: Make, mosquitto: Mosquitto, collector: FakeCollector
) -> None:
    mosquitto.kill()
    lie = time.time() + 3 * 365 * 86_400
    clock = liar(lie)
    box = make_board(mosquitto.port, ntp=["127.0.0.1"], ntp_port=clock.port)
    box.until("believed, for want of better", lambda: len(box.said("rtc")) > 1)
    proven = int(box.said("rtc")[0].split()[1][:4])
    assert year(box) == time.gmtime(lie).tm_year > proven
    box.press(1)  # and the journal notes the time
    box.kill()
    box.boot()
    assert year(box) == proven
    mosquitto.start()
    collector.until("the press", lambda: collector.presses() == [1])
    box.until("the collector's word", lambda: year(box) == time.gmtime().tm_year)


# ---- the broker's address


@pytest.fixture
def mute(mosquitto: Mosquitto) -> Iterator[list[float]]:
    """127.0.0.2 with the broker's port: takes connections, and says nothing or hangs up. -> when it was dialled"""
    with dialled(("127.0.0.2", mosquitto.port), lambda _: None) as (_, times):
        yield times


def test_of_two_addresses_of_the_broker_the_one_that_answers_is_found(
    make_board: Make, mosquitto: Mosquitto, collector: FakeCollector, mute: list[float]
) -> None:
    def two(packet: bytes) -> bytes:
        one = name_server(packet)
        mute_first = one[-16:-4] + b"\x7f\x00\x00\x02"
        return one[:6] + b"\x00\x02" + one[8:-16] + mute_first + one[-16:]

    names = Udp(two)
    box = make_board(mosquitto.port, host=NAME, dns_port=names.port)
    box.press(2)
    collector.until("the press", lambda: collector.presses() == [2])
    assert mute, "it was the first"
