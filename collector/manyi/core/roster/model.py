"""Where a box stood and who sat there: pure look-ups over the facts of the ledger.

Unknown is an empty id, shown as 未分配 (place) or 未签到 (staff). It refuses to guess: no last known place,
no usual clerk. A duty row holds until its end, and one without an end until the next row of its window
begins.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from manyi.core.roster.facts import Body, FactRow, Facts

T = TypeVar("T")

TIERS = ("county", "township", "hall", "window")
MAX_DEPTH = len(TIERS)  # steps from a window to its county at most; also stops at a loop


class Place(NamedTuple):
    county: str
    township: str
    hall: str
    window: str


NOWHERE = Place("", "", "", "")


@dataclass(frozen=True, slots=True)
class Unit:
    id: str
    tier: str
    parent: str
    zh: str
    en: str
    tel: str


@dataclass(frozen=True, slots=True)
class Staff:
    id: str
    zh: str
    en: str
    badge: str


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads a hall at a time, and how to reach them. For the centre only: no public screen shows it."""

    zh: str
    tel: str


@dataclass(frozen=True, slots=True)
class Business:
    """A business type. `unit`: the county or hall that has it; "": all."""

    code: int
    zh: str
    en: str
    unit: str


@dataclass(frozen=True, slots=True)
class _Course(Generic[T]):
    """What held from when on: `starts` ascending, one (value, end or None) each."""

    starts: tuple[int, ...]
    values: tuple[tuple[T, int | None], ...]

    def at(self, time_ms: int) -> T | None:
        i = bisect_right(self.starts, time_ms) - 1
        if i < 0:
            return None
        value, ends = self.values[i]
        return value if ends is None or time_ms < ends else None


class Roster:
    """The roster as of one moment of recorded time. Immutable."""

    def __init__(self, facts: Facts) -> None:
        self.units = {u.id: u for u in map(_unit, facts.of("office"))}
        self.staff = {s.id: s for s in map(_staff, facts.of("staff"))}
        self._holders = {s.badge: s.id for s in self.staff.values() if s.badge}
        self.business = {b.code: b for b in map(_business, facts.of("business"))}
        self._places = _courses(facts.of("placement"), "box", lambda b: str(b["window"]))
        self._duty = _courses(facts.of("duty"), "window", lambda b: str(b["staff"]))
        self._cover = _courses(facts.of("cover"), "window", lambda b: str(b["staff"]))
        self._leaders = _courses(facts.of("leader"), "hall", lambda b: Leader(b["zh"], b["tel"]))
        self._place_of = {u.id: self._climb(u) for u in self.units.values()}

    @classmethod
    def from_facts(cls, rows: Iterable[FactRow], as_of_row: int | None = None) -> "Roster":
        """The roster that the ledger's rows tell, in their order; only rows up to `as_of_row` if that is
        given.
        """
        facts = Facts()
        for row in rows:
            if as_of_row is None or row.id <= as_of_row:
                facts.apply(row)
        return cls(facts)

    def where(self, box: str, time_ms: int) -> Place:
        course = self._places.get(box)
        return NOWHERE if course is None else self._place_of.get(course.at(time_ms) or "", NOWHERE)

    def place(self, unit: str) -> Place:
        """Where an office of any tier lies, itself included."""
        return self._place_of.get(unit, NOWHERE)

    def has(self, unit: str, tier: str) -> bool:
        found = self.units.get(unit)
        return found is not None and found.tier == tier

    def who(self, window: str, time_ms: int) -> str:
        """The staff id by the duty plan, a stand-in before the main; "" if nobody is known."""
        return _at(self._cover, window, time_ms) or _at(self._duty, window, time_ms) or ""

    def leader(self, hall: str, time_ms: int) -> Leader | None:
        """The leader on duty; None if nobody is known. For the centre only."""
        return _at(self._leaders, hall, time_ms)

    def holder(self, badge: str) -> str:
        """The staff id with this badge (hex); "" if nobody is known."""
        return self._holders.get(badge, "")

    def business_code(self, name: str, window: str) -> int:
        """The code of the business type of this name, Chinese or English, at a window: its hall's own before its county's
        before the city's; 0 if there is none.
        """
        place = self.place(window)
        named = {b.unit: b.code for b in self.business.values() if name and name in (b.zh, b.en)}
        return next(
            (named[unit] for unit in (place.hall or "-", place.county or "-", "") if unit in named), 0
        )

    @property
    def boxes(self) -> frozenset[str]:
        """Every box that was ever placed."""
        return frozenset(self._places)

    def boxes_at(self, window: str) -> set[str]:
        """Every box that ever stood at the window."""
        return {box for box, c in self._places.items() if any(value == window for value, _ in c.values)}

    def _climb(self, unit: Unit) -> Place:
        found: dict[str, str] = {}
        step: Unit | None = unit
        for _ in range(MAX_DEPTH):
            if step is None:
                break
            found.setdefault(step.tier, step.id)
            step = self.units.get(step.parent)
        return Place(*(found.get(tier, "") for tier in TIERS))


def _unit(b: Body) -> Unit:
    return Unit(b["id"], b["tier"], b["parent"], b["zh"], b["en"], b["tel"])


def _staff(b: Body) -> Staff:
    return Staff(b["id"], b["zh"], b["en"], b["badge"])


def _business(b: Body) -> Business:
    return Business(b["code"], b["zh"], b["en"], b["unit"])


def _courses(bodies: list[Body], key: str, value: Callable[[Body], T]) -> dict[str, _Course[T]]:
    rows: dict[str, list[tuple[int, T, int | None]]] = {}
    for b in bodies:
        rows.setdefault(b[key], []).append((b["from_ms"], value(b), b.get("to_ms")))
    return {
        k: _Course(tuple(r[0] for r in sorted_), tuple((r[1], r[2]) for r in sorted_))
        for k, found in rows.items()
        if (sorted_ := sorted(found, key=lambda r: r[0]))
    }


def _at(courses: dict[str, _Course[T]], key: str, time_ms: int) -> T | None:
    course = courses.get(key)
    return None if course is None else course.at(time_ms)
