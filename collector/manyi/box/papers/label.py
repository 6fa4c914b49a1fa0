"""The label: a QR code with the box's id and check digits, and the same in print for people and for a phone without a
signal. Pure; SVG that any browser prints at its true size.

The code is plain text, not an address: it says who the box is and leads nowhere, so that a bureau's closed network needs
nothing and a swapped sticker can only name a box, never a page. `manyi box bind` reads what was scanned.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from manyi.box.papers import paper
from manyi.box.words import BoxError

PREFIX = "MANYI"
CHECK_PRIME = 9973
"""Four digits: one wrong character is noticed 9,972 times of 9,973, and a person can read them out."""
WIDE, HIGH, ACROSS, DOWN = 70.0, 37.0, 3, 8  # the commonest sheet of 24 labels


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
    return paper.page([_label(one, i % ACROSS * WIDE, i // ACROSS * HIGH) for i, one in enumerate(labels)])


def spelled(mac: str) -> str:
    return ":".join(mac[i : i + 2] for i in range(0, len(mac), 2))


def _label(one: Label, x: float, y: float) -> str:
    side, at = 29.0, y + 10.0
    rows = [(4.2, one.box), (3.0, f"校验 check {check(one.box)}"), (2.6, f"MAC {spelled(one.mac)}")]
    if one.pin:
        rows.append((3.0, f"PIN {one.pin} 贴盒内 inside"))
    drawn = [paper.qr(code(one.box), x + 3, y + 4, side)]
    for height, words in rows:
        drawn.append(paper.text(x + side + 5, at, height, words, bold=words == one.box, most=WIDE - side - 8))
        at += height + 3.0
    return "".join(drawn)
