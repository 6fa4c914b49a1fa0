"""Draws wiring-<board>.svg of every file in firmware/boards: python docs/images/hardware/wiring.py

A pin is never typed here: it is read from the board's facts, and what is printed beside it on the board is its place
in HEADERS. A new board needs its two rows of HEADERS and nothing else.
Refuses: to hide that lines cross. A wire to the far side of a board ends in a named flag, not in a detour.
"""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parts import Part, buzzer, duty, flag, key, lamp, module, supply
from svg import GREY, HERE, INK, Sheet

BOARDS = HERE.parents[2] / "firmware" / "boards"
TOP = 40.0  # mm, of the first pin
ROW = 15.5  # mm between two circuits
EDGE = 116.0, 166.0  # mm, left and right edge of the board on the sheet
TRACK = 1.6  # mm between two wires that turn


def row(pins: str) -> list[str]:
    return pins.split()


# As printed along both sides, seen from above with the USB (or the pins for the adapter) named; None: do not connect.
HEADERS: dict[str, tuple[list[str], list[str]]] = {
    "esp32-devkitc": (
        row("3V3 EN 36 39 34 35 32 33 25 26 27 14 12 GND 13 D2 D3 CMD 5V"),
        row("GND 23 22 TX=1 RX=3 21 GND 19 18 5 17 16 4 0 2 15 D1 D0 CLK"),
    ),
    "esp32-s3-devkitc": (
        row("3V3 3V3 RST 4 5 6 7 15 16 17 18 8 3 46 9 10 11 12 13 14 5V GND"),
        row("GND TX=43 RX=44 1 2 42 41 40 39 38 37 36 35 0 45 48 47 21 20 19 GND GND"),
    ),
    "wt32-eth01": (
        row("EN GND 3V3 EN 32 33 5 17 GND 3V3 GND 5V LINK"),
        row("TXD0=1 RXD0=3 0 GND 39 36 15 14 12 35 4 2 GND"),
    ),
}
PRINTED = {
    "wt32-eth01": {"5": "RXD", "17": "TXD", "32": "CFG", "33": "485"}
}  # where the board says no number
ENDS = {  # what is at the top and at the bottom edge of the board
    "esp32-devkitc": ("模组天线朝上 antenna", "USB"),
    "esp32-s3-devkitc": ("模组天线朝上 antenna", "USB · UART"),
    "wt32-eth01": ("模组天线 antenna · EN 3V3 TXD0 RXD0 IO0", "RJ45 网口"),
}
NEVER = {  # must stay free, by chip: it decides how the chip starts, or belongs to the flash
    "esp32": {"0", "2", "5", "12", "15", "D0", "D1", "D2", "D3", "CMD", "CLK"},
    "esp32s3": {"0", "3", "45", "46", "19", "20", "35", "36", "37", "38", "48"},
}
LEVELS = ("满意 绿 green", "基本满意 黄 yellow", "不满意 红 red")


def facts() -> Iterator[dict[str, Any]]:
    for path in sorted(BOARDS.glob("*.py")):
        names = {k: v for k, v in runpy.run_path(str(path)).items() if k.isupper()}
        if "KEYS" in names:
            yield names


def parts(b: dict[str, Any]) -> list[Part]:
    """Everything that is connected to the board, in the order in which it is asked for."""
    found = [key(pin, i, LEVELS[i]) for i, pin in enumerate(b["KEYS"])]
    found += [lamp(pin, i, LEVELS[i]) for i, pin in enumerate(b["LAMPS"])]
    found.append(buzzer(b["BUZZER"], b["BUZZER_HZ"]))
    if b["DUTY_LAMP"] is not None:
        found.append(duty(b["DUTY_LAMP"]))
    if b["RTC"]:
        pins = [("SDA", b["RTC"]["sda"]), ("SCL", b["RTC"]["scl"])]
        found.append(module("RTC", "时钟 DS3231 clock", pins, "VCC 3V3", "I2C · 可选 optional"))
    if b["NFC"]:
        pins = [("MOSI", b["NFC"]["mosi"]), ("MISO", b["NFC"]["miso"]), ("SCK", b["NFC"]["sck"])]
        pins.append(("SDA (SS)", b["NFC"]["cs"]))
        if b["NFC"]["rst"] is not None:
            pins.append(("RST", b["NFC"]["rst"]))
        power = "3.3V, RST 3V3" if b["NFC"]["rst"] is None else "3.3V 3V3"
        found.append(module("NFC", "读卡 MFRC522 badge", pins, power, "SPI · 可选 optional"))
    if b["VOICE_UART"]:
        pins = [("RX ← 1k", b["VOICE_UART"]["tx"]), ("TX", b["VOICE_UART"]["rx"])]
        found.append(module("VOICE", "语音 DFPlayer voice", pins, "VCC 5V · SPK 8 Ω", "UART · 可选 optional"))
    return found


def number(label: str) -> str:
    return label.rpartition("=")[2]


class Drawing:
    def __init__(self, b: dict[str, Any]) -> None:
        self.b, self.name = b, b["NAME"]
        self.left, self.right = HEADERS[self.name]
        rows = max(len(self.left), len(self.right))
        self.pitch = min(8.0, 132 / (rows - 1))
        self.sheet = Sheet(297, 210, f"{self.name} 接线图 wiring")
        self.at: dict[str, tuple[int, float]] = {}  # number -> (side, y)
        for side, labels in ((-1, self.left), (1, self.right)):
            for i, label in enumerate(labels):
                if number(label).isdigit():
                    self.at[number(label)] = side, TOP + i * self.pitch

    def board(self, used: set[str]) -> None:
        s, b = self.sheet, self.b
        x1, x2 = EDGE
        last = max(len(self.left), len(self.right)) - 1
        top, bottom = TOP - 9, TOP + last * self.pitch + 9
        s.rect(x1, top, x2 - x1, bottom - top, r=2, fill="#f4f4f2", line=0.6)
        mid = (x1 + x2) / 2
        up, down = ENDS[self.name]
        s.text(mid, top + 4, up, 2.2, at="middle", ink=GREY)
        s.text(mid, bottom - 2.2, down, 2.6, at="middle", bold=True, ink=GREY)
        s.rect(mid - 12, top + 50, 24, 36, r=1, fill="#fff", line=0.3)
        s.text(mid, top + 58, self.name, 2.5, at="middle", bold=True)
        s.text(mid, top + 63, f"CHIP {b['CHIP']}", 2.2, at="middle", ink=GREY)
        s.text(mid, top + 67, f"{b['FLASH_BYTES'] >> 20} MB flash", 2.2, at="middle", ink=GREY)
        s.text(mid, top + 75, "从上面看", 2.2, at="middle", ink=GREY)
        s.text(mid, top + 79, "seen from above", 2.2, at="middle", ink=GREY)
        if b["ETH"]:
            e = b["ETH"]
            taken = [e["ref_clk"], e["power"], e["mdio"], e["mdc"], *e["rmii"]]
            s.text(mid, top + 91, "板内网络芯片占用 taken by LAN8720", 1.9, at="middle", ink=GREY)
            for i in range(0, len(taken), 5):
                words = " ".join(f"GPIO{p}" for p in sorted(taken)[i : i + 5])
                s.text(mid, top + 94.5 + i * 0.6, words, 1.9, at="middle", ink=GREY)
        for side, labels in ((-1, self.left), (1, self.right)):
            x = x1 if side < 0 else x2
            for i, label in enumerate(labels):
                self._pin(x, TOP + i * self.pitch, side, label, used)

    def _pin(self, x: float, y: float, side: int, label: str, used: set[str]) -> None:
        s = self.sheet
        num = number(label)
        printed = PRINTED.get(self.name, {}).get(num, label.partition("=")[0])
        power = label in ("3V3", "5V", "GND")
        on = num in used
        s.rect(x - 1, y - 1, 2, 2, fill=INK if on else "#fff", line=0.3)
        text = printed if printed == num or not num.isdigit() else f"{printed}={num}"
        if "=" in label:  # the console's two
            text = f"控制台 console {printed} = GPIO{num}"
        at = "start" if side < 0 else "end"
        inward = x + 2.4 if side < 0 else x - 2.4
        s.text(
            inward,
            y + 0.9,
            text,
            2 if "=" in label else 2.5,
            at=at,
            bold=on or power,
            ink=INK if on or power else GREY,
        )
        if not on and num in NEVER[self.b["CHIP"]]:
            for d in (-1, 1):
                s.line((x - 1, y - d), (x + 1, y + d), w=0.25, ink=GREY)

    def wires(self, found: list[Part]) -> None:
        """Places the parts of each side in the order of their pins, and leads a wire to each."""
        places: dict[int, list[Part]] = {-1: [], 1: []}
        for part in found:
            sides = [self.at[str(p)][0] for p in part.pins]
            places[1 if sum(sides) >= 0 and part.many else max(set(sides), key=sides.count)].append(part)
        for side, mine in places.items():
            mine.sort(
                key=lambda p: (p.many if side > 0 and self.name == "wt32-eth01" else 0, self.mean(p, side))
            )
            need = sum(p.height for p in mine)
            room = 150.0
            gap = max(0.0, min(6.0, (room - need) / max(1, len(mine))))
            y = TOP - 6 + max(0.0, (room - need - gap * len(mine)) / 2)
            joints: list[tuple[float, float, int]] = []  # pin y, row y, pin
            for part in mine:
                far = {str(p) for p in part.pins if self.at[str(p)][0] != side}
                for pin, row in part.draw(self.sheet, side, EDGE[0] if side < 0 else EDGE[1], y, far):
                    joints.append((self.at[str(pin)][1], row, pin))
                y += part.height + gap
            self.route(side, joints)
            for part in mine:
                for pin in part.pins:
                    if self.at[str(pin)][0] != side:
                        x, y = EDGE[0] if side > 0 else EDGE[1], self.at[str(pin)][1]
                        out = 5 + TRACK * len(places[-side])  # past the wires that turn there
                        self.sheet.line((x, y), (x - side * (out + 1), y), w=0.4)
                        flag(self.sheet, x - side * out, y, -side, f"GPIO{pin} → {part.name}")

    def mean(self, part: Part, side: int) -> float:
        ys = [self.at[str(p)][1] for p in part.pins if self.at[str(p)][0] == side]
        return sum(ys) / len(ys)

    def route(self, side: int, joints: list[tuple[float, float, int]]) -> None:
        """Pin, across to a track of its own, along it, across to the row. Tracks are dealt so that wires that keep
        their order do not cross."""
        x = EDGE[0] if side < 0 else EDGE[1]
        down = sorted((j for j in joints if j[1] >= j[0]), key=lambda j: -j[0])
        up = sorted((j for j in joints if j[1] < j[0]), key=lambda j: j[0])
        for i, (pin_y, row_y, _) in enumerate(down + up):
            t = x + side * (3.6 + i * TRACK)
            self.sheet.line((x + side, pin_y), (t, pin_y), (t, row_y), (x + side * 20, row_y), w=0.4)

    def words(self) -> None:
        s, b = self.sheet, self.b
        s.text(10, 13, f"{self.name} 接线图", 6, bold=True)
        s.text(
            10,
            19,
            "Wiring. 由 firmware/boards 生成，与固件同源 drawn from the facts the firmware itself reads",
            2.6,
            ink=GREY,
        )
        s.text(287, 12, "未在实物上运行，仅经模拟", 2.8, at="end", bold=True)
        s.text(287, 16.5, "Not run on hardware: simulated", 2.4, at="end", ink=GREY)
        s.line((10, 22.5), (287, 22.5), w=0.25)
        y = 199
        notes = [
            "● 相连 joined   ┼ 交叉不相连 crossing, not joined   ■ 已用 used   ⊠ 不得接线 keep free   "
            "三极管 NPN: S8050 或同类 or alike, 脚序以手册为准 check its pins",
            "5V 接适配器，3V3 接开发板输出，GND 全部相连。上电前先量 5V 与 GND 不短路。  "
            "5V from the adapter, 3V3 from the board, all GND joined; measure before power.",
        ]
        if not b["KEY_PULL_UP"]:
            notes.append(
                "此板按键脚内部没有上拉：2.2k 电阻必不可少。  "
                "The key pins of this board have no pull-up inside: the 2.2k resistors are a must."
            )
        for i, note in enumerate(notes):
            s.text(10, y + i * 3.8, note, 2.3, ink=INK)

    def draw(self) -> str:
        found = parts(self.b)
        used = {str(p) for part in found for p in part.pins}
        used |= {str(self.b["CONSOLE"][k]) for k in ("tx", "rx")}
        self.words()
        self.wires(found)
        self.board(used)
        supply(self.sheet, self.b["ETH"] is not None)
        return self.sheet.done()


def drawings() -> dict[str, str]:
    """File name -> SVG, of every board."""
    return {f"wiring-{b['NAME']}.svg": Drawing(b).draw() for b in facts()}


if __name__ == "__main__":
    for name, text in drawings().items():
        Path(HERE / name).write_text(text, encoding="utf-8")
        print(name)
