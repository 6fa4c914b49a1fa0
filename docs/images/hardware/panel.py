"""Draws panel-a5.svg and panel-a6.svg, to be printed at 100 % on A4: the front panel and, under it, its drill template.

A level is told by word, face, shape, number of raised dots and place before it is told by colour: who cannot see the
colour, or anything at all, still finds the key. All three are of one size: the panel invites no answer.
Refuses: Braille. A wrong cell is worse than none; the local disabled persons' federation can have it checked and made.
"""

from __future__ import annotations

from dataclasses import dataclass

from svg import FAINT, GREY, HERE, INK, Sheet

LEVELS = (
    ("满意", "Satisfied", "#1b8a3a", "circle", 1),
    ("基本满意", "Basically satisfied", "#e0a800", "square", 2),
    ("不满意", "Not satisfied", "#c62828", "triangle", 3),
)


@dataclass(frozen=True, slots=True)
class Size:
    name: str
    width: float  # mm
    height: float
    pitch: float  # between two keys
    key: float  # mm, the largest key that leaves the marks free
    down: float  # mm, from the top edge to the keys' centres
    clip: float  # mm, cut off each corner for the lid's screws; 0: none
    lid: str  # the enclosure it was drawn for


A5 = Size("A5", 210, 148, 66, 45, 98, 0, "230 x 150 x 85")
A6 = Size("A6", 148, 105, 47, 33, 70, 13, "150 x 110 x 70")


def face(s: Sheet, x: float, y: float, r: float, mood: int) -> None:
    s.circle(x, y, r, fill="#fff", line=r * 0.13)
    for side in (-1, 1):
        s.circle(x + side * r * 0.36, y - r * 0.22, r * 0.12, fill=INK, line=0)
    a, b = x - r * 0.48, x + r * 0.48
    lift = {1: 0.55, 2: 0.12, 3: -0.5}[mood] * r
    base = y + {1: 0.22, 2: 0.38, 3: 0.58}[mood] * r
    s.path(f"M{a:.2f} {base:.2f} Q{x:.2f} {base + lift:.2f} {b:.2f} {base:.2f}", line=r * 0.13)


def shape(s: Sheet, x: float, y: float, r: float, kind: str, fill: str) -> None:
    """The tactile outline: glue a raised piece of this shape here, or cut it from 1.5 mm rubber."""
    if kind == "circle":
        s.circle(x, y, r, fill=fill, line=0.5)
    elif kind == "square":
        h = r * 0.9
        s.rect(x - h, y - h, 2 * h, 2 * h, fill=fill, line=0.5)
    else:
        s.path(
            f"M{x:.2f} {y - r:.2f} L{x + r:.2f} {y + 0.75 * r:.2f} L{x - r:.2f} {y + 0.75 * r:.2f} Z",
            fill=fill,
            line=0.5,
        )


def dots(s: Sheet, x: float, y: float, many: int, r: float) -> None:
    for i in range(many):
        s.circle(x + (i - (many - 1) / 2) * r * 3.4, y, r, fill=INK, line=0)


def centres(z: Size, x: float) -> list[float]:
    return [x + z.width / 2 + (i - 1) * z.pitch for i in range(3)]


def outline(s: Sheet, z: Size, x: float, y: float, dash: str = "") -> None:
    w, h, c = z.width, z.height, z.clip
    if c:
        ring = [(c, 0), (w - c, 0), (w, c), (w, h - c), (w - c, h), (c, h), (0, h - c), (0, c), (c, 0)]
        s.line(*((x + a, y + b) for a, b in ring), w=0.25, dash=dash)
    else:
        s.rect(x, y, w, h, line=0.25, dash=dash)


def art(s: Sheet, z: Size, x: float, y: float) -> None:
    k = z.width / 210  # everything grows with the width
    outline(s, z, x, y)
    mid = x + z.width / 2
    s.text(mid, y + 17 * k, "请您评价本次服务", 11.5 * k, at="middle", bold=True, fit=104 * k)
    s.text(mid, y + 23.5 * k, "Please rate the service you received", 4.1 * k, at="middle", ink=GREY)
    for cx, (word, english, colour, kind, many) in zip(centres(z, x), LEVELS, strict=True):
        column = z.pitch - 4 * k
        s.rect(cx - column / 2, y + 28.5 * k, column, z.height - 28.5 * k - 17.5 * k, r=3.5 * k, line=0.5)
        s.rect(
            cx - column / 2 + 1.6 * k, y + 30.1 * k, column - 3.2 * k, 3.4 * k, r=1.6 * k, fill=colour, line=0
        )
        s.text(cx, y + 48 * k, word, 13.4 * k, at="middle", bold=True, fit=13.4 * k * len(word))
        s.text(cx, y + 53.6 * k, english, 3.7 * k, at="middle", ink=GREY)
        top = y + 63 * k
        face(s, cx, top, 7.2 * k, many)
        shape(s, cx - column / 2 + 9.5 * k, top, 4.6 * k, kind, "#fff")
        dots(s, cx + column / 2 - 9.5 * k, top, many, 1.35 * k)
        s.circle(cx, y + z.down, z.key / 2, line=1.1 * k, ink=colour)
        s.circle(cx, y + z.down, z.key / 2 + 1.2 * k, line=0.3)
        cross(s, cx, y + z.down, 3)
    y2 = y + z.height - 10.5 * k
    s.text(mid, y2, "按一下即可 · 不记姓名 · 灯亮即已记录", 5.4 * k, at="middle", bold=True, fit=104 * k)
    s.text(
        mid,
        y2 + 5 * k,
        "One press. No name is kept. The light says: recorded.",
        3.2 * k,
        at="middle",
        ink=GREY,
    )


def cross(s: Sheet, x: float, y: float, half: float) -> None:
    s.line((x - half, y), (x + half, y), w=0.2)
    s.line((x, y - half), (x, y + half), w=0.2)


def template(s: Sheet, z: Size, x: float, y: float) -> None:
    outline(s, z, x, y, dash="2 1")
    xs = centres(z, x)
    cy = y + z.down
    s.text(x + z.width / 2, y + 8, f"{z.name} 钻孔样板 drill template", 4, at="middle", bold=True)
    s.text(x + z.width / 2, y + 13, "贴在盒盖上，先用冲头点十字，再由小到大钻", 2.4, at="middle", ink=GREY)
    s.text(
        x + z.width / 2,
        y + 16.6,
        "Tape to the lid, punch the crosses, drill small, then large",
        2.2,
        at="middle",
        ink=GREY,
    )
    for cx in xs:
        for d in (24.0, 28.0):
            s.circle(cx, cy, d / 2, line=0.25, dash="1.2 0.8")
        s.circle(cx, cy, 1.5, line=0.3)
        cross(s, cx, cy, 17)
    s.text(xs[0], cy - 18.5, "Ø24 或 or Ø28", 2.6, at="middle", bold=True)
    s.text(xs[1], cy - 18.5, "量键杆再钻 measure your key's thread", 2.3, at="middle")
    s.measure(xs[0], cy + 22, xs[1], cy + 22, f"{z.pitch:g}")
    s.measure(xs[1], cy + 22, xs[2], cy + 22, f"{z.pitch:g}")
    s.measure(x + 8, y, x + 8, cy, f"{z.down:g}")
    s.line((x + 6, cy), (xs[0] - 17, cy), w=0.18, dash="1 1")
    foot = y + z.height + (-8 if z.clip == 0 else 6)
    s.measure(x + 0.3, foot, x + z.width - 0.3, foot, f"{z.width:g} x {z.height:g}")
    bx, by = x + z.width - 17, y + 14
    for dx in (-4, 0, 4):
        for dy in (-4, 0, 4):
            s.circle(bx + dx, by + dy, 0.9, line=0.25)
    s.text(bx, by + 9, "蜂鸣器 9 x Ø2", 2.2, at="middle")
    s.text(bx, by + 12, "buzzer", 2.2, at="middle", ink=GREY)
    s.text(x + 12, y + z.down - 40, f"盒 lid {z.lid} mm", 2.4, ink=GREY)


def strip(s: Sheet, x: float, y: float, pitch: float) -> None:
    """Replaces the foot of the panel where the policy asks for a reason."""
    w = pitch * 3
    s.rect(x, y, w, 15, line=0.25, dash="2 1")
    s.text(
        x + w / 2,
        y + 4.6,
        "若请您再按一次，三个键表示原因 A second press tells the reason",
        2.9,
        at="middle",
        bold=True,
    )
    for i, (word, english) in enumerate(
        (("态度", "attitude"), ("效率", "efficiency"), ("流程", "procedure"))
    ):
        cx = x + pitch * (i + 0.5)
        s.text(cx - 1, y + 11.8, word, 5.6, at="end", bold=True)
        s.text(cx + 1, y + 11.4, english, 3, ink=GREY)
        if i:
            s.line((x + pitch * i, y + 6.5), (x + pitch * i, y + 14), w=0.2, ink=FAINT)


def ruler(s: Sheet, x: float, y: float, long: int) -> None:
    s.line((x, y), (x + long, y), w=0.3)
    for i in range(0, long + 1, 5):
        s.line((x + i, y), (x + i, y - (2.6 if i % 10 == 0 else 1.4)), w=0.2)
    s.text(
        x + long + 2,
        y,
        f"按 100% 打印：此尺须为 {long} mm  Print at 100 %: this must measure {long} mm",
        2.4,
        ink=INK,
    )


def sheet(z: Size) -> str:
    """A4, upright: the art, and the template under it."""
    s = Sheet(210, 297, f"{z.name} 面板 front panel, 1:1")
    x = (210 - z.width) / 2
    gap = 0.0 if 2 * z.height > 280 else 12.0
    y = (297 - 2 * z.height - gap) / 2
    art(s, z, x, y)
    template(s, z, x, y + z.height + gap)
    ruler(s, x + 18, y + 2 * z.height + gap + (-14.5 if z.clip == 0 else 15), 50)
    return s.done()


def strips() -> str:
    """A4, upright: the strips for the policy that asks for a reason, and the tactile pieces to cut from rubber."""
    s = Sheet(210, 297, "原因条与触觉片 reason strips and tactile pieces, 1:1")
    s.text(10, 17, "原因条与触觉片", 6, bold=True)
    s.text(
        10,
        23,
        "Reason strips and tactile pieces. 仅在设置为“再按一次说明原因”时贴用 only where the policy is second=reason",
        2.5,
        ink=GREY,
    )
    s.text(10, 35, "A5 面板 panel", 3, bold=True)
    strip(s, 6, 38, A5.pitch)
    s.text(10, 63, "A6 面板 panel", 3, bold=True)
    strip(s, 6, 66, A6.pitch)
    strip(s, 6, 84, A6.pitch)
    s.text(10, 112, "触觉片：用 1.5 mm 橡胶或亚克力剪下，贴在面板同形的标记上；圆点用凸点贴", 3, bold=True)
    s.text(
        10,
        117,
        "Cut from 1.5 mm rubber or acrylic and glue onto the same mark of the panel; for the dots use bump dots",
        2.4,
        ink=GREY,
    )
    for row, (z, k) in enumerate(((A5, 1.0), (A6, 148 / 210))):
        y = 133 + row * 22
        s.text(10, y + 1, f"{z.name}", 3, bold=True)
        for i, (word, _, _, kind, many) in enumerate(LEVELS):
            cx = 38 + i * 60
            shape(s, cx, y, 4.6 * k, kind, "#ddd")
            dots(s, cx + 16, y, many, 1.35 * k)
            s.text(cx + 8, y + 9.5, word, 2.6, at="middle")
    s.text(10, 186, "摆放 placing", 3, bold=True)
    notes = (
        "从左到右永远是 绿 黄 红（满意 基本满意 不满意），任何大厅都不调换。  Left to right always green, yellow, red.",
        "打印后先过塑或贴 0.5 mm 聚碳酸酯薄片，再开孔。  Laminate or cover with 0.5 mm polycarbonate before cutting.",
        "三个键同尺寸、同手感；不得遮盖、不得加盖板。  Three keys of one size and feel; none is ever covered.",
    )
    for i, note in enumerate(notes):
        s.text(10, 193 + i * 5.5, note, 2.6)
    ruler(s, 10, 222, 100)
    return s.done()


def drawings() -> dict[str, str]:
    return {"panel-a5.svg": sheet(A5), "panel-a6.svg": sheet(A6), "panel-strips.svg": strips()}


if __name__ == "__main__":
    for name, text in drawings().items():
        (HERE / name).write_text(text, encoding="utf-8")
        print(name)
