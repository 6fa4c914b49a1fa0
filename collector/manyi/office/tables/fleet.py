"""Tables of boxes: how each is, what its account says; and visits that nobody rated, where a queue system tells visits.

They are as of now, over all of a box's life, not of a period: visits alone have one. It refuses to call a box healthy that
has not spoken, and to guess visits: a window without a queue system has no line.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from manyi.core import account, figures, fleet
from manyi.core.account import Line
from manyi.office.tables.books import Ask, Books
from manyi.office.tables.model import Cell, Column, Kind, Table
from manyi.office.tables.units import named, share

_BEATS = """
SELECT s.box, s.fw, b.rssi, b.depth, b.room, b.clock, b.stuck, b.heap, b.erases, b.faults,
  b.config FROM (SELECT box, fw FROM state UNION ALL
    SELECT box, '' FROM beat WHERE box NOT IN (SELECT box FROM state) GROUP BY box) s
LEFT JOIN (SELECT *, max(at_ms) FROM beat GROUP BY box) b ON b.box = s.box"""


def mine(books: Books, ask: Ask, box: str) -> bool:
    """Whether the box stands within the table's places now. One in store is the whole city's."""
    return ask.covers(books.roster.where(box, books.now_ms))


def lines(books: Books, ask: Ask) -> list[Line]:
    """The account of those boxes."""
    found = account.read(books.ledger, books.now_ms, books.silent_ms)
    return [line for line in found.lines if mine(books, ask, line.box)]


def boxes(books: Books, ask: Ask) -> Table:
    told = {row[0]: row[1:] for row in books.ledger.execute(_BEATS)}
    found = fleet.look(books.ledger, books.roster, books.now_ms, books.silent_ms)
    wanted = {box: known for box, known in found.items() if mine(books, ask, box)}
    columns = [
        *_place_columns(),
        Column(_("State"), Kind.text, width=10),
        Column(_("Last heard"), Kind.moment),
        Column(_("Firmware"), Kind.text, width=10),
        Column(_("Signal, dBm")),
        Column(_("Waiting records")),
        Column(_("Room, records")),
        Column(_("Clock"), Kind.text, width=8),
        Column(_("Keys held down"), Kind.text, width=14),
        Column(_("Free memory, bytes")),
        Column(_("Blocks erased")),
        Column(_("Faulty slots")),
        Column(_("Settings"), Kind.text, width=10),
    ]
    rows: list[list[Cell]] = []
    for box, known in wanted.items():
        fw, *beat = told.get(box, ("", *[None] * 9))
        state = _("Online") if known.online else _("Silent") if known.counted else _("In store")
        rows.append([*_place(books, box), state, known.heard_ms, fw, *_beat(beat)])
    counted = [known.online for known in wanted.values() if known.counted]
    said = _("{online} of {known} boxes online. As of now, wherever each box stands today.")
    return Table(columns, rows, None, (said.format(online=sum(counted), known=len(counted)),))


def _beat(beat: list[int | str | None]) -> list[Cell]:
    rssi, depth, room, clock, stuck, heap, erases, faults, config = beat
    if depth is None:
        return [None] * 9
    held = [
        name for bit, name in enumerate((_("Green"), _("Yellow"), _("Red"))) if int(stuck or 0) >> bit & 1
    ]
    refused = str(config or "").startswith("!")
    return [
        rssi or None, depth, room, _("set") if clock else _("not set"), " ".join(held), heap, erases, faults,
        _("refused") if refused else config or "",
    ]  # fmt: skip


def accounts(books: Books, ask: Ask) -> Table:
    found = lines(books, ask)
    columns = [
        *_place_columns(),
        Column(_("Presses counted by the box")),
        Column(_("Stored")),
        Column(_("On side branches")),
        Column(_("Waiting in the box")),
        Column(_("Lost, box")),
        Column(_("Lost, centre")),
        Column(_("Unknown, at most")),
        Column(_("Lives")),
        Column(_("Adds up"), Kind.text, width=10),
    ]
    rows = [[*_place(books, line.box), *_account(line)] for line in found]
    total = [_("Total"), "", "", "", *_account(account.added("", found))] if found else None
    said = _("Counted = stored + waiting + lost, for each box since it was first used; not of a period.")
    return Table(columns, rows, total, (said,))


def _account(line: Line) -> list[Cell]:
    return [
        line.pressed, line.stored, line.forked, line.waiting, line.lost_box, line.lost_centre, line.unknown, line.lives,
        _("yes") if line.ok else _("NO"),
    ]  # fmt: skip


def visits(books: Books, ask: Ask) -> Table:
    found = (
        {} if books.visits is None else figures.visited(books.visits, ask.period.begin_ms, ask.period.end_ms)
    )
    columns = [
        Column(_("County"), Kind.text, width=18),
        Column(_("Hall"), Kind.text, width=24),
        Column(_("Window"), Kind.text, width=18),
        Column(_("Visits")),
        Column(_("Rated")),
        Column(_("Unrated")),
        Column(_("Share that rated"), Kind.rate),
        Column(_("Ratings beyond visits")),
        Column(_("Days with visits")),
    ]
    rows: list[list[Cell]] = []
    sums = [0, 0, 0]
    places = sorted((books.roster.place(window), window) for window in found)
    for place, window in places:
        if not ask.covers(place):
            continue
        told, rated, surplus, days = found[window]
        sums = [sums[0] + told, sums[1] + rated, sums[2] + surplus]
        names = [named(books, place.county), named(books, place.hall), named(books, window)]
        rows.append([*names, told, rated, told - rated, share(rated, told), surplus, days])
    total: list[Cell] = [
        _("Total"), "", "", sums[0], sums[1], sums[0] - sums[1], share(sums[1], sums[0]), sums[2], None,
    ]  # fmt: skip
    said = _("Only windows whose queue system tells visits. An unrated visit is never counted as any level.")
    return Table(columns, rows, total if rows else None, (said,))


def _place_columns() -> list[Column]:
    return [
        Column(_("Box"), Kind.text, width=16),
        Column(_("County"), Kind.text, width=18),
        Column(_("Hall"), Kind.text, width=24),
        Column(_("Window"), Kind.text, width=18),
    ]


def _place(books: Books, box: str) -> list[Cell]:
    place = books.roster.where(box, books.now_ms)
    if not place.window:
        return [box, _("In store"), "", ""]
    return [box, named(books, place.county), named(books, place.hall), named(books, place.window)]
