"""To whom and where a rating belongs: the place by the box, the person by badge, else by the duty plan's
stand-in for that time, else by its main person. Pure.

What a badge says is evidence of the day, the plan is only a plan, so the badge wins where both exist: from
the first badge record of a box on a day (Beijing time) its badge records alone decide, and after a sign-out
or the closing record nobody is signed in. On a day without one, and before the first, the plan holds. A
badge that no one holds is 未签到, and becomes somebody once the roster says whose it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from manyi.core.roster.facts import Body, Change
from manyi.core.roster.model import Roster

DAY_MS = 86_400_000
BEIJING_MS = 8 * 3_600_000


def day_begin(time_ms: int) -> int:
    """Unix ms at which the Beijing day of `time_ms` began."""
    return time_ms - (time_ms + BEIJING_MS) % DAY_MS


def day_of(time_ms: int) -> int:
    """The Beijing day as a number of days since 1970-01-01."""
    return (time_ms + BEIJING_MS) // DAY_MS


def staff_of(roster: Roster, window: str, time_ms: int, badge: str | None) -> str:
    """Who a rating at this time belongs to; `badge` is the day's newest badge record at or before it.

    `badge` is None if there was none that day, "" if it signed out. Returns "" for 未签到.
    """
    if badge is not None:
        return roster.holder(badge) if badge else ""
    return roster.who(window, time_ms) if window else ""


@dataclass(frozen=True, slots=True)
class Touched:
    """Ratings that a roster change may concern: those of a box, or with a badge, from `from_ms` on;
    neither means all.
    """

    box: str
    badge: str
    from_ms: int


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
            case "office":
                if old is not None and _tree(old) != _tree(new):
                    return [Touched("", "", 0)]
    for window, from_ms in windows.items():
        boxes = before.boxes_at(window) | after.boxes_at(window)
        found += [Touched(box, "", from_ms) for box in sorted(boxes)]
    earliest: dict[tuple[str, str], int] = {}
    for t in found:
        earliest[t.box, t.badge] = min(t.from_ms, earliest.get((t.box, t.badge), t.from_ms))
    return [Touched(box, badge, from_ms) for (box, badge), from_ms in earliest.items()]


def _tree(body: Body) -> tuple[str, str]:
    return body["tier"], body["parent"]
