"""The wall as one scope may see it, and of that what one picture holds: pure, and the only place where a picture is cut
down. It refuses to pass on anything it does not know: a new part of the snapshot is the whole city's until it is named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from manyi.core.rates import NOTHING, tally
from manyi.office.access.scope import Scope

# Parts that are the same for everybody.
COMMON = ("now_ms", "day", "city", "projected_ms")
# What of a rating names a person who is rated or who took note; the leader to be called is no secret of the wall.
PERSONAL = ("staff", "staff_name", "staff_name_en", "known_by")
# Of the alarms that somebody may see: a wall turns its page every six seconds, and nobody waits for more pages than these.
ALARMS_MOST = 50
SUMS = ("pressed", "stored", "waiting", "lost", "unknown", "forked")


@dataclass(frozen=True, slots=True)
class Own:
    """A scope's boxes, and their account."""

    boxes: frozenset[str]
    account: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Around:
    """What a snapshot does not say itself: where each box stands (county, hall), and each box's line of the account."""

    places: Mapping[str, tuple[str, str]]
    lines: Sequence[Mapping[str, Any]]
    _own: dict[Scope, Own] = field(default_factory=dict)

    def own(self, scope: Scope) -> Own:
        """Looked for once: a city's boxes are many, and a picture is cut down for every county five times a second."""
        if scope not in self._own:
            boxes = frozenset(
                box for box, (county, hall) in self.places.items() if scope.sees_hall(hall, county)
            )
            self._own[scope] = Own(boxes, account(self.lines, boxes))
        return self._own[scope]


def lens(scope: Scope) -> Scope:
    """Scopes that see the same wall are equal through it."""
    return replace(scope, staff="")


def is_whole(scope: Scope) -> bool:
    """Whether nothing has to be cut away."""
    return scope.whole_city and scope.sees_persons


def narrow(snapshot: Mapping[str, Any], scope: Scope, around: Around) -> dict[str, Any]:
    """The same shape as the snapshot, with nothing of a place or a person that the scope may not see."""
    if is_whole(scope):
        return dict(snapshot)
    rows = [row for row in snapshot["latest"] if scope.sees_hall(row["hall"], row["county"])]
    if not scope.sees_persons:
        rows = [{key: value for key, value in row.items() if key not in PERSONAL} for row in rows]
    if scope.whole_city:
        return {**snapshot, "latest": rows}
    own = around.own(scope)
    mine = own.boxes
    counties = [c for c in (_county(county, scope) for county in snapshot["counties"]) if c is not None]
    silent = [box for box in snapshot["boxes"]["silent"] if _name(box) in mine]
    return {
        **{key: snapshot[key] for key in COMMON if key in snapshot},
        "total": {key: counties[0][key] for key in snapshot["total"]} if counties else tally(NOTHING),
        "counties": counties,
        "latest": rows,
        "boxes": {"online": len(mine) - len(silent), "known": len(mine), "silent": silent},
        "account": own.account,
        "alarms": [alarm for alarm in snapshot["alarms"] if _concerns(alarm, scope, mine)],
    }


def framed(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What goes to a screen, already narrowed: the alarms that matter most, and how many more there are."""
    alarms = snapshot["alarms"]
    return {
        **snapshot,
        "alarms": alarms[:ALARMS_MOST],
        "alarms_more": max(0, len(alarms) - ALARMS_MOST),
    }


def account(lines: Iterable[Mapping[str, Any]], mine: Set[str]) -> dict[str, Any]:
    """The account of these boxes. What the wall shows of it is known for the whole city alone, and left out."""
    own = [line for line in lines if line["box"] in mine]
    return {key: sum(int(line.get(key, 0)) for line in own) for key in SUMS} | {
        "ok": all(line["ok"] for line in own)
    }


def narrow_account(
    told: Mapping[str, Any], scope: Scope, places: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    """/api/account as the scope may see it."""
    if scope.whole_city:
        return dict(told)
    own = Around(places, told["boxes"]).own(scope)
    return {**own.account, "boxes": [line for line in told["boxes"] if line["box"] in own.boxes]}


def _county(county: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
    """All of it; or, for a hall, the county's name over that hall's figures; or nothing."""
    if scope.sees_county(county["id"]):
        return dict(county)
    if not scope.hall:
        return None
    halls = [hall for hall in county["halls"] if scope.sees_hall(hall["id"], county["id"])]
    if not halls:
        return None
    names = {key: county[key] for key in ("id", "name", "name_en")}
    return {**halls[0], **names, "halls": halls}


def _concerns(alarm: Mapping[str, Any], scope: Scope, mine: Set[str]) -> bool:
    """An alarm that names no box and no place is about the centre."""
    if alarm.get("box"):
        return alarm["box"] in mine
    if alarm.get("hall"):
        return scope.sees_hall(str(alarm["hall"]), str(alarm.get("county", "")))
    return bool(alarm.get("county")) and scope.sees_county(str(alarm["county"]))


def _name(box: Any) -> str:
    return box if isinstance(box, str) else str(box.get("box", ""))
