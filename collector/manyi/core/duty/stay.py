"""A stay of somebody at a window, or of a leader in charge of a hall, as a system told it: which word on it counts, and how
stays lie in a ledger row. Pure.

So that order does not matter, and a message told again changes nothing: of two words on one id the higher `rev` counts; at
the same `rev` a sign-in may gain its sign-out and nothing else. It refuses to guess what a contradiction meant.
"""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from manyi.core.ledger.facts import salted

KIND: Final = "signin"


class Stay(NamedTuple):
    """`place` and `who`: a window and the staff id of who sat there; with `tel`, a hall, and the name and telephone of who led
    it. `within`: of a place that the roster did not know, the counties and halls it may turn out to lie in; none: any.
    """

    id: str
    rev: int
    place: str
    who: str
    from_ms: int
    to_ms: int | None
    withdrawn: int = 0
    within: tuple[str, ...] = ()
    tel: str | None = None


OF_STAFF: Final = 8  # fields of a stay at a window, as rows have always held it


class Contradiction(Exception):
    """The same id and rev with something else."""


def newer(told: Stay, known: Stay | None) -> bool:
    """Whether what is told replaces what is known; False: it is known, or older. Raises Contradiction."""
    if known is None or told.rev > known.rev:
        return True
    told, known = told._replace(within=()), known._replace(within=())
    if told.rev < known.rev or told == known or told == known._replace(to_ms=None):
        return False
    if known == told._replace(to_ms=None):
        return True
    raise Contradiction


def stay(
    name: str,
    rev: int,
    place: str,
    who: str,
    from_ms: int,
    to_ms: int | None,
    withdrawn: int,
    within: Sequence[str],
    tel: str | None = None,
) -> Stay:
    """As a row's body or a store has it. Raises TypeError for another number of values."""
    return Stay(name, rev, place, who, from_ms, to_ms, withdrawn, tuple(within), tel)


def body(source: str, stays: Sequence[Stay]) -> bytes:
    """Of a ledger row. It names persons."""
    told = [list(one[:OF_STAFF] if one.tel is None else one) for one in stays]
    return salted({"source": source, "stays": told})


def said(raw: bytes) -> tuple[str, list[Stay]]:
    """Source and stays of a row's body; nothing if it cannot be read."""
    try:
        fact = json.loads(raw)
        return str(fact["source"]), [stay(*one) for one in fact["stays"]]
    except (ValueError, KeyError, TypeError, IndexError):
        return "", []
