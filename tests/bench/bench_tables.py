"""The web app's tables over a year of 600 boxes, two million ratings: CPU of a page and of a workbook, all threads.

    MANYI_YEAR=1 python -m tests.bench tables      1 a box and day: it hardly matters, days are added up

The stores are made up as year.py makes them; the answers come through Django's own handler, without a network.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from manyi.core import projector, stores
from manyi.core.days import date_of
from manyi.core.wall.store import Wall

from tests.bench.year import fill

EACH_DAY = int(os.environ.get("MANYI_YEAR", "13"))
TABLES = ("counties", "halls", "windows", "days", "hours", "reds", "corrections", "staff")
FILES = ("windows", "days")
RUNS = 3

Row = tuple[object, ...]


def main() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="manyi-tables-") as name:
        folder = Path(name)
        today = date_of(projector.unix_ms())
        total = fill(folder, today, EACH_DAY)
        with closing(stores.open_reader(folder / "ratings.db")) as source:
            Wall(folder / "wall.db", source, ("", "")).close()
        year = {"period": "span", "from": str(today - timedelta(days=365)), "to": str(today)}
        yield from asyncio.run(_all(folder, year, f"{total:,} ratings, median of {RUNS}"))


async def _all(folder: Path, year: dict[str, str], note: str) -> list[Row]:
    from manyi.office.runtime import OfficeSettings, configure  # noqa: PLC0415

    configure(OfficeSettings(data_dir=folder, login=False, allowed_hosts=("testserver",)))
    from django.test import AsyncClient  # noqa: PLC0415  needs the settings
    from django.urls import reverse  # noqa: PLC0415

    client = AsyncClient()
    asked = [(f"a year's table, {name}", f"table-{name}") for name in TABLES]
    asked += [(f"a year's workbook, {name}", f"table-{name}-file") for name in FILES]
    rows: list[Row] = []
    for what, view in asked:
        spent = [await _cpu_s(client, reverse(view), year) for _ in range(RUNS)]
        rows.append((f"{what}, CPU", statistics.median(spent), "s", "", note))
        note = ""
    return rows


async def _cpu_s(client: Any, address: str, year: dict[str, str]) -> float:
    began = time.process_time()
    answer = await client.get(address, year)
    spent = time.process_time() - began
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status_code}")
    return spent


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
