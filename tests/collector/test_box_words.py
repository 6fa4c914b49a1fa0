"""What technicians are given and told: hand-over and site files, the words of a failed link, labels, records."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from manyi.box import doctor, identity, talk
from manyi.box.console import refusal, trouble
from manyi.box.flashing import image
from manyi.box.flashing.flash import trouble as flash_trouble
from manyi.box.papers import label
from manyi.box.records import Records, is_sealed, sealed
from manyi.box.site import Site
from manyi.box.words import BoxError, Unfit, link_trouble

from tests.collector import qr_reader

VECTORS = json.loads((Path(__file__).parents[1] / "wire" / "console.json").read_text())
LINE = {"box": "hall-1", "user": "hall-1", "password": "pw", "k_link": "aa" * 32, "k_chain": "bb" * 32}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def handover(**changes: object) -> str:
    return json.dumps({k: v for k, v in (LINE | changes).items() if v is not None})


# --- the console's lines -------------------------------------------------------------------------------------------


def test_lines_and_codes_are_as_the_vectors_say() -> None:
    for vector in VECTORS["lines"]:
        number, *words = vector["text"][1:].split(" ")
        assert talk.line(int(number), *words) == vector["line"].encode() + b"\n"
    for vector in VECTORS["codes"]:
        made = talk.code(bytes.fromhex(vector["k_link"]), vector["box"], bytes.fromhex(vector["nonce"]))
        assert made == vector["code"]


def test_an_answer_is_whole_or_noise() -> None:
    good = talk.line(7, "ok", "v=1", "state=blank").strip()
    assert talk.answer(b"\xf0rst:0x1 " + good) == talk.Answer(7, True, {"v": "1", "state": "blank"}, "")
    for raw in (
        b"",
        b"@7 ok *",
        good[:-1] + b"0",
        b"@7 ok v=1",
        b"\xff\xfe",
        b"@x ok *00000000",
        talk.line(7, "maybe"),
    ):
        assert talk.answer(raw) is None


# --- what a box is given -------------------------------------------------------------------------------------------


def test_every_problem_of_a_hand_over_file_is_named_at_once() -> None:
    text = "\n".join(
        [
            "{",
            handover(box="X!"),
            handover(k_chain=None),
            handover(k_link="zz"),
            handover(k_chain="aa" * 32),
            handover(),
            handover(),
        ]
    )
    with pytest.raises(Unfit) as unfit:
        identity.handover(text)
    assert len(unfit.value.problems) >= 6
    assert all(CHINESE.search(p) for p in unfit.value.problems)
    assert "aa" * 32 not in str(unfit.value)


def test_a_secret_is_in_no_repr() -> None:
    (given,) = identity.handover(handover())
    assert "aa" * 32 not in repr(given)
    assert "pw" not in repr(given)


def test_the_identity_is_the_last_file_and_names_the_certificate() -> None:
    (given,) = identity.handover(handover())
    files = identity.files(
        given, Site("h", 8883, "n", b"\x30\x82\x00\x00", {"wifi": []}), "esp32-devkitc", "12345678"
    )
    assert list(files)[-1] == "box.json"
    who = json.loads(files["box.json"])
    assert who["tls"]["ca"][1:] in files
    assert (who["board"], who["pin"], who["k_chain"]) == ("esp32-devkitc", "12345678", "bb" * 32)


# --- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "key"),
    [
        ("-", "ok"), ("", "ok"), (r"ValueError('\nThe-certificate-validity-has-expired\n',)", "expired"),
        (r"ValueError('\nThe-certificate-validity-starts-in-the-future\n',)", "future"),
        (r"ValueError('\nThe-certificate-Common-Name-(CN)-does-not-match-with-the-expected-CN\n',)", "name"),
        (r"ValueError('\nThe-certificate-is-not-correctly-signed-by-the-trusted-CA\n',)", "ca"),
        ("OSError('password',)", "credential"), ("OSError('not-authorized',)", "credential"),
        ("OSError('no-network',)", "network"), ("OSError('no-address',)", "dns"), ("OSError(111,)", "refused"),
        ("TimeoutError()", "silent"), ("OSError('no-hello',)", "silent"), ("OSError('silent',)", "silent"),
        ("MemoryError('memory-allocation-failed,-allocating-124-bytes',)", "memory"), ("OSError('memory',)", "memory"),
        ("Brand(new,)", "other"),
    ],
)  # fmt: skip
def test_how_a_link_failed_is_said_in_both_languages(why: str, key: str) -> None:
    words = link_trouble(why)
    assert words.key == key
    assert CHINESE.search(words.zh)
    assert words.en


def test_a_port_s_trouble_is_named_on_linux_and_on_windows() -> None:
    busy = OSError(16, "Device or resource busy")
    windows = OSError("could not open port 'COM3': PermissionError(13, '拒绝访问。', None, 5)")
    gone = OSError(
        "could not open port 'COM9': FileNotFoundError(2, 'The system cannot find the file specified.', None, 2)"
    )
    assert "in use" in str(trouble("COM3", busy))
    assert "in use" in str(trouble("COM3", windows))
    assert "no port COM9" in str(trouble("COM9", gone))
    assert "dialout" in str(trouble("/dev/ttyUSB0", PermissionError(13, "Permission denied")))


@pytest.mark.parametrize(("n", "en"), [(1, "1 record."), (1200, "1,200 records.")])
def test_a_box_that_will_not_be_retired_says_how_many_records_wait(n: int, en: str) -> None:
    refused = refusal(f"waiting={n}")
    assert f"还有 {n} 条记录没有送达" in refused.zh
    assert en in refused.en


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "A fatal error occurred: This chip is ESP32-S3, not ESP32. Wrong chip argument?",
            "another chip (ESP32-S3",
        ),
        ("A fatal error occurred: Failed to connect to ESP32: No serial data received.", "hold BOOT"),
        ("A fatal error occurred: MD5 of file does not match data in flash!", "does not verify"),
        ("could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)", "in use"),
        ("A fatal error occurred: Failed to calculate md5sum (result was 3166)", "does not verify"),
        ("A fatal error occurred: No more data to read from the serial port.", "start again"),
        ("something nobody has seen", "something nobody has seen"),
    ],
)
def test_what_esptool_says_is_said_in_words(said: str, words: str) -> None:
    error = flash_trouble(said)
    assert words in str(error)
    assert CHINESE.search(str(error))


# --- labels --------------------------------------------------------------------------------------------------------


def test_a_label_reads_back_and_a_slip_does_not() -> None:
    assert label.read(label.code("hall-3-window-1")) == "hall-3-window-1"
    assert label.read(f" hall-3-window-1 {label.check('hall-3-window-1')} ") == "hall-3-window-1"
    for bad in (
        label.code("hall-3-window-1").replace("w", "v"),
        "hall-3-window-1",
        "hall-3-window-1 0000x",
        "",
        "http://x",
    ):
        with pytest.raises(BoxError):
            label.read(bad)


def test_a_sheet_is_a4_with_every_label_on_it_and_the_pin_only_if_asked() -> None:
    labels = [
        label.Label(f"hall-{i}-window-with-a-l", "24dcc300a1b2", "12345678" if i else "") for i in range(25)
    ]
    pages = label.sheets(labels)
    assert len(pages) == 2
    for page in pages:
        root = ET.fromstring(page)
        assert (root.get("width"), root.get("height")) == ("210mm", "297mm")
    assert pages[0].count("PIN ") == 23
    assert "24:dc:c3:00:a1:b2" in pages[0]
    assert len(ET.fromstring(pages[1]).findall(".//{*}path")) == 1


def modules(path: ET.Element) -> qr_reader.Matrix:
    """The squares of a drawn code, from its first dark one on."""
    cells = [tuple(map(float, c)) for c in re.findall(r"M(\S+) (\S+?)h([\d.]+)v", path.get("d") or "")]
    left, top = min(x for x, _, _ in cells), min(y for _, y, _ in cells)
    at = {(round((y - top) / unit), round((x - left) / unit)) for x, y, unit in cells}
    size = max(r for r, _ in at) + 1
    return [[(r, c) in at for c in range(size)] for r in range(size)]


@pytest.mark.parametrize("box", ["abc", "hall-1", "hall-3-window-1", "a23456789-123456789-1234"])
def test_the_code_on_a_sheet_reads_as_the_box_it_stands_beside(box: str) -> None:
    """By a reader that shares nothing with what draws: what a phone sees is what `bind` takes."""
    (page,) = label.sheets([label.Label("other-box", "24dcc300a1b2"), label.Label(box, "24dcc300a1b3")])
    other, mine = (qr_reader.read(modules(path)) for path in ET.fromstring(page).findall(".//{*}path"))
    assert mine == label.code(box)
    assert (label.read(mine), label.read(other)) == (box, "other-box")


def test_the_reader_takes_no_code_that_is_not_whole() -> None:
    (page,) = label.sheets([label.Label("hall-1", "24dcc300a1b2")])
    (path,) = ET.fromstring(page).findall(".//{*}path")
    for r, c in ((12, 12), (24, 24), (8, 0)):
        dark = modules(path)
        dark[r][c] = not dark[r][c]
        with pytest.raises(ValueError, match=r"its format|no code word"):
            qr_reader.read(dark)


# --- records -------------------------------------------------------------------------------------------------------


def test_an_identity_belongs_to_one_chip_for_ever(tmp_path: Path) -> None:
    book = Records(tmp_path / "r")
    first = book.claim("hall-1", "aa", 1)
    assert book.claim("hall-1", "aa", 2) == first
    for box, mac in (("hall-1", "bb"), ("hall-2", "aa")):
        with pytest.raises(BoxError):
            book.claim(box, mac, 3)
    book.retire("hall-1")
    with pytest.raises(BoxError):
        book.claim("hall-1", "aa", 4)  # a chip may be used again, a name may not
    assert book.claim("hall-2", "aa", 5).pin != first.pin
    assert all(p.stat().st_mode & 0o077 == 0 for p in book.folder.iterdir())


def test_an_acceptance_record_that_was_changed_is_seen() -> None:
    key = bytes(32)
    body = doctor.report(
        {"box": "hall-1", "mac": "aa", "board": "sim", "fw": "1.0.0"}, {"life": "00", "boot": "1"},
        [doctor.Check("keys", True), doctor.Check("link", False, "expired")], "李雷", 5,
    )  # fmt: skip
    assert body["ok"] is False
    text = sealed(key, "hall-1", body)
    assert json.loads(text)["by"] == "李雷"
    assert is_sealed(key, "hall-1", text + "\n")
    for bad in (text.replace('"ok":false', '"ok":true', 1), text[:-3] + '0"}', "{}", ""):
        assert not is_sealed(key, "hall-1", bad)
    assert not is_sealed(key, "hall-2", text)


def test_a_journal_is_counted_by_life_and_acknowledgement() -> None:
    blank = b"\xff" * image.BLOCK
    assert image.held(blank * 3) == image.Held(0, 0)
    assert image.held(b"garbage" * 5000) == image.Held(0, 0)


# --- another system ------------------------------------------------------------------------------------------------


def test_the_technician_s_commands_load_where_there_is_no_posix() -> None:
    """Windows itself is not here: its modules that are missing there are missing here too."""
    code = (
        "import sys\n"
        "for name in ('fcntl', 'pwd', 'grp', 'termios', 'tty', 'pty', 'resource', 'readline'):\n"
        "    sys.modules[name] = None\n"
        "import manyi.box.cli, manyi.box.flashing.tray, manyi.box.papers.label, manyi.box.places.place\n"
        "from typer.testing import CliRunner\n"
        "print(CliRunner().invoke(manyi.box.cli.box_app, ['--help']).exit_code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "0", done.stderr
