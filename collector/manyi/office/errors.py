"""What can go wrong in the office, split by who must act.

OfficeError
├── SourceDown     the operator: a store cannot be read; the reason says which one
├── HallUnknown    the visitor: no such hall in the roster
└── TooManyStreams the visitor: every place at the server is taken; come back later
"""

from __future__ import annotations


class OfficeError(Exception):
    """Any error the office raises itself; anything else is a bug."""


class SourceDown(OfficeError):
    """A store cannot be read now."""


class HallUnknown(OfficeError):
    """The roster has no such hall."""


class TooManyStreams(OfficeError):
    """MAX_STREAMS clients are connected already."""
