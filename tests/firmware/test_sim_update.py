"""A new firmware over the link to a real box: taken whole or not at all, tried once, given up by itself, interrupted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.firmware.conftest import FIRMWARE, micropython
from tests.firmware.fake_collector import FakeCollector
from tests.firmware.simbox import BOX, K_LINK, SimBox, acked
from tests.services.mosquitto import Mosquitto

pytest_plugins = ["tests.firmware.simfixtures"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")

PIECE = 256
HEAP = tomllib.loads((FIRMWARE / "budget.toml").read_text())["heap"]["update"]
VERSION = "1.0.1"
WHOLE_S = 120.0  # for all of an update on a busy host, by a firmware full of probes (make coverage)


def tree(built: Path, changed: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """What runs in the simulator, by path."""
    files = {p.relative_to(built).as_posix(): p.read_bytes() for p in sorted(built.rglob("*.mpy"))}
    keep = ("main", "box/", "tasks/", "ports/dial", "ports/disk", "ports/sim/")
    return {name: body for name, body in files.items() if name.startswith(keep)} | (changed or {})


def bundle(files: dict[str, bytes], key: bytes = K_LINK, version: str = VERSION) -> bytes:
    lines = [f"{hashlib.sha256(body).hexdigest()} {len(body)} {name}\n" for name, body in files.items()]
    text = "".join([f"manyi {version} {len(files)}\n", *lines]).encode()
    own = hmac.digest(key, b"manyi/1\0update\0" + BOX.encode(), "sha256")
    mac = hmac.new(own, hashlib.sha256(text).digest(), hashlib.sha256).hexdigest()
    return text + f"mac {mac}\n".encode() + b"".join(files.values())


class Feeder:
    """Answers every fetch with the piece it asks for; `until` bytes only."""

    def __init__(self, collector: FakeCollector, stream: bytes) -> None:
        self.collector, self.stream, self.until = collector, stream, len(stream)
        collector.on_fetch = self.answer

    def answer(self, fetch: dict[str, object]) -> None:
        at = int(str(fetch["at"]))
        data = base64.b64encode(self.stream[at : min(at + PIECE, self.until)]).decode()
        if data:
            self.collector.send("chunk", f'{{"v":1,"id":"{fetch["id"]}","at":{at},"data":"{data}"', qos=0)


@pytest.fixture
def built(firmware: Path) -> Path:
    return firmware


@pytest.fixture
def box(mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox]) -> SimBox:
    box = make_box(mosquitto.port, heap=HEAP)
    box.press(1)
    acked(box, 3)
    return box


def order(box: SimBox, collector: FakeCollector, size: int, version: str = VERSION, id: str = "u1") -> None:
    boot = int(box.wait("ready")["boot"])
    collector.send("cmd", f'{{"v":1,"id":"{id}","boot":{boot},"do":"update","arg":"{version} {size}"')


def answered(collector: FakeCollector, id: str = "u1") -> tuple[int, str]:
    collector.until(f"reply to {id}", lambda: any(r["id"] == id for r in collector.heard["reply"]), 60)
    reply = next(r for r in collector.heard["reply"] if r["id"] == id)
    return reply["ok"], reply["text"]


def slot(box: SimBox) -> str:
    file = box.folder / "slot"
    return file.read_text() if file.exists() else "app"


def test_an_update_is_taken_tried_and_kept(box: SimBox, collector: FakeCollector, built: Path) -> None:
    stream = bundle(tree(built))
    Feeder(collector, stream)
    order(box, collector, len(stream))
    box.press(2)
    assert answered(collector) == (1, "")
    assert box.ended() == 3
    assert slot(box) == "app>a?"
    box.boot()
    box.wait("update kept slot=a")
    assert slot(box) == "a"
    box.press(3)
    collector.until("all presses", lambda: collector.presses() == [1, 2, 3])
    box.process.kill()
    box.ended()
    box.boot()
    box.press(1)
    assert slot(box) == "a"
    again = bundle(tree(built), version="1.0.2")  # and the next one goes to the other slot
    Feeder(collector, again)
    acked(box, int(box.said("light")[-1].split("seq=")[1].split()[0]) + 1)
    order(box, collector, len(again), "1.0.2", "u2")
    assert answered(collector, "u2") == (1, "")
    box.ended()
    assert slot(box) == "a>b?"


def test_a_firmware_that_does_not_reach_the_collector_is_given_up_by_itself(
    box: SimBox, collector: FakeCollector, built: Path
) -> None:
    box.facts["trial_ms"] = 1500
    stream = bundle(tree(built))
    Feeder(collector, stream)
    order(box, collector, len(stream))
    assert answered(collector) == (1, "")
    box.ended()
    collector.answering = False
    box.boot()
    assert box.ended() == 3
    assert box.said("fault update did not reach the collector")
    collector.answering = True
    box.boot()
    assert box.said("update given up slot=a")
    box.press(2)
    collector.until("the press", lambda: collector.presses() == [1, 2])
    assert slot(box) == "app"
    assert (state := collector.heard["state"][-1])["reason"] == 7, state
    box.process.kill()
    box.ended()
    box.boot()
    collector.until("the next start", lambda: collector.heard["state"][-1].get("reason") == 1)


def test_a_firmware_that_does_not_start_is_given_up_by_itself(
    box: SimBox, collector: FakeCollector, built: Path
) -> None:
    stream = bundle(tree(built, {"main.mpy": b"M\x06no bytecode"}))
    Feeder(collector, stream)
    order(box, collector, len(stream))
    assert answered(collector) == (1, "")
    box.ended()
    box.start()
    assert box.ended() != 0
    box.boot()
    box.press(3)
    collector.until("the press", lambda: collector.presses() == [1, 3])


@pytest.mark.parametrize(
    ("why", "spoil"),
    [
        ("signature", lambda built: bundle(tree(built), key=bytes(32))),
        ("digest", lambda built: bundle(tree(built))[:-1] + b"\0"),
        ("manifest", lambda built: bundle(tree(built), version="9.9.9")),
        ("manifest", lambda built: b"x" * 3000),
        ("size", lambda built: bundle(tree(built)) + b"more"),
        ("size", lambda built: bundle(tree(built))[:-4]),
        ("path", lambda built: bundle({"../box.mpy": b"1"})),
        ("path", lambda built: bundle({"/main.mpy": b"1"})),
        ("path", lambda built: bundle({"box.json": b"1"})),
    ],
)
def test_what_is_not_right_is_refused_by_name(
    why: str, spoil: Callable[[Path], bytes], box: SimBox, collector: FakeCollector, built: Path
) -> None:
    stream = spoil(built)
    Feeder(collector, stream)
    order(box, collector, len(stream))
    assert answered(collector) == (0, why)
    assert slot(box) == "app"
    box.press(2)
    collector.until("the press", lambda: collector.presses() == [1, 2])


def test_no_update_while_records_wait(box: SimBox, collector: FakeCollector) -> None:
    collector.answering = False
    box.press(2)
    order(box, collector, 1000)
    assert answered(collector) == (0, "records wait")


def test_the_link_goes_and_comes_in_the_middle(
    box: SimBox, collector: FakeCollector, built: Path, mosquitto: Mosquitto
) -> None:
    stream = bundle(tree(built))
    feeder = Feeder(collector, stream)
    feeder.until = 5000
    order(box, collector, len(stream))
    collector.until("some of it", lambda: any(f["at"] >= 4800 for f in collector.fetches))
    mosquitto.kill()
    box.wait("link down")
    box.press(2)
    mosquitto.start()
    feeder.until = len(stream)
    assert answered(collector) == (1, "")
    assert box.ended() == 3
    assert box.boot().wait("update kept")
    assert collector.presses() == [1, 2]


def cuts(built: Path) -> list[int]:
    """Every change of a file before the pieces, some among them, and all of the last ones."""
    changes = 3 + len(tree(built)) * 2 + len(bundle(tree(built))) // PIECE + len(tree(built))
    return [1, 2, 3, 4, 5, *range(8, changes - 40, 37), *range(changes - 40, changes + 12, 6)]


@pytest.mark.slow
def test_the_power_fails_at_every_kind_of_step(
    mosquitto: Mosquitto, collector: FakeCollector, make_box: Callable[..., SimBox], built: Path
) -> None:
    stream = bundle(tree(built))
    Feeder(collector, stream)
    presses, fell = [], 0
    box = make_box(mosquitto.port, heap=HEAP)
    for i, cut in enumerate(cuts(built)):
        box.facts["cut_file_at"] = cut
        box.process.kill()
        box.ended()
        for name in ("a", "b", "slot"):
            path = box.folder / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        box.boot()
        light = box.press(i % 3 + 1)
        presses.append(i % 3 + 1)
        box.until("nothing waits", lambda b=box, s=int(light["seq"]): any(
            f"seq={n} depth=0" in line for line in b.said("ack") for n in (s, s + 1, s + 2)
        ))  # fmt: skip
        order(box, collector, len(stream), id=f"u{cut}")
        assert box.ended(WHOLE_S) in (3, 9)
        fell += box.process.returncode == 9
        box.facts["cut_file_at"] = 0
        box.boot()
        box.wait("ack")
    collector.until("every press", lambda: collector.presses() == presses, 60)
    assert fell > len(cuts(built)) // 2
