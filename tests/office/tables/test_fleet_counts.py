"""How many boxes there are and how many of them are online: the same on the wall, in InfluxDB and in the table."""

from __future__ import annotations

import json
import re
from pathlib import Path

from django.utils import translation
from manyi.core import stores
from manyi.core.days import date_of
from manyi.office import OfficeSettings, configure
from manyi.office.access.scope import EVERYBODY
from manyi.office.tables import period

from tests.collector.paper_ledger import placed
from tests.collector.test_influx_health import SILENT_MS, Ward, ward
from tests.office.city import City

__all__ = ["ward"]  # a fixture


def test_the_wall_influx_and_the_table_count_the_same_boxes(ward: Ward, tmp_path: Path) -> None:
    """One online, one silent, one that never spoke; in store one that was used, one that was not and one that speaks; and
    one that nobody has entered."""
    ward.ledger.fact(*(placed(box, "") for box in ("used", "new", "talks")))
    for box in ("box-2", "used", "strange"):
        ward.state(box, online=0, fw="1.0")
    ward.state("talks", fw="1.0")
    said = ward.look()
    city = dict(part.split("=") for part in said["account,scope=city"].split(","))
    assert (city["boxes"], city["online"]) == ("5i", "2i")
    assert {at.split(",")[1] for at in said if at.startswith("box,")} == {
        f"box={box}" for box in ("box-1", "box-2", "box-3", "talks", "strange")
    }
    halls = [
        re.match(r"known=(\d+)i,online=(\d+)i", text) for at, text in said.items() if at.startswith("boxes,")
    ]
    assert [sum(int(found[n]) for found in halls if found) for n in (1, 2)] == [5, 2]
    wall = json.loads(stores.get(ward.conns[2], "health"))["boxes"]
    assert wall == {"online": 2, "known": 5, "silent": ["box-2", "box-3", "strange"]}
    configure(OfficeSettings(tmp_path, source=City(1, 1), login=False))
    from manyi.office.tables import fleet  # noqa: PLC0415  needs configure()
    from manyi.office.tables.books import Ask, opened  # noqa: PLC0415

    with opened(tmp_path, ward.now_ms, SILENT_MS, english=True) as books, translation.override("en"):
        table = fleet.boxes(books, Ask(EVERYBODY, period.asked({}, date_of(ward.now_ms))))
    assert table.notes[0].startswith("2 of 5 boxes online.")
    assert {row[0]: row[4] for row in table.rows} == {
        "box-1": "Online", "talks": "Online", "box-2": "Silent", "box-3": "Silent", "strange": "Silent",
        "new": "In store", "used": "In store",
    }  # fmt: skip
