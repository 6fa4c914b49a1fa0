"""Writes dashboards/out/{zh,en}/*.json, and with --check only says whether they are what is committed.

In viewing order: the wall, then down to a window, then what makes it run. Refuses to write anything but JSON: names of
a city's counties and halls are filled in by `manyi grafana write`.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.area import county, hall, windows
from dashboards.city import city
from dashboards.fleet import fleet
from dashboards.machine import account, system
from dashboards.peaks import peaks
from dashboards.theme import EN, ZH, Lang

FOLDER = Path(__file__).parent
OUT = FOLDER / "out"
WALL: tuple[Callable[[Lang], dict[str, Any]], ...] = (
    city, county, hall, windows, peaks, fleet, account, system,
)  # fmt: skip


def files() -> dict[Path, str]:
    """Everything generated, by its path below this folder."""
    made = {}
    for t in (ZH, EN):
        for show in WALL:
            shown = show(t)
            text = json.dumps(shown, cls=JSONEncoder, ensure_ascii=False, indent=1, sort_keys=True)
            made[Path("out") / t.name / f"{show.__name__}.json"] = text + "\n"
    return made


def main(arguments: list[str]) -> int:
    stale = 0
    for path, text in files().items():
        at = FOLDER / path
        if at.exists() and at.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(f"{'differs' if '--check' in arguments else 'wrote'} dashboards/{path}")
        if "--check" not in arguments:
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
