"""What the ledger's own check has found: one small file beside the ledger, written whole or not at all.

Written by the service's check (checking.py); read by the wall's alarms, `manyi doctor` and the auditor's page. Refuses to
forget a finding: only a check of the whole ledger that finds nothing takes it back.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from manyi.core import whole


@dataclass(frozen=True, slots=True)
class Whole:
    """The last check of every row from the first that found nothing: up to `row`, whose chain hash is `hash`."""

    began_ms: int
    ended_ms: int
    row: int
    hash: str
    records: int
    roots: int
    notes: tuple[str, ...] = ()
    """What `manyi verify` notes besides, the newest last: forks, gaps, a clock that was set back."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first row that is not what was written; 0: not a row, but what is counted beside the rows. `box`: whose it is, if
    any box's."""

    found_ms: int
    row: int
    what: str
    box: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """`row`: how far the check that began at `began_ms` has come (0: none runs)."""

    whole: Whole | None = None
    broken: Broken | None = None
    began_ms: int = 0
    row: int = 0


def read(path: Path) -> Checked:
    """Nothing if there is no such file, or none of ours: then nothing is known to have been checked."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        held, broken = told["whole"], told["broken"]
        return Checked(
            Whole(**{**held, "notes": tuple(held["notes"])}) if held else None,
            Broken(**broken) if broken else None,
            told["began_ms"],
            told["row"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Checked()


def write(path: Path, checked: Checked) -> None:
    """Raises OSError."""
    whole.write(path, json.dumps(asdict(checked), ensure_ascii=False).encode(), 0o640)
