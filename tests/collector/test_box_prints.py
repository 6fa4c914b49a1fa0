"""What a technician prints: the acceptance record, a page a box; and how long lines stand on a terminal."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from manyi.box import doctor, words
from manyi.box.doctor import NAMES, Check
from manyi.box.papers import label
from manyi.box.records import Records, sealed
from manyi.cli import app
from manyi.words import both, laid
from typer.testing import CliRunner

KEY = b"\xaa" * 32
HELLO = {"box": "hall-1", "mac": "24dcc300a1b2", "board": "esp32-devkitc", "fw": "1.0.0"}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    """hall-1 was tested and failed, hall-2 was not."""
    monkeypatch.chdir(tmp_path)
    book = Records(tmp_path / "boxes")
    expired = words.link_trouble("validity has expired")
    checks = [Check(n, False, expired.key, str(expired)) if n == "link" else Check(n, True) for n in NAMES]
    body = doctor.report(HELLO, {"life": "00", "boot": "1"}, checks, "李雷", 1_795_395_600_000)
    book.claim("hall-1", HELLO["mac"], 1)
    book.claim("hall-2", "24dcc300a1b3", 1)
    book.accept("hall-1", sealed(KEY, "hall-1", body))
    line = {"box": "hall-1", "user": "u", "password": "p", "k_link": KEY.hex(), "k_chain": "bb" * 32}
    (tmp_path / "boxes.jsonl").write_text(
        json.dumps(line), encoding="utf-8-sig"
    )  # as Windows' editor saves it
    return book


def printed(*options: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["box", "record", "--out", "验收 记录.svg", *options])
    return done.exit_code, done.output


def page() -> str:
    root = ET.parse("验收 记录.svg").getroot()
    assert (root.get("width"), root.get("height")) == ("210mm", "297mm")
    assert len(root.findall("{*}path")) > 1  # the label's code, and lines to write on
    return "\n".join(e.text or "" for e in root.iter("{http://www.w3.org/2000/svg}text"))


def test_a_record_says_what_the_test_found_and_leaves_room_for_the_window(bench: Records) -> None:
    code, said = printed()
    assert code == 0, said
    text = page()
    for wanted in (
        f"hall-1  {label.check('hall-1')}",
        "24:dc:c3:00:a1:b2",
        "2026-11-23 09:00  李雷",
        "esp32-devkitc  1.0.0",
    ):
        assert wanted in text
    assert all(name in text for name in NAMES.values())
    assert (text.count(words.MARKS[True]), text.count(words.MARKS[False])) == (len(NAMES) - 1, 1)
    assert "不合格 NOT PASSED" in text
    assert "服务器证书已过期" in text
    assert "大厅" in text
    assert "未核对" in text


def test_a_record_that_was_changed_says_so(bench: Records) -> None:
    printed("--handover", "boxes.jsonl")
    assert "核对无误" in page()
    bench.accept("hall-1", bench.accepted("hall-1").replace('"ok":false', '"ok":true', 1))
    printed("--handover", "boxes.jsonl")
    assert "已被改动" in page()


@pytest.mark.parametrize("text", ['{"v":1,"box":"hall-1","mac":"00","checks":[]}', "torn", "[]"])
def test_a_record_that_cannot_be_read_is_named(bench: Records, text: str) -> None:
    bench.accept("hall-1", text)
    code, said = printed()
    assert code == 2
    assert "hall-1 的验收记录读不懂" in said
    assert "manyi box doctor" in said


def test_a_box_that_was_not_tested_has_no_record(bench: Records) -> None:
    assert printed("--box", "hall-2") == (
        2, "还没有验收：hall-2，先 manyi box doctor / not tested yet: hall-2. First: manyi box doctor\n"
    )  # fmt: skip
    assert "hall-9" in printed("--box", "hall-9")[1]
    assert not Path("验收 记录.svg").exists()


@pytest.mark.parametrize(
    ("data", "zh", "en"),
    [
        ("010302000000", "没有人按", "nobody pressed"),
        ("010302010000", "红键亮了没有按下", "red was lit and did not come"),
        ("010302010200", "亮的是红键，按下的是黄键", "red was lit and yellow came"),
        ("030201010000", "亮的是红键，按下的是绿键", "red was lit and green came"),
    ],
)
def test_the_guided_test_names_the_key(data: str, zh: str, en: str) -> None:
    said = doctor.pressed_wrong(bytes.fromhex(data))
    assert said.startswith(zh)
    assert en in said


def test_a_line_too_long_for_the_terminal_has_its_english_below() -> None:
    short, long = both("好", "well"), both("灯" * 20, "x" * 38)
    assert laid(f"{short}\n{long}", 80) == f"{short}\n{'灯' * 20}\n    {'x' * 38}"
    assert laid(long, 81) == long
    assert laid("/dev/" + "x" * 90, 80) == "/dev/" + "x" * 90


def test_whatever_a_technician_is_told_survives_a_chinese_code_page() -> None:
    """Marks and words; what a file's name or esptool brings is replaced where the page has it not."""
    root = Path(words.__file__).parent
    strings = "".join(
        re.sub(r"^\s*#.*$", "", p.read_text(encoding="utf-8"), flags=re.M) for p in root.glob("*.py")
    )
    assert strings.encode("gbk").decode("gbk") == strings
