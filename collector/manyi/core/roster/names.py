"""What a place is called where nobody can point at it: in an alarm, on a telephone, on a wall of the whole city.

Many halls of a city have one name, so a hall's has its county before it, and a window's its hall: 松河县政务服务中心2号窗口.
A hall that is named after its county is not named twice. Refuses to call anything by an empty name.
"""

from __future__ import annotations

from typing import Final

from manyi.core.roster.model import Roster

MISSING: Final = ("未分配", "unassigned")
_KINDS: Final = ("县", "区", "市", "旗")  # 松河人社服务大厅 lies in 松河县
_KINDS_EN: Final = (" County", " District", " City", " Banner")


def named(roster: Roster, unit: str) -> tuple[str, str]:
    """In Chinese and English; the id of a unit that the roster lacks."""
    found = roster.units.get(unit)
    if found is None:
        return MISSING if not unit else (unit, unit)
    place, name = roster.place(unit), (found.zh, found.en or found.zh)
    if found.tier == "window" and (hall := roster.units.get(place.hall)) is not None:
        name = (f"{hall.zh}{name[0]}", f"{hall.en or hall.zh} {name[1]}")
    county = roster.units.get(place.county)
    if county is None or found.tier == "county":
        return name
    zh, en = county.zh, county.en or county.zh
    return (
        name[0] if _stem(zh) in name[0] else f"{zh}{name[0]}",
        name[1] if _stem_en(en) in name[1] else f"{_stem_en(en)}, {name[1]}",
    )


def standing(roster: Roster, box: str, at_ms: int) -> tuple[str, str]:
    """The name of the window at which a box stands."""
    return named(roster, roster.where(box, at_ms).window)


def _stem(county: str) -> str:
    return county[:-1] if len(county) > 2 and county.endswith(_KINDS) else county


def _stem_en(county: str) -> str:
    for kind in _KINDS_EN:
        county = county.removesuffix(kind)
    return county
