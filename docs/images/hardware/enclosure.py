"""Draws enclosure.svg: the box seen from the citizen, from the side, from the clerk, from inside, and on the counter.

Drawn at 1:2.5 around an ordinary plastic box of 230 x 150 x 85 mm with the A5 panel; other boxes will do.
Refuses: to be a workshop drawing. Holes come from the panel's template; the rest is where things go and why.
"""

from __future__ import annotations

import math

from panel import A5
from svg import FAINT, GREY, HERE, INK, Sheet

SCALE = 1 / 2.5
WIDE, HIGH, DEEP = 230 * SCALE, 150 * SCALE, 85 * SCALE


def head(s: Sheet, x: float, y: float, number: int, words: str, english: str) -> None:
    s.circle(x + 2.6, y - 1.3, 2.8, fill=INK, line=0)
    s.text(x + 2.6, y - 0.1, str(number), 3.2, at="middle", bold=True, ink="#fff")
    s.text(x + 7.5, y, words, 3.4, bold=True)
    s.text(x + 7.5, y + 3.7, english, 2.3, ink=GREY)


def note(
    s: Sheet, points: list[tuple[float, float]], words: str, english: str = "", *, at: str = "start"
) -> None:
    """A leader from points[0] to the words at its end."""
    s.line(*points, w=0.2)
    s.circle(*points[0], 0.5, fill=INK, line=0)
    x, y = points[-1]
    x += 1 if at == "start" else -1
    s.text(x, y + 0.2, words, 2.3, at=at)
    s.text(x, y + 3.1, english, 2.0, at=at, ink=GREY)


def front(s: Sheet, x: float, y: float) -> None:
    head(s, x, y - 8, 1, "正面（群众）", "front, to the citizen")
    s.rect(x, y, WIDE, HIGH, r=3, line=0.6, fill="#fafaf8")
    px, py = x + (WIDE - A5.width * SCALE) / 2, y + (HIGH - A5.height * SCALE) / 2
    s.rect(px, py, A5.width * SCALE, A5.height * SCALE, line=0.25)
    for cx, cy in ((2.4, 2.4), (WIDE - 2.4, 2.4), (2.4, HIGH - 2.4), (WIDE - 2.4, HIGH - 2.4)):
        s.circle(x + cx, y + cy, 1.1, line=0.25)
    s.text(x + WIDE / 2, py + 7, "请您评价本次服务", 4.4, at="middle", bold=True)
    for i, word in enumerate(("满意", "基本满意", "不满意")):
        cx = x + WIDE / 2 + (i - 1) * A5.pitch * SCALE
        s.text(cx, py + 18, word, 4.6, at="middle", bold=True)
        s.circle(cx, py + A5.down * SCALE, A5.key * SCALE / 2, line=0.6, fill="#fff")
        s.circle(cx, py + A5.down * SCALE, A5.key * SCALE / 2 - 2, line=0.2)
    s.measure(x, y + HIGH + 5, x + WIDE, y + HIGH + 5, "230")
    s.measure(x - 4, y, x - 4, y + HIGH, "150")


LEAN = 20  # degrees: seen by who stands and by who sits; a press pushes the box down, not over


def side(s: Sheet, x: float, y: float) -> None:
    head(s, x, y - 8, 2, f"侧面：斜放 {LEAN}°", f"side: lid up, raised by {LEAN} degrees at the clerk's end")
    floor = y + HIGH + 2
    s.line((x - 2, floor), (x + 74, floor), w=0.8)
    s.text(x - 2, floor + 3.8, "台面 counter", 2.2, ink=GREY)
    ox = x + 4
    up, along = HIGH * math.sin(math.radians(LEAN)), HIGH * math.cos(math.radians(LEAN))
    s.path(
        f"M{ox + 16:.2f} {floor:.2f} L{ox + along:.2f} {floor - up:.2f} L{ox + along:.2f} {floor:.2f} Z",
        fill="#ddd",
    )
    s.raw(f'<g transform="translate({ox:.2f} {floor:.2f}) rotate({-LEAN})">')
    s.rect(0, -DEEP, HIGH, DEEP, r=1.5, line=0.6, fill="#fafaf8")
    s.line((0, -DEEP + 8), (HIGH, -DEEP + 8), w=0.25)
    s.rect(1, -DEEP - 0.9, HIGH - 2, 0.9, line=0.3, fill="#ddd")
    key = HIGH - A5.down * SCALE
    s.path(
        f"M{key - 9:.2f} {-DEEP - 0.9:.2f} Q{key:.2f} {-DEEP - 7:.2f} {key + 9:.2f} {-DEEP - 0.9:.2f} Z",
        fill="#fff",
        line=0.5,
    )
    s.rect(key - 4.8, -DEEP, 9.6, 21, line=0.25, dash="1 0.7")
    s.rect(HIGH - 3, -9, 7, 4.4, r=0.8, line=0.5, fill="#fff")
    s.rect(HIGH, -27, 1.4, 16, line=0.3, fill="#eee")
    s.raw("</g>")
    s.line((ox + 57.8, floor - 28.3), (ox + 64, floor - 25), (ox + 64, floor), w=0.9)
    note(s, [(ox + 8.6, floor - 42.5), (ox + 8.6, floor - 55)], "键比面板高 5 mm", "keys stand 5 mm proud")
    note(
        s,
        [(ox + along - 8, floor - 5), (ox + along - 8, floor + 4)],
        "楔形脚、胶垫或螺钉",
        "wedge, rubber or screws",
    )
    s.text(x + 44, floor - 56.5, "群众在左，工作人员在右", 2.2)
    s.text(x + 44, floor - 53.4, "citizen left, clerk right", 2, ink=GREY)


def back(s: Sheet, x: float, y: float) -> None:
    head(s, x, y - 8, 3, "后壁（工作人员）", "rear wall, to the clerk")
    s.rect(x, y, WIDE, DEEP, r=2, line=0.6, fill="#fafaf8")
    s.rect(x + 5, y + 9, 60 * SCALE, 40 * SCALE, r=1, line=0.35, dash="1.2 0.8")
    s.text(x + 5 + 30 * SCALE, y + 16.4, "刷卡处", 2.8, at="middle", bold=True)
    s.text(x + 5 + 30 * SCALE, y + 20, "badge 60 x 40", 2, at="middle", ink=GREY)
    s.circle(x + 37, y + 14, 1.2, line=0.4, fill="#fff")
    s.text(x + 37, y + 19.4, "在岗灯 Ø5", 2.2, at="middle")
    s.text(x + 37, y + 22.4, "duty lamp", 2, at="middle", ink=GREY)
    s.rect(x + 45, y + 8, 25, 18, line=0.35, fill="#fff")
    for i in range(3):
        for j in range(3):
            if (i + j) % 2 == 0:
                s.rect(x + 47 + i * 3.2, y + 12 + j * 3.2, 3.2, 3.2, fill=INK, line=0)
    s.text(x + 58, y + 16, "标签", 2.6, bold=True)
    s.text(x + 58, y + 20, "label, QR", 2, ink=GREY)
    s.circle(x + WIDE - 10, y + DEEP - 9, 2.8, line=0.5, fill="#fff")
    s.circle(x + WIDE - 10, y + DEEP - 9, 1.1, line=0.3, fill="#ddd")
    s.text(x + WIDE - 10, y + DEEP - 14.5, "电源 网线", 2.2, at="middle")
    s.text(x + WIDE - 10, y + DEEP - 2.6, "PG7 gland", 2, at="middle", ink=GREY)
    s.measure(x, y + DEEP + 5, x + WIDE, y + DEEP + 5, "230")
    s.measure(x - 4, y, x - 4, y + DEEP, "85")
    s.text(x + WIDE / 2, y + DEEP + 10, "这一面看不出群众按了哪个键", 2.4, at="middle", bold=True)
    s.text(
        x + WIDE / 2, y + DEEP + 13.4, "nothing here tells which key was pressed", 2.1, at="middle", ink=GREY
    )


def inside(s: Sheet, x: float, y: float) -> None:
    head(s, x, y - 8, 4, "内部（取下盒盖）", "inside, the lid taken off; the citizen is below")
    s.rect(x, y, WIDE, HIGH, r=3, line=0.6, fill="#fff")
    s.rect(x + 1.5, y + 1.5, WIDE - 3, HIGH - 3, r=2, line=0.25)
    for i in range(3):
        cx = x + WIDE / 2 + (i - 1) * A5.pitch * SCALE
        s.circle(cx, y + HIGH - 22, 7, line=0.25, ink=GREY, dash="1 0.8")
    s.text(
        x + WIDE / 2,
        y + HIGH - 11.5,
        "键体占位，深约 60 bodies of the keys, about 60 deep",
        2.2,
        at="middle",
        ink=GREY,
    )
    s.rect(x + 5, y + 6, 28 * SCALE + 1, 56 * SCALE, line=0.4, fill="#f0f0ee")
    s.text(x + 5 + 6.2, y + 17, "主板", 2.4, at="middle", bold=True)
    s.text(x + 5 + 6.2, y + 20.4, "board", 2, at="middle", ink=GREY)
    s.text(x + 5 + 6.2, y + 11, "天线朝上", 1.9, at="middle", ink=GREY)
    s.rect(x + 22, y + 6, 70 * SCALE, 50 * SCALE, line=0.4, fill="#f0f0ee")
    s.text(x + 36, y + 15, "洞洞板 70 x 50", 2.4, at="middle", bold=True)
    s.text(x + 36, y + 18.4, "driver board", 2, at="middle", ink=GREY)
    s.rect(x + 53.5, y + 6, 16, 9, line=0.4, fill="#f0f0ee")
    s.text(x + 61.5, y + 10, "电容 470 µF", 2, at="middle")
    s.text(x + 61.5, y + 13, "5 V", 2, at="middle", ink=GREY)
    s.circle(x + 63.5, y + 23, 4, line=0.4)
    s.text(x + 63.5, y + 23.7, "蜂鸣器", 1.9, at="middle")
    s.line((x + WIDE - 10, y - 3), (x + WIDE - 10, y + 13), (x + 69.5, y + 13), w=0.7)
    s.rect(x + WIDE - 12.5, y - 0.8, 5, 3, line=0.4, fill="#fff")
    s.rect(x + WIDE - 11.4, y + 8, 2.8, 2, fill=INK, line=0)
    s.text(x + WIDE - 12.3, y + 9.8, "扎带 tie", 2.1, at="end")
    s.text(
        x + WIDE / 2, y + HIGH + 4.2, "电缆先打一个扎带再接端子：拉线受力在盒壁，不在焊点", 2.3, at="middle"
    )
    s.text(
        x + WIDE / 2,
        y + HIGH + 7.4,
        "tie the cable before its terminal: a pull ends at the wall, not at solder",
        2.0,
        at="middle",
        ink=GREY,
    )


def counter(s: Sheet, x: float, y: float) -> None:
    head(s, x, y - 8, 5, "柜台上", "on the counter")
    floor = y + 62
    s.line((x, floor), (x + 78, floor), w=0.6)
    s.rect(x + 30, floor - 40, 40, 2.4, fill="#e8e8e4", line=0.4)
    s.rect(x + 36, floor - 37.6, 30, 37.6, fill="#f4f4f2", line=0.3)
    s.line((x + 50, floor - 40), (x + 50, floor - 58), w=0.5)
    s.text(x + 51, floor - 55, "玻璃 glass", 2, ink=GREY)
    s.path(f"M{x + 33:.2f} {floor - 40.3:.2f} l0 -3.6 l10 -3.6 l0 7.2 z", fill="#ccc", line=0.5)
    s.measure(x + 26, floor - 40, x + 26, floor, "700-850 mm")
    s.line((x + 24.8, floor - 40), (x + 30, floor - 40), w=0.2, dash="1 1")
    s.text(x + 18, floor + 4, "群众 citizen", 2.3, at="middle")
    s.text(x + 72, floor + 4, "工作人员 clerk", 2.3, at="middle")
    s.circle(x + 11, floor - 46, 3.4, line=0.4)
    s.line((x + 11, floor - 42.5), (x + 11, floor - 22), (x + 18, floor - 20), (x + 18, floor - 4), w=0.5)
    s.path(f"M{x + 11:.2f} {floor - 38:.2f} L{x + 36:.2f} {floor - 45.6:.2f}", line=0.5)
    s.circle(x + 11, floor - 9, 8.8, line=0.4, ink=GREY)
    s.text(x + 30, floor - 61, "距台边不超过 250 mm", 2.2, at="middle")
    s.text(x + 30, floor - 58.2, "within 250 mm of the edge", 2, at="middle", ink=GREY)


def drawings() -> dict[str, str]:
    s = Sheet(297, 210, "评价器外壳 enclosure")
    s.text(10, 13, "评价器外壳", 6, bold=True)
    s.text(
        10,
        19,
        "Enclosure. 1:2.5，单位 mm；塑料盒 230 x 150 x 85 加 A5 面板 plastic box with the A5 panel",
        2.6,
        ink=GREY,
    )
    s.text(287, 12, "未做实物，尺寸以手中的盒子为准", 2.8, at="end", bold=True)
    s.text(287, 16.5, "Not built yet: measure the box you have", 2.4, at="end", ink=GREY)
    s.line((10, 22.5), (287, 22.5), w=0.25, ink=FAINT)
    front(s, 18, 40)
    side(s, 124, 40)
    counter(s, 208, 40)
    back(s, 18, 130)
    inside(s, 124, 130)
    return {"enclosure.svg": s.done()}


if __name__ == "__main__":
    for name, text in drawings().items():
        (HERE / name).write_text(text, encoding="utf-8")
        print(name)
