"""A box whose free heap lies in small pieces, as after a month, goes on talking: batches, beats, acknowledgements, settings
it knows and a prompt, with and without TLS. What the link says and hears wants no large piece of heap (crumbs.py)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.firmware.conftest import micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import SimBox, acked
from tests.firmware.test_sim_staff import CONFIG, PLAIN
from tests.services.certs import Certs
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

HEAP = "64wK"
LONG_MS = 160  # a busy host may look late, and the next press is still not of the same hand (box/keys.py)
PRESSES = 24  # while nobody answers: three batches


@pytest.fixture
def make_miser(tmp_path: Path, firmware: Path) -> Iterator[Callable[..., SimBox]]:
    made: list[SimBox] = []
    its = Path(shutil.copytree(firmware, tmp_path / "firmware"))
    shutil.copy(Path(__file__).with_name("crumbs.py"), its / "sim.py")

    def make(port: int, **facts: object) -> SimBox:
        made.append(SimBox(tmp_path / "box", its, port, HEAP, **facts))
        return made[-1].boot()

    yield make
    for box in made:
        box.kill()


@pytest.mark.parametrize("tls", [False, True])
def test_a_heap_in_crumbs_is_enough_for_the_link(
    tls: bool,
    tmp_path: Path,
    make_miser: Callable[..., SimBox],
    make_mosquitto: Callable[..., Mosquitto],
    make_collector: Callable[..., FakeCollector],
    certs: Certs,
) -> None:
    aside = free_port()  # the collector's, so that the broker has one with TLS for the box
    broker = make_mosquitto(tls=certs if tls else None, extra=f"listener {aside} 127.0.0.1")
    collector = make_collector(aside)
    settings = CONFIG % (PLAIN | {"id": "c1"})
    collector.send("config", settings, retain=True)
    ca = str(shutil.copy(certs.ca_der, tmp_path / "ca.der"))
    box = make_miser(broker.port, tls={"ca": ca, "name": "localhost"} if tls else None, beat_s=600)
    box.wait("config id=c1")
    box.wait("crumbled")

    beats = len(collector.heard["beat"])
    collector.answering = False
    pressed = [press(box, i) for i in range(PRESSES)]
    collector.answering = True
    acked(box, int(box.said("light")[-1].split("seq=")[1].split()[0]))
    collector.send("config", settings)  # it knows them, and says so in a beat
    collector.until("a beat", lambda: len(collector.heard["beat"]) > beats)
    collector.raw("prompt", b'{"v":1,"visit":"0102030405060708","biz":1}')
    collector.raw("prompt", b'{"v":1,"visit":"nonsense","biz":1}')
    box.wait("refused topic=prompt why=visit")
    pressed.append(press(box, 2))
    acked(box, int(box.said("light")[-1].split("seq=")[1].split()[0]))

    assert collector.presses() == pressed
    assert any(r["data"].startswith("0102030405060708") for r in collector.life.records.values())
    assert collector.heard["beat"][-1]["config"] == "c1"
    assert not [line for line in box.lines if "emory" in line]
    assert not box.said("link down")


def press(box: SimBox, i: int) -> int:
    box.press(i % 3 + 1, LONG_MS)
    return i % 3 + 1
