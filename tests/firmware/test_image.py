"""The image of a board's flash: our table, their MicroPython, a file system that the real MicroPython mounts.

The official .bin is simulated (synthetic.py); littlefs, mpy and their reader are the real ones.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import image
import partitions
import pytest
from manyi.box.flashing import image as flashed

from tests.firmware.conftest import FIRMWARE, RunMicropython
from tests.firmware.synthetic import PARTITIONS, esp_image, micropython_bin

pytest_plugins = ["tests.firmware.simfixtures"]
MIB = 1024 * 1024
BOARDS = image.boards()


def test_the_table_fits_four_mebibytes_and_ends_with_the_journal() -> None:
    parts = image.ours()
    assert [p.name for p in parts] == ["nvs", "phy_init", "factory", "vfs", "data", "journal"]
    journal = parts[-1]
    assert (journal.kind, journal.subtype, journal.size) == (partitions.DATA, 0x40, 512 * 1024)
    assert journal.at + journal.size == 4 * MIB
    assert image.named(parts, "factory").at == 0x10000


def test_the_table_reads_back_and_carries_its_checksum() -> None:
    raw, parts = image.table(image.ours()), image.ours()
    rows = [struct.unpack_from(partitions.ENTRY, raw, 32 * i) for i in range(len(parts))]
    assert [(r[1], r[2], r[3], r[4], r[5].rstrip(b"\0").decode()) for r in rows] == [
        (p.kind, p.subtype, p.at, p.size, p.name) for p in parts
    ]
    body = raw[: 32 * len(parts)]
    assert raw[len(body) :][:32] == b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(body).digest()
    assert set(raw[len(body) + 32 :]) == {0xFF}


@pytest.mark.parametrize(
    "line",
    ["vfs, data, fat, 0x1F0000, 0x80000", "vfs, data, fat, 0x200100, 0x80000", "sixteen-letters-x, data, fat, 0x200000, 0x1000"],
)  # fmt: skip
def test_a_table_that_overlaps_or_is_off_a_block_is_refused(line: str) -> None:
    text = re.sub(r"^vfs,.*$", line, PARTITIONS.read_text(), flags=re.MULTILINE)
    with pytest.raises(image.Wrong):
        partitions.partitions(text)


@pytest.mark.parametrize("chip", ["esp32", "esp32s3"])
def test_bootloader_and_application_stay_and_only_the_table_changes(chip: str) -> None:
    supplied = micropython_bin(chip)
    whole = image.assemble(supplied, chip, {"boot.py": b"pass"}, image.ours())
    base = image.BOOTLOADER_AT[chip]
    assert len(whole) == 4 * MIB
    assert whole[base : base + 20_000] == supplied[:20_000]
    assert whole[0x10000 : 0x10000 + 300_000] == supplied[0x10000 - base :][:300_000]
    assert whole[0x8000 : 0x8000 + 0xC00] == image.table(image.ours())
    assert set(whole[:base]) <= {0xFF}
    assert set(whole[-512 * 1024 :]) == {0xFF}  # the journal: erased


def test_the_same_input_makes_the_same_image() -> None:
    files = {"boot.py": b"1", "app/main.mpy": b"2" * 5000}
    one, two = (image.assemble(micropython_bin(), "esp32", files, image.ours()) for _ in range(2))
    assert one == two


def test_another_chip_s_file_is_refused_by_name() -> None:
    with pytest.raises(image.Wrong, match="for esp32s3"):
        image.take_apart(micropython_bin("esp32s3"), "esp32", image.ours())
    other = b"\xff" * 0x1000 + micropython_bin("esp32")  # as if it began at 0
    with pytest.raises(image.Wrong):
        image.take_apart(other, "esp32s3", image.ours())
    with pytest.raises(image.Wrong, match="esp32s3"):
        image.image_end(esp_image(5000, "esp32s3", 3), 0, "esp32", image.APPLICATION)


@pytest.mark.parametrize("keep", [0, 10, 0x6000, 0x7100, 0xF000, 0xF010, 0x20000, -33, -1])
def test_a_file_cut_short_anywhere_is_refused(keep: int) -> None:
    supplied = micropython_bin()
    with pytest.raises(image.Wrong):
        image.take_apart(supplied[:keep], "esp32", image.ours())


@pytest.mark.parametrize("at", [0x0, 0x100, 0x7000, 0xF000, 0xF000 + 200_000, -1])
def test_one_damaged_byte_is_refused(at: int) -> None:
    supplied = bytearray(micropython_bin())
    supplied[at] ^= 0x40
    with pytest.raises(image.Wrong):
        image.take_apart(bytes(supplied), "esp32", image.ours())


def test_an_application_too_large_for_its_partition_is_refused_with_by_how_much() -> None:
    supplied = micropython_bin(app_size=0x1F0000)
    with pytest.raises(image.Wrong, match=r"\d+ bytes larger"):
        image.take_apart(supplied, "esp32", image.ours())
    image.take_apart(micropython_bin(app_size=0x1F0000 - 200), "esp32", image.ours())


@pytest.mark.parametrize("old", ["v1.19.1", "v1.22.2"])
def test_a_micropython_without_the_modules_that_the_firmware_loads_is_refused(old: str) -> None:
    """`vfs` and `tls` are of 1.23."""
    assert "import vfs" in (FIRMWARE / image.BOOT_FILE).read_text()
    with pytest.raises(image.Wrong, match=r"older than 1\.23"):
        image.take_apart(micropython_bin(version=old), "esp32", image.ours())
    image.take_apart(micropython_bin(version="v1.23.0"), "esp32", image.ours())


def test_files_that_do_not_fit_are_refused() -> None:
    with pytest.raises(image.Wrong, match="do not fit"):
        image.filesystem({"a": b"x" * 70_000}, 64 * 1024)


def add_board(folder: Path, chip: str) -> Path:
    """The firmware with one file more, as a third party adds a board."""
    shutil.copytree(FIRMWARE, folder / "firmware", ignore=shutil.ignore_patterns("__pycache__"))
    boards = folder / "firmware" / "boards"
    known = (boards / "esp32_devkitc.py").read_text(encoding="utf-8")
    new = re.sub(r"^NAME = .*$", 'NAME = "acme-box"', known, flags=re.MULTILINE)
    new = re.sub(r'^CHIP = "\w+"', f'CHIP = "{chip}"', new, flags=re.MULTILINE)
    (boards / "acme_box.py").write_text(new, encoding="utf-8")
    return folder / "firmware"


def made_of(tree: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    (tmp_path / "ESP32_GENERIC.bin").write_bytes(micropython_bin())
    digest = hashlib.sha256(micropython_bin()).hexdigest()
    subprocess.run([sys.executable, tree / "build.py"], check=True, capture_output=True)
    words = [
        "--board",
        "acme-box",
        "--firmware",
        "ESP32_GENERIC.bin",
        "--sha256",
        digest,
        "--out",
        "image.bin",
    ]
    return subprocess.run(
        [sys.executable, tree / "image.py", *words], capture_output=True, text=True, cwd=tmp_path, check=False
    )


def test_a_third_party_s_board_is_one_file(tmp_path: Path) -> None:
    done = made_of(add_board(tmp_path, "esp32"), tmp_path)
    assert done.returncode == 0, done.stderr
    whole = (tmp_path / "image.bin").read_bytes()
    assert flashed.facts(whole) == flashed.Facts("acme-box", "esp32", True)
    vfs = image.named(image.ours(), "vfs")
    assert b"acme-box" in whole[vfs.at : vfs.at + vfs.size]


def test_a_board_of_a_chip_that_no_image_can_be_made_for_is_refused_with_those_that_can(
    tmp_path: Path,
) -> None:
    done = made_of(add_board(tmp_path, "esp32c3"), tmp_path)
    assert done.returncode == 1
    assert "boards/acme_box.py 的芯片是 esp32c3，现在只能制作 esp32、esp32s3 的镜像" in done.stderr
    assert "images can be made for esp32, esp32s3" in done.stderr
    assert not (tmp_path / "image.bin").exists()


def test_the_sha256_is_that_of_the_digits_or_of_the_name_in_a_list() -> None:
    data = b"firmware"
    right, wrong = hashlib.sha256(data).hexdigest(), "0" * 64
    image.check_sum(data, right.upper(), "a.bin")
    image.check_sum(data, f"{wrong}  b.bin\n{right} *out/a.bin\n", "a.bin")
    for bad in (wrong, f"{right}  b.bin\n", f"{wrong}  a.bin\n{right}  b.bin\n", "", "<html>"):
        with pytest.raises(image.Wrong):
            image.check_sum(data, bad, "a.bin")


def test_no_simulator_and_no_other_board_on_a_board(firmware: Path) -> None:
    files = image.tree(firmware, "esp32_devkitc")
    assert files["boot.py"] == (FIRMWARE / "ports" / "esp32" / "boot.py").read_bytes()
    assert json.loads(files["board.json"]) == {"board": "esp32-devkitc", "chip": "esp32", "resets": True}
    assert "app/main.mpy" in files
    assert "app/box/survey.mpy" in files
    assert "app/box/journal.mpy" not in files  # main.mpy has it
    assert [f for f in files if "/boards/" in f] == ["app/boards/esp32_devkitc.mpy"]
    assert [f for f in files if "sim" in f] == []


def test_the_real_micropython_mounts_the_file_system_and_reads_every_byte(
    firmware: Path, tmp_path: Path, run_micropython: RunMicropython
) -> None:
    files = image.tree(firmware, "esp32_devkitc")
    whole = image.assemble(micropython_bin(), "esp32", files, image.ours())
    vfs = image.named(image.ours(), "vfs")
    (tmp_path / "vfs.bin").write_bytes(whole[vfs.at : vfs.at + vfs.size])
    done = run_micropython(MOUNT, heap="4096wK", args=(str(tmp_path / "vfs.bin"),))
    assert done.returncode == 0, done.stderr
    seen = dict(line.split() for line in done.stdout.splitlines())
    assert seen == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


MOUNT = """
import sys, os, vfs, hashlib, binascii

class Flash:  # as the block device of an ESP32's partition: littlefs's extended interface
    def __init__(self, path):
        with open(path, "rb") as f:
            self.cells = bytearray(f.read())
    def readblocks(self, n, buf, off=0):
        at = n * 4096 + off
        buf[:] = self.cells[at : at + len(buf)]
    def writeblocks(self, n, buf, off=0):
        raise OSError("nobody writes here")
    def ioctl(self, op, arg):
        return {4: len(self.cells) // 4096, 5: 4096, 6: 0}.get(op, 0)

vfs.mount(Flash(sys.argv[1]), "/box")  # no file system is named: it is recognised, as at boot
def walk(folder):
    for name, kind, _, _ in os.ilistdir(folder):
        path = folder + "/" + name
        if kind == 0x4000:
            walk(path)
        else:
            with open(path, "rb") as f:
                print(path[5:], binascii.hexlify(hashlib.sha256(f.read()).digest()).decode())
walk("/box")
"""


def test_the_command_makes_a_whole_image_or_none(firmware: Path, tmp_path: Path) -> None:
    supplied, out = tmp_path / "ESP32_GENERIC.bin", tmp_path / "out" / "box.bin"
    supplied.write_bytes(micropython_bin())
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"{hashlib.sha256(supplied.read_bytes()).hexdigest()}  ESP32_GENERIC.bin\n")

    def run(*more: str, board: str = "esp32_devkitc") -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable, FIRMWARE / "image.py", "--board", board, "--firmware", supplied, "--built", firmware,
            "--out", out, *more,
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, text=True, check=False)

    refused = run("--sha256", "0" * 64)
    assert refused.returncode == 1
    assert "SHA-256 不符" in refused.stderr
    assert not out.exists()
    other = run("--sha256", str(sums), board="esp32_s3_devkitc")
    assert other.returncode == 1
    assert "bootloader" in other.stderr
    made = run("--sha256", str(sums))
    assert made.returncode == 0, made.stderr
    assert hashlib.sha256(out.read_bytes()).hexdigest() in made.stdout
    assert list(out.parent.iterdir()) == [out]


def made_by(words: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """image.py as a program, in that folder."""
    command = [sys.executable, FIRMWARE / "image.py", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


@pytest.mark.parametrize(
    ("board", "supplied", "sums", "said"),
    [
        ("esp32-devkitc", "", "", "FIRMWARE= 写下载来的 .bin"),  # as the guide names the board
        ("esp32_devkitc", "gone.bin", "", "there is no such MicroPython file"),
        ("esp32_devkitc", "there.bin", "", "SHA256= 写 64 位数字"),
        ("esp32_devkitc", "there.bin", "gone", "no SHA-256"),
        ("esp8266", "there.bin", "", "没有这种板：esp8266"),
    ],
)
def test_what_was_forgotten_on_the_line_is_named_with_what_to_write(
    board: str, supplied: str, sums: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "there.bin").write_bytes(micropython_bin())
    words = ["--board", board, "--firmware", supplied, "--sha256", sums, "--out", "x"]
    done = made_by(words, tmp_path)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_list_is_read_as_windows_may_have_written_it(encoding: str, firmware: Path, tmp_path: Path) -> None:
    supplied, listed = tmp_path / "固件 1.28.bin", tmp_path / "SHA256SUMS"
    supplied.write_bytes(micropython_bin())
    digest = hashlib.sha256(supplied.read_bytes()).hexdigest()
    listed.write_bytes(f"{digest} *C:\\固件\\{supplied.name}\r\n".encode(encoding))
    words = [
        "--board",
        "esp32-devkitc",
        "--firmware",
        supplied,
        "--sha256",
        listed,
        "--built",
        firmware,
        "--out",
        "i.bin",
    ]
    done = made_by(words, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "i.bin").stat().st_size == 4 * MIB


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_s_image_can_be_made(board: str, firmware: Path) -> None:
    chip = image.facts(board)["CHIP"]
    whole = image.assemble(micropython_bin(chip), chip, image.tree(firmware, board), image.ours())
    assert len(whole) == 4 * MIB
