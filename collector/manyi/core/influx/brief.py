"""Names cut to a width, for lines of a wall that has no room for a second. Refuses to cut what fits.

Widths are in em, a Chinese character's: the letters and figures of a wall's type are a little more than half as wide.
"""

from __future__ import annotations

from itertools import takewhile
from typing import Final
from unicodedata import east_asian_width

NARROW_EM: Final = 0.55
CUT: Final = "…"


def width(text: str) -> float:
    return sum(1.0 if east_asian_width(c) in "WFA" else NARROW_EM for c in text)


def head(name: str, em: float) -> str:
    """Its beginning: of a window the number stands there."""
    return name if width(name) <= em else _begin(name, em - width(CUT)) + CUT


def ends(name: str, em: float) -> str:
    """Its two ends: of a hall the county stands at one, and which of its halls at the other."""
    if width(name) <= em:
        return name
    first = _begin(name, (em - width(CUT)) / 2) + CUT
    return first + _begin(name[::-1], em - width(first))[::-1]


def _begin(text: str, em: float) -> str:
    taken = 0.0

    def fits(character: str) -> bool:
        nonlocal taken
        taken += width(character)
        return taken <= em

    return "".join(takewhile(fits, text)).rstrip()
