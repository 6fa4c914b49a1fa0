"""The roster: which box stands at which window, and who sits there, from when to when.

table.py (files to rows of text), entries.py (rows to facts, all errors at once), check.py (a folder as a
whole), facts.py (the newest of each fact, and what changes), imports.py (the one that writes the ledger),
model.py (pure look-ups), policy.py (what figures depend on besides). Facts in the ledger are the only
source of the look-ups.
"""

from manyi.core.roster.check import Report, check
from manyi.core.roster.facts import Facts
from manyi.core.roster.imports import Imported, import_
from manyi.core.roster.model import NOWHERE, Place, Roster, Unit
from manyi.core.roster.table import Problem

__all__ = ["NOWHERE", "Facts", "Imported", "Place", "Problem", "Report", "Roster", "Unit", "check", "import_"]
