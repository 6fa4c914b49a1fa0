"""Fixtures of the system tests: a city of real processes, ended whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.influx import Influx
from tests.services.mosquitto import Mosquitto
from tests.system.bench_fixtures import bench, book, make_bench, make_loader  # noqa: F401  for both files of the bench
from tests.system.city import City


@pytest.fixture
def make_city(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Callable[..., City]]:
    """Makes started cities: `make_city(boxes=3, influx=influx, flash_kib=20, policy="visit_ms = 9000", **facts of
    box.json)`."""
    made: list[City] = []

    def make(boxes: int = 2, influx: Influx | None = None, **more: Any) -> City:
        city = City(tmp_path / f"city-{len(made)}", mosquitto, boxes, influx, **more)
        made.append(city)
        city.start()
        return city

    yield make
    for city in made:
        city.close()
