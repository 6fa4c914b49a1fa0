"""To whom and where a rating belongs: the place by the box, the person by badge, else by what a system
told of the window, else by the duty plan's stand-in for that time, else by its main person. Pure.

What a badge says is evidence of the day, the plan is only a plan, so the badge wins where both exist: from
the first badge record of a box on a day (Beijing time) its badge records alone decide, and after a sign-out
or the closing record nobody is signed in. A badge that no one holds is 未签到, and becomes somebody once the
roster says whose it is. On a day without one, and before the first, a system's sign-ins at the window decide
in the same way (ratings/signed.py); where none was told, the plan holds. The badge goes first because it was
laid on the box itself, into a chain that nobody can edit; a system's word is its operator's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from manyi.core.roster.facts import Body, Change
from manyi.core.roster.model import Roster


def staff_of(roster: Roster, window: str, time_ms: int, badge: str | None, signed: str | None) -> str:
    """Who a rating at this time belongs to; `badge` is the day's newest badge record at or before it.

    `badge` is None if there was none that day, "" if it signed out; `signed` is whom a system's sign-ins name, in the same
    way. Returns "" for 未签到.
    """
    if badge is not None:
        return roster.holder(badge) if badge else ""
    if signed is not None:
        return signed
    return roster.who(window, time_ms) if window else ""


@dataclass(frozen=True, slots=True)
class Touched:
    """Ratings that a roster change may concern: those of a box, or with a badge, from `from_ms` on, or those of the time in
    which a system told that `staff` was signed in; none of them means all.
    """

    box: str
    badge: str
    from_ms: int
    staff: str = ""


def touched(changes: Sequence[Change], before: Roster, after: Roster) -> list[Touched]:
    """What a set of roster changes may have re-attributed. Everything from a change on, because a row that
    comes, goes or moves also moves the end of an open row before it.
    """
    found: list[Touched] = []
    windows: dict[str, int] = {}  # first, because a year's plan has thousands of rows to a window
    for change in changes:
        old, new = change.old, change.new
        match change.kind:
            case "placement":
                found.append(Touched(new["box"], "", new["from_ms"]))
            case "duty" | "cover":
                windows[new["window"]] = min(new["from_ms"], windows.get(new["window"], new["from_ms"]))
            case "staff":
                badges = {new["badge"], "" if old is None else old["badge"]} - {""}
                if old is None or old["badge"] != new["badge"]:
                    found += [Touched("", badge, 0) for badge in sorted(badges)]
                if old is None:
                    found.append(Touched("", "", 0, new["id"]))
            case "office":
                if old is not None and _tree(old) != _tree(new):
                    return [Touched("", "", 0)]
    for window, from_ms in windows.items():
        boxes = before.boxes_at(window) | after.boxes_at(window)
        found += [Touched(box, "", from_ms) for box in sorted(boxes)]
    earliest: dict[tuple[str, str, str], int] = {}
    for t in found:
        key = (t.box, t.badge, t.staff)
        earliest[key] = min(t.from_ms, earliest.get(key, t.from_ms))
    return [Touched(box, badge, from_ms, staff) for (box, badge, staff), from_ms in earliest.items()]


def _tree(body: Body) -> tuple[str, str]:
    return body["tier"], body["parent"]
