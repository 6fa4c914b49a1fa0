"""Every text that the screens' scripts show, translated here so that no script holds a word. It refuses to hold figures."""

from __future__ import annotations

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from manyi.office.access.scope import GRANTS, Action, Role

# Keys are the scripts' names for the texts; {x} is filled in by the script.


def common() -> dict[str, str]:
    """Texts of every screen."""
    return {
        "level1": _("Satisfied"),
        "level2": _("Basically satisfied"),
        "level3": _("Dissatisfied"),
        "stopped": _("Data stopped at {time}"),
        "never": _("No data received yet"),
        "lost": _("No contact with the server. Reconnecting…"),
        "behind": _("The server answers, but its figures have not moved since {time}."),
        "live": _("Live"),
        "waiting": _("Connecting"),
        "stale": _("Stopped"),
    }


def wall() -> dict[str, str]:
    """Texts of the live wall."""
    return common() | {
        "unassigned": _("Unassigned"),
        "nobody": _("Not signed in"),
        "page": _("{page} / {pages}"),
        "overview": _("All counties"),
        "interval": _("95% interval {low} – {high}"),
        "few": _("Too few"),
        "none": _("No ratings yet"),
        "share": _("{percent} of all"),
        "first": _("First press {n}"),
        "corrected": _("Changed"),
        "began": _("First: {level}"),
        "presses": _("{n} presses"),
        "prompted": _("Invited"),
        "about": _("Time approximate"),
        "quiet": _("No ratings yet today. The first press appears here at once."),
        "calm": _("No alarms"),
        "silent": _("Silent: {boxes}"),
        "more": _("and {n} more"),
        "balanced": _("Adds up"),
        "unbalanced": _("Does not add up"),
        "unknown": _("Unknown: at most {n}"),
        "undated": _("Without time yet {n}"),
        "forked": _("On side branches {n}"),
        "catching": _("Wall catching up: {n}"),
        "known": _("Known"),
        "mark": _("Mark as known"),
        "unmarked": _("Not marked"),
        "elsewhere": _("Mark in the collecting zone"),
        **_roles(),
    }


def _roles() -> dict[str, str]:
    """Of those who may mark a rating as known."""
    english = (get_language() or "").startswith("en")
    return {f"role_{role}": role.en if english else role.zh for role in Role if Action.known in GRANTS[role]}


def hall() -> dict[str, str]:
    """Texts of the public hall screen."""
    return common() | {
        "asof": _("Published at about {time}"),
        "nothing": _("Results appear here as soon as enough visitors have rated."),
        "collecting": _("More ratings are being collected."),
    }
