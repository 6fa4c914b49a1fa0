"""A tray of twenty boards: each gets its own identity, one that fails holds nobody up, nothing is given twice."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from manyi.box.flashing import flash, image, tray
from manyi.box.identity import Given
from manyi.box.records import Records
from manyi.box.site import Site
from manyi.box.words import BoxError
from manyi.cli import app
from typer.testing import CliRunner

SITE = Site("127.0.0.1", 1883, "", None, {"wifi": []})
GIVEN = [
    Given(f"hall-{i:02}", f"hall-{i:02}", "pw", f"{i:02x}" * 32, f"{i + 100:02x}" * 32) for i in range(1, 21)
]
PORTS = [f"COM{i}" for i in range(1, 21)]


class Boards:
    """Twenty boards as the tray sees them; `broken` ports fail in writing, `full` ones still hold records."""

    def __init__(self, broken: tuple[str, ...] = (), full: tuple[str, ...] = ()) -> None:
        self.broken, self.full = broken, full
        self.dead: tuple[str, ...] = ()  # not a block gets through
        self.written: dict[str, bytes] = {}
        self.proved: dict[str, str] = {}
        self._lock = threading.Lock()

    def tools(self) -> tray.Tools:
        return tray.Tools(self.mac, self.held, self.read, self.write, self.prove)

    def mac(self, board: flash.Board, chip: str) -> str:
        return f"24dcc30000{PORTS.index(board.port):02x}"

    def held(self, board: flash.Board, chip: str, backup: Path) -> image.Held | None:
        return image.Held(9, 4) if board.port in self.full else None

    def read(self, board: flash.Board, chip: str, place: image.Partition) -> bytes:
        raise AssertionError("nothing of these boards is kept")

    def write(
        self, board: flash.Board, whole: bytes, *, keep_journal: bool, progress: Callable[[float], None]
    ) -> None:
        if board.port not in self.dead:
            progress(0.4)
        if board.port in self.broken + self.dead:
            raise BoxError("断开", "unplugged")
        with self._lock:
            self.written[board.port] = whole

    def prove(self, board: flash.Board, given: Given) -> None:
        with self._lock:
            self.proved[board.port] = given.box


@pytest.fixture
def whole() -> bytes:
    import image as maker  # noqa: PLC0415  firmware/image.py

    from tests.firmware.synthetic import micropython_bin  # noqa: PLC0415

    facts = b'{"board": "esp32-devkitc", "chip": "esp32", "resets": true}'
    files = {"boot.py": b"", "board.json": facts, "app/main.mpy": b"M"}
    return maker.assemble(micropython_bin(app_size=5000), "esp32", files, maker.ours())


def load(whole: bytes, boards: Boards, book: Records, given: list[Given] = GIVEN) -> tray.Tray:
    return tray.Tray(whole, given, SITE, book, lambda: 1, tools=boards.tools())


def test_twenty_boards_get_twenty_identities(whole: bytes, tmp_path: Path) -> None:
    boards, book, said = Boards(), Records(tmp_path), []
    outcomes = tray.run(load(whole, boards, book), PORTS, said.append)
    assert all(o.ok for o in outcomes)
    assert sorted(boards.proved.values()) == [g.box for g in GIVEN]
    assert len({c.mac for c in book.claims()}) == 20
    assert len(set(boards.written.values())) == 20
    assert "20/20" in tray.summary(outcomes)
    assert len([line for line in said if line.endswith("√")]) == 20


def test_one_board_s_trouble_is_no_other_s_and_it_gets_its_own_again(whole: bytes, tmp_path: Path) -> None:
    boards, book = Boards(broken=("COM3",), full=("COM7",)), Records(tmp_path)
    outcomes = tray.run(load(whole, boards, book), PORTS, lambda _: None)
    failed = {o.port: o.trouble for o in outcomes if not o.ok}
    assert set(failed) == {"COM3", "COM7"}
    assert "4 records" in failed["COM7"]
    assert "18/20" in tray.summary(outcomes)
    before = {c.mac: c.box for c in book.claims()}
    assert (
        len(before) == 19
    )  # what still holds records was given nothing; what may be half written keeps its own
    boards.broken = boards.full = ()
    again = tray.run(load(whole, boards, book), ["COM3", "COM7"], lambda _: None)
    assert all(o.ok for o in again)
    after = {c.mac: c.box for c in book.claims()}
    assert len(after) == len(set(after.values())) == 20
    assert before.items() <= after.items()


def test_an_identity_of_which_no_block_was_written_is_free_for_another_board(
    whole: bytes, tmp_path: Path
) -> None:
    boards, book = Boards(broken=("COM1",)), Records(tmp_path)
    boards.dead = ("COM2",)

    def go(*ports: str) -> list[tray.Outcome]:
        return tray.run(load(whole, boards, book, GIVEN[:2]), ports, lambda _: None)

    half, dead = go("COM1")[0], go("COM2")[0]
    assert (half.box, dead.box) == ("hall-01", "hall-02")
    assert [c.box for c in book.claims()] == ["hall-01"]  # it may have it
    (other,) = go("COM3")
    assert (other.ok, other.box) == (True, "hall-02")
    boards.dead, boards.broken = ("COM1",), ()
    assert go("COM1")[0].box == "hall-01"
    assert [c.box for c in book.claims()] == ["hall-01", "hall-02"]  # of an earlier run: still its own


def test_more_boards_than_identities(whole: bytes, tmp_path: Path) -> None:
    boards = Boards()
    outcomes = tray.run(load(whole, boards, Records(tmp_path), GIVEN[:2]), PORTS[:3], lambda _: None)
    assert sum(o.ok for o in outcomes) == 2
    (left,) = [o for o in outcomes if not o.ok]
    assert "no identity is left" in left.trouble
    assert left.port not in boards.written


def test_a_system_that_does_not_say_which_file_is_quoted(whole: bytes, tmp_path: Path) -> None:
    class Full(Boards):
        def write(self, *_args: object, **_more: object) -> None:  # type: ignore[override]
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (outcome,) = tray.run(load(whole, Full(), Records(tmp_path)), PORTS[:1], lambda _: None)
    assert "系统说：" in outcome.trouble
    assert "No space left" in outcome.trouble
    assert "None" not in outcome.trouble


def test_an_esptool_that_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "esptool.py").write_text("import sys\nsys.stdin.read() if sys.stdin else None\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(flash, "PATIENCE_S", 0.01)
    monkeypatch.setattr(flash, "FLASH_BITS", 0)
    silent, speaking = os.pipe()  # nobody ever says anything to it either
    monkeypatch.setattr(subprocess, "Popen", partial(subprocess.Popen, stdin=silent))
    try:
        with pytest.raises(BoxError, match="没有动静"):
            flash.mac(flash.Board("COM1"), "esp32")
    finally:
        os.close(silent)
        os.close(speaking)


def test_the_image_names_its_board_and_chip(whole: bytes) -> None:
    assert image.facts(whole) == image.Facts("esp32-devkitc", "esp32", True)
    for bad in (b"", b"\xff" * 70_000, whole[:0x8000]):
        with pytest.raises(BoxError):
            image.facts(bad)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--handover", "boxes.jsonl"), "--handover and --site go together"),
        (("--site", "site.toml"), "--handover and --site go together"),
        (("--box", "hall-01"), "--handover and --site go together"),
        (("--keep-journal", "--handover", "boxes.jsonl", "--site", "site.toml"), "还是原来那一台"),
    ],
)
def test_what_does_not_go_together_is_refused_before_any_board_is_touched(
    words: tuple[str, ...], said: str, whole: bytes, tmp_path: Path
) -> None:
    (tmp_path / "image.bin").write_bytes(whole)
    done = CliRunner().invoke(
        app, ["box", "flash", "--image", str(tmp_path / "image.bin"), "-p", "/dev/ttyNONE7", *words]
    )
    assert done.exit_code == 2
    assert said in done.output
    assert "ttyNONE7" not in done.output


@pytest.mark.parametrize("where", ["", '[[wifi]]\nssid = "hall"\nkey = "12345678"\n'])
def test_one_fixed_address_is_not_given_to_several_boxes(where: str, whole: bytes, tmp_path: Path) -> None:
    fixed = 'static = ["10.1.2.3", "255.255.255.0", "10.1.2.1", "10.1.2.1"]\n'
    broker = '[broker]\nhost = "h"\nplain = true\n'
    (tmp_path / "site.toml").write_text(broker + where + fixed if where else fixed + broker)
    (tmp_path / "image.bin").write_bytes(whole)
    lines = [
        {"box": g.box, "user": "u", "password": "p", "k_link": g.k_link, "k_chain": g.k_chain} for g in GIVEN
    ]
    (tmp_path / "boxes.jsonl").write_text("\n".join(map(json.dumps, lines)))
    words = [f"--{name}={tmp_path / file}" for name, file in (
        ("image", "image.bin"), ("handover", "boxes.jsonl"), ("site", "site.toml"), ("records", "records"),
    )]  # fmt: skip
    two = CliRunner().invoke(app, ["box", "flash", *words, "-p", "/dev/ttyNONE7", "-p", "/dev/ttyNONE8"])
    assert two.exit_code == 2
    assert "固定地址" in two.output
    assert "ttyNONE7" not in two.output
    one = CliRunner().invoke(app, ["box", "flash", *words, "-p", "/dev/ttyNONE7"])
    assert "ttyNONE7" in one.output
