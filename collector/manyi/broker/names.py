"""Names of accounts on the broker, and how this package speaks to people.

An account is a box or one of ours. Ours contain an underscore, which no box id may (docs/WIRE.md), so
that no box can ever be enrolled under the name of a service.
"""

from manyi.core.errors import SetupError
from manyi.core.keys import BOX_ID

COLLECTOR = "manyi_collector"
WINDOW = "manyi_window"
SERVICES = (COLLECTOR, WINDOW)


def both(zh: str, en: str) -> str:
    """One line for people: Chinese first, then English."""
    return f"{zh} / {en}"


class BrokerError(SetupError):
    """The administrator has to change something first. Carries every problem found, not only the first."""


def is_account(user: str) -> bool:
    """Whether somebody of this name belongs on the broker. A box's id is its user name and the ACL's `%u`."""
    return user in SERVICES or BOX_ID.fullmatch(user) is not None
