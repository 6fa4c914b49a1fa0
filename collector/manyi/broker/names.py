"""Names of accounts on the broker, and the error that its administrator gets.

An account is a box or one of ours. Ours contain an underscore, which no box id may (docs/WIRE.md), so
that no box can ever be enrolled under the name of a service.
"""

import re

BOX = re.compile(r"(?!(?:visits|duty)\Z)[a-z0-9][a-z0-9-]{2,23}")
"""A box id, as docs/WIRE.md has it: its user name on the broker, and the `%u` of the access list. Not the two topics of
other systems: its records would be heard by nobody."""

COLLECTOR = "manyi_collector"
WINDOW = "manyi_window"
VISITS = "manyi_visits"
"""Hears queue and personnel systems and invites ratings; the collector's, with a session of its own."""
DOCTOR = "doctor"
"""`manyi doctor` goes the whole way as this box, which has no key of presses: made with `manyi broker add doctor`."""
DOCTOR_FILE = "doctor.jsonl"
"""Its credentials, beside the collector's password."""
SERVICES = (COLLECTOR, WINDOW, VISITS)
SYSTEM = re.compile(r"(?:queue|hr)_[a-z0-9][a-z0-9-]{0,23}")
"""A queue or personnel system that tells visits or sign-ins (docs/VISITS.md): made with `manyi broker add`, given no keys."""


class BrokerError(Exception):
    """The administrator has to change something first. Carries every problem found, not only the first."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def is_account(user: str) -> bool:
    """Whether somebody of this name belongs on the broker."""
    return user in SERVICES or any(form.fullmatch(user) for form in (BOX, SYSTEM))
