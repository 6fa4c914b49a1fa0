"""docs/INFLUX.md names every measurement, tag and field that is written, and every bucket's setting."""

import dataclasses
import re
from pathlib import Path

import pytest
from manyi.core.config import Influx
from manyi.core.influx import compare, lines, red, rollup
from manyi.core.influx.visited import FIELDS
from manyi.core.influx.watch import Watch
from manyi.core.roster.model import Roster
from manyi.core.workings import Workings

from tests.collector.test_influx import rating
from tests.collector.test_influx_compare import Halls
from tests.collector.test_influx_health import Ward
from tests.services.certs import Certs

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "INFLUX.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([a-z_0-9]+)`", PAGE))


def names(line: str) -> set[str]:
    """Measurement, tags and fields of a line."""
    at, fields, *_ = re.sub(r'"[^"]*"', '""', line).split(" ")
    return {at.split(",")[0], *re.findall(r"[,](\w+)=", at), *re.findall(r"(?:^|,)(\w+)=", fields)}


def test_every_measurement_tag_and_field_of_ratings_is_named() -> None:
    r = rating()
    written = {lines.line(r, lines.point(r))}
    for cell, counts in rollup.cells({rollup.kind(r): 1}).items():
        written.update(rollup.lines(cell, counts))
    assert set().union(*map(names, written)) <= NAMED


def test_every_measurement_tag_and_field_of_health_is_named(tmp_path: Path) -> None:
    ward = Ward(tmp_path)
    ward.state("box-1", fw="1.0")
    ward.beat("box-1")
    written = [f"{at} {fields}" for at, fields in ward.look().items()]
    ward.close()
    assert len(written) == 4
    assert set().union(*map(names, written)) <= NAMED


def test_every_measurement_tag_and_field_of_comparisons_is_named(tmp_path: Path) -> None:
    halls = Halls(tmp_path)
    halls.day("box-1", 7, 9, 3)
    halls.drain()
    written = [f"{at} {fields}" for (at, _), fields in halls.server.points.items()]
    halls.close()
    assert {at.split(",")[0] for at in written} == set(compare.ZEROS)
    assert set().union(*map(names, written)) <= NAMED


def test_every_measurement_tag_and_field_of_reds_alarms_service_and_certificates_is_named(
    tmp_path: Path, certs: Certs
) -> None:
    ward = Ward(tmp_path)
    ward.state("box-1", fw="1.0")
    ward.beat("box-1", stuck=4)
    workings = Workings(started_ms=ward.now_ms)
    watch = Watch(
        *ward.conns, ward.bucket, lambda: ward.now_ms, ledger_path=tmp_path / "ledger.db",
        named=(("ca", certs.ca),), lags={"influx": lambda: 0}, workings=workings,
    )  # fmt: skip
    ward.look()
    written = [f"{at} {fields}" for at, fields in watch._look(ward.now_ms)]
    ward.close()
    assert {line.split(" ")[0].split(",")[0] for line in written} == {"alarm", "collector", "certificate"}
    r = rating(level=3)
    written += [f"{red.point(r)} {red.fields(r, Roster.from_facts(()), None)}"]
    assert set().union(*map(names, written)) <= NAMED


def test_every_field_of_visits_is_named() -> None:
    assert set(FIELDS) <= NAMED


@pytest.mark.parametrize("setting", [f.name for f in dataclasses.fields(Influx) if "bucket" in f.name])
def test_every_buckets_setting_is_named(setting: str) -> None:
    assert setting in NAMED
