"""The circuits around a board, each drawn once: a key, a lamp, the buzzer, a module, the supply.

Distances run outward from the board's edge, so that the same circuit is drawn on both sides.
Refuses: to know a pin's number; it is given, and printed as GPIO<number> where its wire arrives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from svg import GREY, INK, Sheet

Joint = tuple[int, float]  # pin, y of the row where its wire arrives
SMALL = 2.1
W = 0.4  # mm, a wire


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    pins: tuple[int, ...]
    height: float  # mm
    many: bool  # a module with more than one wire
    draw: Callable[
        [Sheet, int, float, float, set[str]], list[Joint]
    ]  # sheet, side, edge x, top y, pins of the far side


class Pen:
    """Draws at a distance from the board's edge."""

    def __init__(self, sheet: Sheet, side: int, edge: float) -> None:
        self.s, self.side, self.edge = sheet, side, edge

    def x(self, d: float) -> float:
        return self.edge + self.side * d

    def wire(self, *points: tuple[float, float]) -> None:
        self.s.line(*((self.x(d), y) for d, y in points), w=W)

    def text(
        self, d: float, y: float, words: str, size: float = SMALL, *, bold: bool = False, ink: str = INK
    ) -> None:
        """Words that begin at d and run away from the board."""
        self.s.text(self.x(d), y, words, size, at="end" if self.side < 0 else "start", bold=bold, ink=ink)

    def mid(
        self, d: float, y: float, words: str, size: float = SMALL, *, bold: bool = False, ink: str = INK
    ) -> None:
        self.s.text(self.x(d), y, words, size, at="middle", bold=bold, ink=ink)

    def dot(self, d: float, y: float) -> None:
        self.s.circle(self.x(d), y, 0.7, fill=INK, line=0)

    def along(self, d: float, y: float, words: str) -> None:
        """A resistor in a wire, 7 mm long from d."""
        x = min(self.x(d), self.x(d + 7))
        self.s.rect(x, y - 1.2, 7, 2.4, fill="#fff", line=W)
        self.s.text(x + 3.5, y - 1.9, words, SMALL, at="middle")

    def upright(self, d: float, y1: float, y2: float, words: str) -> None:
        """A resistor from y1 up or down to y2."""
        lo, hi = min(y1, y2), max(y1, y2)
        self.wire((d, lo), (d, hi))
        h = 4.2
        self.s.rect(self.x(d) - 1.1, (lo + hi) / 2 - h / 2, 2.2, h, fill="#fff", line=W)
        self.text(d + 1.8, (lo + hi) / 2 + 0.8, words)

    def ground(self, d: float, y: float) -> None:
        x = self.x(d)
        for i, half in enumerate((1.7, 1.1, 0.5)):
            self.s.line((x - half, y + i * 0.7), (x + half, y + i * 0.7), w=W)

    def rail(self, d: float, y: float, words: str) -> None:
        """A supply: a bar with its name above."""
        x = self.x(d)
        self.s.line((x - 1.8, y), (x + 1.8, y), w=0.7)
        self.s.text(x, y - 0.8, words, SMALL, at="middle", bold=True)

    def transistor(self, d: float, y: float) -> tuple[float, float, float]:
        """An NPN with its base at (d, y). -> (d of collector and emitter, y of collector, y of emitter)"""
        self.s.circle(self.x(d + 2.6), y, 3.1, fill="#fff", line=0.3)
        bar = d + 1.6
        self.wire((d - 0.5, y), (bar, y))
        self.s.line((self.x(bar), y - 1.9), (self.x(bar), y + 1.9), w=0.7)
        out = d + 4
        self.wire((bar, y - 0.8), (out, y - 2.3), (out, y - 3.6))
        self.wire((bar, y + 0.8), (out, y + 2.3), (out, y + 4.2))
        ax, ay = self.x(out - 0.2), y + 2.15
        s = self.side
        self.s.path(f"M{ax:.2f} {ay:.2f} l{-1.5 * s:.2f} -0.1 l{0.75 * s:.2f} -1.25 z", fill=INK, line=0)
        return out, y - 3.6, y + 4.2

    def diode(self, d: float, y: float, *, light: bool) -> None:
        """Its anode is at d + 3, its bar at d: current flows towards the board."""
        s, a, k = self.side, self.x(d + 3), self.x(d)
        self.s.path(f"M{a:.2f} {y - 1.5:.2f} L{a:.2f} {y + 1.5:.2f} L{k:.2f} {y:.2f} Z", fill=INK, line=0)
        self.s.line((k, y - 1.5), (k, y + 1.5), w=0.5)
        for i in range(2 if light else 0):
            x = self.x(d + 0.6 + i * 1.4)
            self.s.line((x, y - 2), (x + s * 1.2, y - 3.4), w=0.25)
            self.s.path(
                f"M{x + s * 1.5:.2f} {y - 3.75:.2f} l{-1.0 * s:.2f} 0.35 l{0.6 * s:.2f} 0.6 z",
                fill=INK,
                line=0,
            )

    def diode2(self, d: float, y: float) -> None:
        """The other way round: its bar is away from the board."""
        a, k = self.x(d), self.x(d + 3)
        self.s.path(f"M{a:.2f} {y - 1.4:.2f} L{a:.2f} {y + 1.4:.2f} L{k:.2f} {y:.2f} Z", fill=INK, line=0)
        self.s.line((k, y - 1.4), (k, y + 1.4), w=0.5)

    def pin(self, pin: int, y: float) -> None:
        self.text(20.3, y - 0.8, f"GPIO{pin}", SMALL, ink=GREY)
        self.wire((20, y), (29, y))


def key(pin: int, i: int, words: str) -> Part:
    def draw(sheet: Sheet, side: int, edge: float, top: float, far: set[str]) -> list[Joint]:
        p, y = Pen(sheet, side, edge), top + 9
        p.pin(pin, y)
        p.wire((29, y), (66, y))
        p.along(30, y, "1k")
        p.upright(43, y, y - 6.5, "2.2k")
        p.rail(43, y - 6.5, "3V3")
        p.dot(43, y)
        p.wire((54, y), (54, y + 1.5))
        for dy in (1.5, 2.5):
            sheet.line((p.x(52.2), y + dy), (p.x(55.8), y + dy), w=0.6)
        p.wire((54, y + 2.5), (54, y + 4))
        p.ground(54, y + 4)
        p.text(56.6, y + 3, "100n")
        p.dot(54, y)
        sheet.circle(p.x(66), y, 0.7, fill="#fff", line=W)
        sheet.circle(p.x(73), y, 0.7, fill="#fff", line=W)
        p.wire((66, y - 1.8), (73, y - 1.8))
        p.wire((69.5, y - 1.8), (69.5, y - 4))
        sheet.line((p.x(68), y - 4), (p.x(71), y - 4), w=0.9)
        p.wire((73.7, y), (78, y), (78, y + 2.5))
        p.ground(78, y + 2.5)
        p.text(75.5, y - 4.6, f"按键 {i + 1} key", 2.5, bold=True)
        p.text(75.5, y - 1.4, words, 2.3)
        return [(pin, y)]

    return Part(f"KEY{i + 1}", (pin,), 15.5, False, draw)


def _driver(p: Pen, pin: int, y: float, load: Callable[[float, float], None]) -> None:
    """1k to an NPN's base, 10k from there to ground; `load` is drawn from the collector on."""
    p.pin(pin, y)
    p.wire((29, y), (44, y))
    p.along(30, y, "1k")
    p.dot(40, y)
    p.upright(40, y, y + 6, "10k")
    p.ground(40, y + 6)
    d, up, low = p.transistor(46, y)
    p.wire((44, y), (46, y))
    p.ground(d, low)
    load(d, up)


OHMS = ("100 Ω", "150 Ω", "150 Ω")


def lamp(pin: int, i: int, words: str) -> Part:
    def draw(sheet: Sheet, side: int, edge: float, top: float, far: set[str]) -> list[Joint]:
        p, y = Pen(sheet, side, edge), top + 7

        def load(d: float, up: float) -> None:
            p.wire((d, up), (82, up), (82, up - 1))
            p.along(56, up, OHMS[i])
            p.diode(68, up, light=True)
            p.rail(82, up - 1, "5V")

        _driver(p, pin, y, load)
        p.text(56, y + 1.6, f"键灯 {i + 1} lamp", 2.5, bold=True)
        p.text(56, y + 4.6, words, 2.3)
        return [(pin, y)]

    return Part(f"LAMP{i + 1}", (pin,), 15.5, False, draw)


def buzzer(pin: int, hz: int) -> Part:
    def draw(sheet: Sheet, side: int, edge: float, top: float, far: set[str]) -> list[Joint]:
        p, y = Pen(sheet, side, edge), top + 9

        def load(d: float, up: float) -> None:
            p.wire((d, up), (90, up), (90, up - 2))
            p.along(56, up, "47 Ω")
            x = min(p.x(71), p.x(79))
            sheet.rect(x, up - 2.4, 8, 4.8, r=2.4, fill="#fff", line=W)
            sheet.text(x + 4, up + 0.9, "BZ", 2.3, at="middle", bold=True)
            p.rail(90, up - 2, "5V")
            p.wire((67.5, up), (67.5, up - 4.6), (84, up - 4.6), (84, up))
            sheet.rect(min(p.x(74), p.x(77)), up - 5.2, 3, 1.2, fill="#fff", line=0)
            p.diode2(74, up - 4.6)
            p.dot(67.5, up)
            p.dot(84, up)

        _driver(p, pin, y, load)
        p.text(56, y + 1.6, "蜂鸣器 buzzer", 2.5, bold=True)
        p.text(56, y + 4.6, f"无源 passive {hz} Hz, 1N4148", 2.3)
        return [(pin, y)]

    return Part("BUZZER", (pin,), 17.5, False, draw)


def duty(pin: int) -> Part:
    def draw(sheet: Sheet, side: int, edge: float, top: float, far: set[str]) -> list[Joint]:
        p, y = Pen(sheet, side, edge), top + 5
        p.pin(pin, y)
        p.wire((29, y), (60, y), (60, y + 2))
        p.along(30, y, "1k")
        s, a, k = side, p.x(46), p.x(49)
        sheet.path(f"M{a:.2f} {y - 1.5:.2f} L{a:.2f} {y + 1.5:.2f} L{k:.2f} {y:.2f} Z", fill=INK, line=0)
        sheet.line((k, y - 1.5), (k, y + 1.5), w=0.5)
        for i in range(2):
            x = p.x(46.8 + i * 1.4)
            sheet.line((x, y - 2), (x + s * 1.2, y - 3.4), w=0.25)
            sheet.path(
                f"M{x + s * 1.5:.2f} {y - 3.75:.2f} l{-1.0 * s:.2f} 0.35 l{0.6 * s:.2f} 0.6 z",
                fill=INK,
                line=0,
            )
        p.ground(60, y + 2)
        p.text(64, y - 0.4, "在岗灯 duty lamp", 2.5, bold=True)
        p.text(64, y + 2.6, "朝向工作人员 faces the clerk", 2.3)
        return [(pin, y)]

    return Part("DUTY", (pin,), 10, False, draw)


def module(name: str, words: str, pins: list[tuple[str, int]], power: str, note: str) -> Part:
    height = 11 + 6.0 * len(pins) + 5

    def draw(sheet: Sheet, side: int, edge: float, top: float, far: set[str]) -> list[Joint]:
        p = Pen(sheet, side, edge)
        x = min(p.x(46), p.x(94))
        sheet.rect(x, top, 48, height - 2, r=1.5, fill="#fafaf8", line=0.5)
        sheet.text(x + 24, top + 4.2, words, 2.7, at="middle", bold=True)
        sheet.text(x + 24, top + 7.4, note, 2, at="middle", ink=GREY)
        joints: list[Joint] = []
        y = top + 12.5
        for label, pin in pins:
            p.text(48.5, y + 0.9, label, 2.4, bold=True)
            sheet.rect(p.x(46) - 1, y - 1, 2, 2, fill="#fff", line=0.3)
            if str(pin) in far:
                flag(sheet, p.x(45.2), y, -side, f"GPIO{pin}")
            else:
                p.text(20.3, y - 0.8, f"GPIO{pin}", SMALL, ink=GREY)
                p.wire((20, y), (45, y))
                joints.append((pin, y))
            y += 6
        sheet.text(x + 24, y + 0.6, f"{power}, GND", 2.2, at="middle")
        return joints

    return Part(name, tuple(pin for _, pin in pins), height, True, draw)


def flag(sheet: Sheet, x: float, y: float, side: int, words: str) -> None:
    """A wire that goes on elsewhere: a pointed label that grows away from x."""
    wide = 2.6 + 1.32 * len(words)
    a, b, c = x + side * 1, x + side * 3, x + side * (3 + wide)
    sheet.path(
        f"M{a:.2f} {y:.2f} L{b:.2f} {y - 1.7:.2f} L{c:.2f} {y - 1.7:.2f} L{c:.2f} {y + 1.7:.2f} L{b:.2f} {y + 1.7:.2f} Z",
        fill="#fff",
        line=0.3,
    )
    sheet.text((b + c) / 2, y + 0.8, words, 2.1, at="middle")


def supply(sheet: Sheet, wired: bool) -> None:
    """What feeds the box, under the board."""
    y, x = 188.0, 100.0
    words = "PoE 分离器 splitter 5 V 2 A" if wired else "适配器 adapter 5 V 2 A"
    sheet.rect(x, y - 4, 33, 8, r=1, line=0.4, fill="#fff")
    sheet.text(x + 16.5, y + 0.9, words, 2.3, at="middle", bold=True)
    sheet.line((x + 33, y), (x + 66, y), w=0.5)
    sheet.line((x + 46, y), (x + 46, y + 1.6), w=W)
    for i, half in enumerate((2, 2)):
        sheet.line((x + 46 - half, y + 1.6 + i), (x + 46 + half, y + 1.6 + i), w=0.6)
    sheet.line((x + 46, y + 2.6), (x + 46, y + 3.8), w=W)
    pen = Pen(sheet, 1, 0)
    pen.ground(x + 46, y + 3.8)
    sheet.text(x + 49, y + 5, "470 µF 16 V + 100n", SMALL)
    sheet.circle(x + 46, y, 0.7, fill=INK, line=0)
    sheet.line((x + 66, y - 1.8), (x + 66, y + 1.8), w=0.9)
    sheet.text(x + 67.5, y + 0.9, "5V", 2.6, bold=True)
