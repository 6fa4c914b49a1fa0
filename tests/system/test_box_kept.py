"""`manyi box flash --keep-journal`: a box that is flashed anew stays who it is, with its keys, its settings and every record.

Real: esptool, littlefs, the firmware on MicroPython, which starts from exactly the flashed bytes. Simulated: chip and cable.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import image as maker
import pytest
from manyi.box import identity, records
from manyi.box.flashing import flash, image, keeping, tray
from manyi.box.words import BoxError

from tests.firmware.conftest import micropython
from tests.firmware.simbox import BOX, K_CHAIN
from tests.firmware.synthetic import micropython_bin
from tests.services.certs import Certs
from tests.services.processes import free_port
from tests.system.bench_box import BenchBox
from tests.system.bench_fixtures import GIVEN, give, site_of

if TYPE_CHECKING:
    from tests.system.chip import Chip

pytest_plugins = ["tests.firmware.simfixtures", "tests.system.chip"]
pytestmark = pytest.mark.skipif(micropython() is None, reason="no micropython on this platform")
PARTS = {name: maker.named(maker.ours(), name) for name in ("vfs", "data", "journal")}
LEARNED = {"wifi": b'[{"ssid": "hall-2", "key": "87654321"}]', "config": b'{"id": "c7"}'}


def made(firmware: Path, seed: int = 1) -> bytes:
    return maker.assemble(
        micropython_bin(seed=seed), "esp32", maker.tree(firmware, "esp32_devkitc"), maker.ours()
    )


def load(
    whole: bytes, book: records.Records, keep: bool = True, tools: tray.Tools | None = None
) -> tray.Tray:
    return tray.Tray(whole, [], None, book, lambda: 7, keep_journal=keep, reset=False, tools=tools)


def with_part(whole: bytes, name: str, raw: bytes) -> bytes:
    at = PARTS[name].at
    return whole[:at] + raw + whole[at + len(raw) :]


def put(chip: Chip, raw: bytes) -> None:
    """Into its flash as it is."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(raw)
        file.flush()
        flash.esptool(
            flash.Board(chip.port, reset=False),
            "esp32",
            "write-flash",
            "--flash-size",
            "keep",
            "0x0",
            file.name,
        )


def part(whole: bytes, name: str) -> bytes:
    return image.Partition(PARTS[name].at, PARTS[name].size).of(whole)


@pytest.fixture
def journal(bench: BenchBox, book: records.Records) -> bytes:
    """Of a box that has presses nobody has taken."""
    give(bench, book, site_of(free_port()))
    for level in (1, 3):
        bench.tell(f"tap {level} 40")
    bench.until("two lights", lambda: len(bench.heard("light")) == 2)
    return (bench.folder / "flash.bin").read_bytes()


@pytest.fixture
def used(firmware: Path, journal: bytes, certs: Certs) -> bytes:
    """Such a box's whole flash: settings that it was sent, a Wi-Fi that a hotspot was told, and an update that runs."""
    who = identity.files(GIVEN, site_of(free_port(), certs.ca_der.read_bytes()), "esp32-devkitc", "12345678")
    whole = image.with_files(made(firmware), who)
    whole = image.with_files(whole, {**LEARNED, "slot": b"a"}, "data")
    return with_part(whole, "journal", journal)


def test_a_box_that_is_flashed_anew_is_who_it_was_and_keeps_every_record(
    used: bytes, firmware: Path, make_chip: Callable[[], Chip], tmp_path: Path
) -> None:
    chip, book, said = make_chip(), records.Records(tmp_path / "another-bench"), []
    put(chip, used)
    fresh = made(firmware, seed=9)  # another MicroPython

    def tell(line: str) -> None:
        said.append(line)
        if "EN" in line:
            chip.touch_en()

    (done,) = tray.run(load(fresh, book), [chip.port], tell)
    assert (done.ok, done.box) == (True, BOX), said  # it has proved that it has its key
    assert chip.box is not None
    chip.box.until("its presses", lambda: any("n=1,0,1" in x for x in chip.box.heard("ready")))  # type: ignore[union-attr]
    back = chip.flash()
    assert back[: PARTS["vfs"].at] == fresh[: PARTS["vfs"].at]
    assert image.read(back, identity.IDENTITY) == image.read(used, identity.IDENTITY)
    (ca,) = (name for name in image.files(part(used, "vfs")) or {} if name.startswith("ca-"))
    assert image.read(back, ca) == image.read(used, ca) != b""
    assert image.files(part(back, "data")) == LEARNED  # and no update: what was flashed runs
    assert part(back, "journal") == part(used, "journal")
    assert list(book.folder.iterdir()) == []  # no key is left lying
    assert K_CHAIN.hex() not in "\n".join(said)


def test_an_identity_that_cannot_be_read_is_not_written_over(
    used: bytes, firmware: Path, make_chip: Callable[[], Chip], book: records.Records
) -> None:
    chip = make_chip()
    torn = with_part(used, "vfs", b"\x5a" * PARTS["vfs"].size)
    put(chip, torn)
    (refused,) = tray.run(load(made(firmware), book), [chip.port], print)
    assert "身份读不出" in refused.trouble
    assert "manyi box save" in refused.trouble
    assert chip.flash() == torn


def test_a_chip_that_is_divided_otherwise_is_not_written_over(
    used: bytes, firmware: Path, make_chip: Callable[[], Chip], book: records.Records
) -> None:
    chip = make_chip()
    other = [*maker.ours()[:-1], replace(maker.ours()[-1], at=PARTS["journal"].at + 4096)]
    put(chip, used[: image.TABLE_AT] + maker.table(other) + used[image.TABLE_AT + image.TABLE_SIZE :])
    (refused,) = tray.run(load(made(firmware), book), [chip.port], print)
    assert "分区和镜像不同" in refused.trouble


def test_another_board_s_image_is_refused_with_the_board_that_it_has(
    used: bytes, firmware: Path, make_chip: Callable[[], Chip], book: records.Records
) -> None:
    """Both are an ESP32: esptool would take it, and the box would never start."""
    chip = make_chip()
    put(chip, used)
    wired = maker.assemble(micropython_bin(), "esp32", maker.tree(firmware, "wt32_eth01"), maker.ours())
    (refused,) = tray.run(load(wired, book), [chip.port], print)
    assert "写 BOARD=esp32-devkitc" in refused.trouble
    assert list(book.folder.glob("*.kept")) == []
    assert chip.flash() == used


def test_a_cable_pulled_out_in_the_midst_loses_no_identity(
    used: bytes, firmware: Path, make_chip: Callable[[], Chip], tmp_path: Path
) -> None:
    chip, book = make_chip(), records.Records(tmp_path / "another-bench")
    put(chip, used)

    def half(board: flash.Board, whole: bytes, **_more: object) -> None:
        put(chip, b"\xff" * PARTS["journal"].at)
        raise BoxError("断开", "unplugged")

    def nobody(_board: flash.Board, _given: identity.Given) -> None:
        pass

    broken = tray.Tools(flash.mac, flash.held, flash.read, half, nobody)
    (failed,) = tray.run(load(made(firmware), book, tools=broken), [chip.port], print)
    assert "unplugged" in failed.trouble
    (forgot,) = tray.run(load(made(firmware), book, keep=False), [chip.port], print)
    assert (
        "接着用 KEEP_JOURNAL=1" in forgot.trouble
    )  # or the journal would go with what looks like a fresh chip
    whole = tray.Tools(flash.mac, flash.held, flash.read, flash.write, nobody)
    (again,) = tray.run(load(made(firmware), book, tools=whole), [chip.port], print)
    assert (again.ok, again.box) == (True, BOX), again.trouble
    back = chip.flash()
    assert image.read(back, identity.IDENTITY) == image.read(used, identity.IDENTITY)
    assert part(back, "journal") == part(used, "journal")
    assert list(book.folder.iterdir()) == []


def test_what_a_run_has_written_by_halves_is_taken_as_it_was_before(
    used: bytes, firmware: Path, tmp_path: Path
) -> None:
    """Cut off within `data`, the chip has its identity and no settings; cut off before a certificate's content, it has the
    certificate's name."""
    book, fresh, mac = records.Records(tmp_path / "bench"), made(firmware), "aabbccddeeff"
    first = keeping.taken(lambda place: place.of(used), fresh, book, mac)
    again = first.into(fresh)
    (ca,) = (name for name in first.who if name.startswith("ca-"))
    no_data = with_part(again, "data", b"\xff" * PARTS["data"].size)
    bad_ca = image.with_files(again, {ca: bytes(len(first.who[ca]))})
    for torn in (no_data, bad_ca, with_part(bad_ca, "data", b"\0" * PARTS["data"].size)):
        for _ in range(2):  # it may be cut off again
            kept = keeping.taken(lambda place, torn=torn: place.of(torn), fresh, book, mac)  # type: ignore[misc]
            assert (kept.who, kept.learned) == (first.who, first.learned) == (kept.who, LEARNED)


def test_a_box_that_went_on_after_a_run_that_began_nothing_keeps_what_it_has_learned_since(
    used: bytes, firmware: Path, tmp_path: Path
) -> None:
    book, fresh, mac = records.Records(tmp_path / "bench"), made(firmware), "aabbccddeeff"
    first = keeping.taken(lambda place: place.of(used), fresh, book, mac)
    wifi = b'[{"ssid": "hall-3", "key": "12121212"}]'
    later = image.with_files(used, {"wifi": wifi}, "data")
    kept = keeping.taken(lambda place: place.of(later), fresh, book, mac)
    assert (kept.who, kept.learned["wifi"]) == (first.who, wifi)
