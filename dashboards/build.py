"""Writes out/{zh,en}/*.json and provisioning/alerting/*.yaml; with --check only says whether they are what is committed.

In viewing order: the wall, then down to a window, then what makes it run. Refuses the names of a city's
counties and halls: `manyi grafana write` fills them in.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import alerts
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


class _Plain(yaml.SafeDumper):
    """Without anchors: a file that people read says things twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def files() -> dict[Path, str]:
    """Everything generated, by its path below this folder."""
    made = {}
    for t in (ZH, EN):
        for show in WALL:
            shown = show(t)
            text = json.dumps(shown, cls=JSONEncoder, ensure_ascii=False, indent=1, sort_keys=True)
            made[Path("out") / t.name / f"{show.__name__}.json"] = text + "\n"
    head = "# Made by `make dashboards` from dashboards/alerts.py: edit that.\n"
    for name, body in alerts.files().items():
        text = yaml.dump(body, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=100)
        made[Path("provisioning") / "alerting" / name] = head + text
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
