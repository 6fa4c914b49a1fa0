"""A city's names put into a dashboard's JSON: variables, and what stands for an id in a table. Pure.

Grafana's data are ids; names are the roster's. Columns named county, hall and window get a value mapping, variables of
that name become lists "name : id". It refuses to touch a query: figures cannot depend on a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from manyi.core.roster.model import TIERS, Roster

UNKNOWN: Final = {"zh": "未分配", "en": "Unassigned"}
ALL: Final = {"zh": "全部", "en": "All"}
TABLES: Final = ("county", "township", "hall", "window")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """For each tier id → name, in the roster's order of ids; `choices` as they are told apart in a list."""

    lang: str
    of: Mapping[str, Mapping[str, str]]
    choices: Mapping[str, Mapping[str, str]]


def names(roster: Roster, lang: str) -> Names:
    of: dict[str, dict[str, str]] = {tier: {} for tier in TIERS}
    for unit in sorted(roster.units.values(), key=lambda unit: unit.id):
        of[unit.tier][unit.id] = (unit.en or unit.zh) if lang == "en" else unit.zh
    choices = {"county": of["county"], "hall": {}}
    for hall, name in of["hall"].items():
        county = of["county"].get(_county(roster, hall), "")
        choices["hall"][hall] = f"{county} · {name}" if county and county not in name else name
    return Names(lang, of, choices)


def fill(board: Json, known: Names) -> Json:
    """The dashboard with names; the argument is left as it is."""
    made = dict(board)
    made["panels"] = [_panel(panel, known) for panel in board["panels"]]
    listed = board.get("templating", {}).get("list", [])
    if listed:
        made["templating"] = {"list": [_variable(one, known) for one in listed]}
    return made


def _county(roster: Roster, unit_id: str) -> str:
    step = roster.units.get(unit_id)
    for _ in TIERS:
        if step is None:
            return ""
        if step.tier == "county":
            return step.id
        step = roster.units.get(step.parent)
    return ""


def _panel(panel: Json, known: Names) -> Json:
    config = panel.get("fieldConfig")
    if not config:
        return panel
    overrides = [_override(one, known) for one in config.get("overrides", [])]
    return {**panel, "fieldConfig": {**config, "overrides": overrides}}


def _override(override: Json, known: Names) -> Json:
    tier = override["matcher"]["options"]
    if (
        override["matcher"]["id"] != "byName"
        or tier not in TABLES
        or not known.of[tier]
        or _is_hidden(override)
    ):
        return override
    ids = {**known.of[tier], "-": UNKNOWN[known.lang]}
    options = {unit: {"text": name, "index": i} for i, (unit, name) in enumerate(ids.items())}
    mapping = {"id": "mappings", "value": [{"type": "value", "options": options}]}
    return {**override, "properties": [*override["properties"], mapping]}


def _is_hidden(override: Json) -> bool:
    """Not seen, but read by links, which carry ids."""
    return any(p["id"] == "custom.hidden" and p["value"] for p in override["properties"])


def _variable(variable: Json, known: Names) -> Json:
    choices = known.choices.get(variable["name"], {})
    if not choices:
        return variable
    everything = {"text": ALL[known.lang], "value": "$__all", "selected": True}
    kept = {key: variable[key] for key in ("name", "label", "allValue", "includeAll", "multi")}
    shown = {unit: _plain(name) for unit, name in choices.items()}
    return {
        **kept,
        "type": "custom",
        "query": ",".join(f"{name} : {unit}" for unit, name in shown.items()),
        "options": [everything]
        + [{"text": name, "value": unit, "selected": False} for unit, name in shown.items()],
        "current": everything,
        "hide": 0,
        "skipUrlSync": False,
    }


def _plain(name: str) -> str:
    """A name in a list "name : id, name : id" may hold neither a comma nor a colon of ASCII."""
    return name.replace(",", "，").replace(":", "：").strip()
