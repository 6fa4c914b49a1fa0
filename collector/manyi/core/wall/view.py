"""What the screens read from wall.db: the centre's wall, and a hall's released batches. Refuses to write.

Units that the roster does not know appear under the id "" as 未分配; nothing is dropped to look tidy. The
hall's view is made from batches alone: it cannot tell persons, windows, order or the newest press, because
it does not read them.
"""

import json
import sqlite3
from datetime import date, timedelta
from typing import Any

from manyi.core import stores
from manyi.core.days import day_of
from manyi.core.rates import FIELDS, NOTHING, tally
from manyi.core.visits import view as visits_view
from manyi.core.visits.store import Counts as VisitCounts
from manyi.core.wall.latest import LATEST

UNASSIGNED = {"id": "", "name": "未分配", "name_en": "Unassigned"}
NO_ACCOUNT = {"pressed": 0, "stored": 0, "waiting": 0, "lost": 0, "unknown": 0, "shown": 0, "ok": True}
_FIELDS = ",".join(FIELDS)
_LATEST = """
SELECT l.id, l.time_ms, l.body, coalesce(u.zh, ''), coalesce(u.en, ''), coalesce(s.zh, ''), coalesce(s.en, ''),
  CASE WHEN l.red THEN coalesce(h.tel, '') ELSE '' END, l.leader, l.leader_tel
FROM latest l LEFT JOIN unit u ON u.id = json_extract(l.body, '$.window')
LEFT JOIN unit h ON h.id = json_extract(l.body, '$.hall')
LEFT JOIN staff s ON s.id = json_extract(l.body, '$.staff')
WHERE l.id IN (SELECT id FROM latest {only} ORDER BY time_ms DESC, id DESC LIMIT ?)
ORDER BY l.time_ms DESC, l.id DESC"""
_ONLY = {"": "", "county": "WHERE county = ?", "hall": "WHERE hall = ?"}

Counts = tuple[int, ...]


def snapshot(conn: sqlite3.Connection, now_ms: int) -> dict[str, Any]:
    """The whole city at `now_ms`, today being Beijing's. `conn` reads wall.db."""
    conn.execute("BEGIN")  # one moment for everything on the screen
    try:
        return _snapshot(conn, now_ms)
    finally:
        conn.execute("COMMIT")


def hall_snapshot(conn: sqlite3.Connection, hall: str, now_ms: int) -> dict[str, Any] | None:
    """What a hall's own screen may show of today; None if the roster knows no such hall."""
    found = conn.execute("SELECT zh, en FROM unit WHERE id = ? AND tier = 'hall'", (hall,)).fetchone()
    if found is None:
        return None
    day = day_of(now_ms)
    n, s, b, d, batches, newest = conn.execute(
        "SELECT coalesce(sum(n), 0), coalesce(sum(s), 0), coalesce(sum(b), 0), coalesce(sum(d), 0), count(*), max(at_ms)"
        " FROM batch WHERE hall = ? AND day = ?",
        (hall, day),
    ).fetchone()
    waiting = conn.execute("SELECT waiting FROM pool WHERE hall = ? AND day = ?", (hall, day)).fetchone()
    return {
        "hall": hall,
        "name": found[0],
        "name_en": found[1],
        "day": _iso(day),
        "released": {"n": n, "level": [s, b, d]},
        "batches": batches,
        "waiting_hint": waiting is not None and waiting[0] > 0,
        "as_of_batch_ms": newest,
    }


def latest(conn: sqlite3.Connection, tier: str = "", unit: str = "") -> list[dict[str, Any]]:
    """The newest ratings of the city, or of one unit of the tier "county" or "hall"."""
    only = (unit,) if tier else ()
    return [_entry(*row) for row in conn.execute(_LATEST.format(only=_ONLY[tier]), (*only, LATEST))]


def shown(conn: sqlite3.Connection) -> int:
    """The sum of presses of all ratings on the wall, over all days."""
    return int(conn.execute("SELECT coalesce(sum(presses), 0) FROM tally").fetchone()[0])


def _snapshot(conn: sqlite3.Connection, now_ms: int) -> dict[str, Any]:
    day = day_of(now_ms)
    health = json.loads(stores.get(conn, "health", "{}"))
    counted = int(stores.get(conn, "shown", "0"))
    visited = visits_view.of_today(stores.get(conn, "visits"), day)
    counties, total = _counties(conn, day, visited)
    return {
        "now_ms": now_ms,
        "day": _iso(day),
        "city": json.loads(stores.get(conn, "city", '{"zh":"","en":""}')),
        "total": tally(total) | visits_view.shown(visited.values()),
        "counties": counties,
        "latest": latest(conn),
        "boxes": health.get("boxes", {"online": 0, "known": 0, "silent": []}),
        "account": NO_ACCOUNT | {"shown": counted} | health.get("account", {}),  # one look, one line
        "alarms": health.get("alarms", []),
        "projected_ms": int(stores.get(conn, "projected_ms", "0")),
    }


def _counties(
    conn: sqlite3.Connection, day: int, visited: dict[str, VisitCounts]
) -> tuple[list[dict[str, Any]], Counts]:
    """Every county with its halls and tallies, and the city's total. The unassigned come last, if there
    are any.
    """
    counts: dict[tuple[str, str], Counts] = {
        (row[0], row[1]): row[2:]
        for row in conn.execute(f"SELECT county, hall, {_FIELDS} FROM tally WHERE day = ?", (day,))
        if row[2]
    }
    units = {
        row[0]: row
        for row in conn.execute(
            "SELECT id, tier, parent, zh, en FROM unit WHERE tier <> 'window' ORDER BY id"
        )
    }
    halls: dict[str, dict[str, Counts]] = {unit[0]: {} for unit in units.values() if unit[1] == "county"}
    for unit_id, tier, parent, *_ in units.values():
        if tier == "hall":
            above = units.get(parent)
            county = above[2] if above is not None and above[1] == "township" else parent
            halls.setdefault(county, {})[unit_id] = NOTHING
    for (county, hall), row in counts.items():
        halls.setdefault(county, {})[hall] = row
    shown_counties = []
    for county, own in halls.items():
        inside = [
            {**_named(units.get(hall)), **tally(row), **visits_view.shown([visited.get(hall)])}
            for hall, row in own.items()
        ]
        known = visits_view.shown(visited.get(hall) for hall in own)
        shown_counties.append(
            {**_named(units.get(county)), **tally(_sum(own.values())), **known, "halls": inside}
        )
    shown_counties.sort(key=lambda c: c["id"] == "")
    return shown_counties, _sum(counts.values())


def _named(unit: Any) -> dict[str, Any]:
    return dict(UNASSIGNED) if unit is None else {"id": unit[0], "name": unit[3], "name_en": unit[4]}


def _sum(rows: Any) -> Counts:
    return tuple(map(sum, zip(NOTHING, *rows, strict=True)))


def _entry(
    rating: str, time_ms: int, body: str, window: str, window_en: str, staff: str, staff_en: str, tel: str,
    leader: str, leader_tel: str,
) -> dict[str, Any]:  # fmt: skip
    """Whom to call is asked of reds alone."""
    return {
        "id": rating,
        "time_ms": time_ms,
        **json.loads(body),
        "window_name": window,
        "window_name_en": window_en,
        "staff_name": staff,
        "staff_name_en": staff_en,
        "phone": tel,
        "leader": leader,
        "leader_phone": leader_tel,
    }


def _iso(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
