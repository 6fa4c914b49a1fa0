"""Which boxes stand where in the demo's city, from the same roster files that are imported. Reads, never writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manyi.core.roster.check import check

FOLDER = Path(__file__).parent / "city"
NAME = ("岱州市", "Daizhou")

Names = tuple[str, str]  # 中文, English


@dataclass(frozen=True, slots=True)
class Place:
    box: str
    hall: str
    hall_name: Names
    window_name: Names


def places(folder: Path = FOLDER) -> list[Place]:
    """Every box of the roster with a window, in the roster's order. The roster is the repository's own: a
    problem in it is a bug."""
    report = check(folder)
    if not report.ok:
        raise ValueError(report.text("en"))
    offices: dict[str, Mapping[str, Any]] = {
        body["id"]: body for kind, body in report.facts if kind == "office"
    }
    found: dict[str, Place] = {}
    for kind, body in report.facts:
        if kind == "placement" and body["window"]:
            window = offices[body["window"]]
            hall = offices[window["parent"]]
            found[body["box"]] = Place(body["box"], hall["id"], _names(hall), _names(window))
    return list(found.values())


def halls(where: list[Place]) -> dict[str, Names]:
    """Every hall that has a box, in order."""
    return {place.hall: place.hall_name for place in where}


def _names(office: Mapping[str, Any]) -> Names:
    return office["zh"], office["en"] or office["zh"]
