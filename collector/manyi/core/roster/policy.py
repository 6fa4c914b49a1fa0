"""The policy that figures depend on, as the ledger tells it: with a file alone a rebuild could differ.

A press is settled by the policy whose row is the newest before it. It refuses values that the wire refuses.
"""

import sqlite3

from manyi.core.ledger import facts as ledger_facts
from manyi.core.roster.facts import Body, Facts
from manyi.core.roster.rows import fact_rows

VISIT_MS = 5_000  # long enough to correct a slip, shorter than the next visitor's arrival
VISIT_MIN_MS, VISIT_MAX_MS = 2_000, 15_000  # the range of the wire's config


def visit_ms_of(body: Body) -> int:
    """`visit_ms` of a policy fact; the default where the fact leaves it out or is out of range."""
    value = body.get("visit_ms", VISIT_MS)
    return value if isinstance(value, int) and VISIT_MIN_MS <= value <= VISIT_MAX_MS else VISIT_MS


def state_policy(conn: sqlite3.Connection, at_ms: int, visit_ms: int) -> bool:
    """Puts the configured policy into the ledger if the newest one there differs; True if a row was appended.

    `conn` is a writing connection to the ledger. Raises ValueError if `visit_ms` is out of range.
    """
    if not VISIT_MIN_MS <= visit_ms <= VISIT_MAX_MS:
        raise ValueError(f"visit_ms must be {VISIT_MIN_MS} to {VISIT_MAX_MS}, not {visit_ms}")
    facts = Facts()
    for row in fact_rows(conn, ("policy",)):
        facts.apply(row)
    now = facts.of("policy")
    if visit_ms_of(now[0] if now else {}) == visit_ms:
        return False
    ledger_facts.append_facts(conn, at_ms, [("policy", {"visit_ms": visit_ms})])
    return True
