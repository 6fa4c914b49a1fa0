"""The roster: which box stands at which window, and who sits there, from when to when.

sources.py, csvs.py, workbooks.py (files to grids of cells), cells.py, headers.py and table.py (grids to rows of text),
times.py, layouts.py and entries.py (rows to facts, all errors at once), references.py, check.py (the files as
a whole), facts.py (the newest of each fact, and what changes), imports.py (the one that writes the ledger),
moves.py and differences.py (what an import would change), model.py (pure look-ups), rows.py and current.py (the
facts and the roster as the ledger has them now), policy.py (what figures depend on besides).
Facts in the ledger are the only source of the look-ups.
"""

from manyi.core.roster.check import Report, check
from manyi.core.roster.facts import Facts
from manyi.core.roster.imports import Imported, import_, preview
from manyi.core.roster.model import NOWHERE, Leader, Place, Roster, Unit
from manyi.core.roster.table import Problem

__all__ = [
    "NOWHERE", "Facts", "Imported", "Leader", "Place", "Problem", "Report", "Roster", "Unit", "check", "import_",
    "preview",
]  # fmt: skip
