"""What Grafana does with a query before it asks: variables and the time range put in. And the committed dashboards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "dashboards" / "out"
PROVISIONING = ROOT / "dashboards" / "provisioning"
ALL = ".*"  # the variables' own value for All, put in as it is
SPECIAL = re.compile(r"[\\^$*+?.()|\[\]{}/]")  # what Grafana's :regex format escapes


STEPS = (  # rangeUtil.roundInterval, from the least step that a panel of ours has: below so many ms, so much
    (2_700_000, "30m"), (5_400_000, "1h"), (9_000_000, "2h"), (16_200_000, "3h"), (32_400_000, "6h"), (86_400_000, "12h"),
)  # fmt: skip
UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def interval_of(panel: dict[str, Any], since_ms: int, until_ms: int) -> str:
    """Grafana's $__interval for a range, of a panel that says its points; any other's depends on the screen."""
    if "maxDataPoints" not in panel:
        return "5m"
    assert panel["interval"] == "30m", "where STEPS begins"
    rough = (until_ms - since_ms) / panel["maxDataPoints"]
    return next((step for below, step in STEPS if rough < below), "1d")


def interpolate(text: str, since_ms: int, until_ms: int, interval: str = "5m", **chosen: list[str]) -> str:
    """The query as it goes out. Raises KeyError for a variable that the dashboard does not have."""

    def value(found: re.Match[str]) -> str:
        ids = chosen[found[1]]
        if ids == [ALL]:
            return ALL
        escaped = [SPECIAL.sub(lambda c: "\\" + c[0], one) for one in ids]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

    text = re.sub(r"\$\{(\w+):regex\}", value, text)
    text = text.replace("$timeFilter", f"time >= {since_ms}ms and time <= {until_ms}ms")
    text = text.replace("$__interval_ms", str(int(interval[:-1]) * UNIT_MS[interval[-1]]))
    text = text.replace("$__interval", interval)
    assert "$" not in re.sub(r"/\^.*?\$/", "", text), f"something was not put in: {text}"
    return text


@dataclass(frozen=True, slots=True)
class Panel:
    board: str
    lang: str
    body: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.lang}/{self.board}/{self.body['title']}"


def boards() -> dict[str, dict[str, Any]]:
    """Every committed dashboard by `zh/city`."""
    return {
        f"{path.parent.name}/{path.stem}": json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(OUT.glob("*/*.json"))
    }


def panels() -> list[Panel]:
    return [
        Panel(name.split("/")[1], name.split("/")[0], panel)
        for name, board in boards().items()
        for panel in board["panels"]
    ]


def targets(lang: str) -> Iterator[tuple[Panel, dict[str, Any]]]:
    for panel in panels():
        if panel.lang == lang:
            for target in panel.body.get("targets", []):
                yield panel, target
