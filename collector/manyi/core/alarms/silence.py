"""Which silence is one alarm: a county whose line is cut is one outage, not sixty boxes. Pure.

A unit is out if at least OUTAGE_LEAST of its boxes are silent and they are OUTAGE_SHARE of those that should speak now. The
largest such unit is named, unless a smaller one has all of its silent boxes: then that is the one. A box in no outage
is an alarm of its own. Refuses to say why.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Final, NamedTuple

from manyi.core.roster.model import Place

OUTAGE_LEAST: Final = 3  # two boxes of one hall may be two plugs
OUTAGE_SHARE: Final = 2 / 3  # a few on batteries or another line still speak when a county is dark
CITY: Final = ("city", "")
_TIERS: Final = ("county", "township", "hall")

Unit = tuple[str, str]
"""Tier and id."""


class Silence(NamedTuple):
    """`unit` None: one box alone. `since_ms`: when it became this."""

    unit: Unit | None
    boxes: tuple[str, ...]
    of: int
    since_ms: int


def gather(places: Mapping[str, Place], silent: Mapping[str, int]) -> list[Silence]:
    """`places`: every box that should speak now; `silent`: those that do not, and since when."""
    members: dict[Unit, set[str]] = {}
    for box, place in places.items():
        for unit in _units(place):
            members.setdefault(unit, set()).add(box)
    out = {
        unit: boxes
        for unit, boxes in members.items()
        if len(boxes & silent.keys()) >= max(OUTAGE_LEAST, ceil(OUTAGE_SHARE * len(boxes)))
    }
    found, explained = [], set[str]()
    for unit in sorted(out, key=_rank):
        dark = (out[unit] & silent.keys()) - explained
        if not dark:
            continue
        smallest = [u for u in sorted(out, key=_rank) if dark <= out[u]][-1]
        need = max(OUTAGE_LEAST, ceil(OUTAGE_SHARE * len(out[smallest])))
        since = sorted(silent[box] for box in out[smallest] & silent.keys())[need - 1]
        found.append(Silence(smallest, tuple(sorted(dark)), len(out[smallest]), since))
        explained |= dark
    return found + [
        Silence(None, (box,), 1, silent[box]) for box in sorted(silent.keys() - explained) if box in places
    ]


def _units(place: Place) -> list[Unit]:
    return [CITY] + [(tier, getattr(place, tier)) for tier in _TIERS if getattr(place, tier)]


def _rank(unit: Unit) -> tuple[int, str]:
    return (("city", *_TIERS).index(unit[0]), unit[1])
