"""A year whose holidays the program does not know is named on the wall two weeks ahead, and only then."""

from datetime import date
from pathlib import Path

import pytest
from manyi.core import workdays
from manyi.core.days import midnight_ms

from tests.collector.test_visits_wall import Centre

NEWEST = max(workdays._years())


@pytest.mark.parametrize(
    ("day", "names"),
    [
        (date(NEWEST, 12, 17), ""),
        (date(NEWEST, 12, 18), str(NEWEST + 1)),
        (date(NEWEST + 1, 6, 1), str(NEWEST + 1)),
    ],
)
def test_unknown_year_is_named_two_weeks_ahead(tmp_path: Path, day: date, names: str) -> None:
    centre = Centre(tmp_path)
    centre.now_ms = midnight_ms(day) + 3_600_000
    alarms = centre.snapshot()["alarms"]
    centre.close()
    assert isinstance(alarms, list)
    said = [alarm for alarm in alarms if alarm["kind"] == "calendar"]
    assert bool(said) is bool(names)
    assert all(names in alarm["text_zh"] and names in alarm["text_en"] for alarm in said)
