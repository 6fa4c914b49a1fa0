"""The label: a QR code with the box's id and check digits, and the same in print for people and for a phone without a
signal. Pure; SVG that any browser prints at its true size.

The code is plain text, not an address: it says who the box is and leads nowhere, so that a bureau's closed network needs
nothing and a swapped sticker can only name a box, never a page. `manyi box bind` reads what was scanned.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from html import escape

from manyi.box.words import BoxError

PREFIX = "MANYI"
CHECK_PRIME = 9973
"""Four digits: one wrong character is noticed 9,972 times of 9,973, and a person can read them out."""
PAGE_W, PAGE_H = 210.0, 297.0  # A4, mm
WIDE, HIGH, ACROSS, DOWN = 70.0, 37.0, 3, 8  # the commonest sheet of 24 labels
QUIET = 4  # modules of white around a code, as its standard wants


@dataclass(frozen=True, slots=True)
class Label:
    """`pin` "" leaves it out: it belongs inside the case, not outside."""

    box: str
    mac: str
    pin: str = ""


def check(box: str) -> str:
    return f"{int.from_bytes(hashlib.sha256(b'manyi label ' + box.encode()).digest()[:4], 'big') % CHECK_PRIME:04d}"


def code(box: str) -> str:
    return f"{PREFIX} {box} {check(box)}"


def read(text: str) -> str:
    """The box of a scanned or typed code. Raises BoxError."""
    found = re.fullmatch(rf"\s*(?:{PREFIX}\s+)?([a-z0-9][a-z0-9-]{{2,23}})\s+(\d{{4}})\s*", text)
    if found is None:
        raise BoxError(
            f"“{text.strip()}”不是标签上的码", f"{text.strip()!r} is no code of a label: id and four digits"
        )
    if found[2] != check(found[1]):
        raise BoxError(
            f"{found[1]} 的校验数字不对，重新扫", f"the digits do not go with {found[1]}: scan again"
        )
    return found[1]


def sheets(labels: list[Label]) -> list[str]:
    """SVG pages of A4, 24 labels each."""
    size = ACROSS * DOWN
    return [_sheet(labels[at : at + size]) for at in range(0, len(labels), size)]


def _sheet(labels: list[Label]) -> str:
    drawn = [_label(one, i % ACROSS * WIDE, i // ACROSS * HIGH) for i, one in enumerate(labels)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{PAGE_W:g}mm" height="{PAGE_H:g}mm" '
        f'viewBox="0 0 {PAGE_W:g} {PAGE_H:g}" '
        f'font-family="Noto Sans CJK SC,Microsoft YaHei,PingFang SC,sans-serif">\n'
        '<rect width="100%" height="100%" fill="#fff"/>\n' + "".join(drawn) + "</svg>\n"
    )


def _label(one: Label, x: float, y: float) -> str:
    side = 29.0
    mac = ":".join(one.mac[i : i + 2] for i in range(0, len(one.mac), 2))
    rows = [(4.2, "bold", one.box), (3.0, "normal", f"校验 {check(one.box)}"), (2.6, "normal", f"MAC {mac}")]
    if one.pin:
        rows.append((3.0, "normal", f"PIN {one.pin}（贴盒内）"))
    text, at = [], y + 10.0
    for height, weight, words in rows:
        # A long id is squeezed, never cut: textLength is what a renderer must keep to.
        squeeze = (
            f' textLength="{WIDE - side - 8:g}" lengthAdjust="spacingAndGlyphs"'
            if len(words) * height * 0.6 > WIDE - side - 8
            else ""
        )
        text.append(
            f'<text x="{x + side + 5:g}" y="{at:g}" font-size="{height:g}" font-weight="{weight}"{squeeze}>'
            f"{escape(words)}</text>\n"
        )
        at += height + 3.0
    return _qr(code(one.box), x + 3, y + 4, side) + "".join(text)


def _qr(text: str, x: float, y: float, side: float) -> str:
    import segno  # noqa: PLC0415  only who prints needs it

    rows = [list(row) for row in segno.make_qr(text, error="q").matrix]
    unit = side / (len(rows) + 2 * QUIET)
    cells = "".join(
        f"M{x + (QUIET + column) * unit:.3f} {y + (QUIET + row) * unit:.3f}h{unit:.3f}v{unit:.3f}h-{unit:.3f}z"
        for row, line in enumerate(rows)
        for column, dark in enumerate(line)
        if dark
    )
    return f'<path d="{cells}" fill="#000" shape-rendering="crispEdges"/>\n'
