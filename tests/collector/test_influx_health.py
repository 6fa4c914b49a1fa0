"""Boxes and account in the wall's bucket: news at most every 10 s, silence without a word from the box, all again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from manyi.core import stores
from manyi.core.config import Broker, City, Config, Data, KeyFiles, Policy, Web
from manyi.core.influx.health import Health
from manyi.core.influx.looks import AGAIN_MS, GAP_MS
from manyi.core.influx.writer import Keep
from manyi.core.projector import Figures

from tests.collector.paper_ledger import LIFE, MINUTE, NOON, TOWN, PaperLedger
from tests.collector.test_influx_rollup import Memory

SILENT_MS = 180_000


class Ward:
    """A city of paper boxes, their figures, and the health feed on a bucket in memory."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = NOON
        self.ledger = PaperLedger(folder)
        self.config = Config(
            City("临江市", "Linjiang"), Data(folder), Broker("127.0.0.1", 1, "", None, True, None),
            KeyFiles(folder / "keys"), None, Web("127.0.0.1", 1, None), Policy(5_000, 5, 180),
        )  # fmt: skip
        self.figures = Figures(self.config, lambda: self.now_ms)
        self.bucket = Memory()
        self.conns = [stores.open_reader(folder / f"{name}.db") for name in ("ledger", "ratings", "wall")]
        self.health = Health(*self.conns, self.bucket, SILENT_MS, lambda: self.now_ms)  # type: ignore[arg-type]

    def close(self) -> None:
        for one in (*self.conns, self.figures, self.ledger):
            one.close()

    def beat(self, box: str, **new: int) -> None:
        names = [row[1] for row in self.ledger.conn.execute("PRAGMA table_info(beat)")]
        values = {"at_ms": self.now_ms, "heap": 40_000, "rssi": -60, "room": 7_000, "config": ""} | new
        row = [{"box": box, "life": LIFE}.get(name, values.get(name, 0)) for name in names]
        marks = ",".join("?" * len(row))
        self.ledger.conn.execute(f"INSERT OR REPLACE INTO beat VALUES ({marks})", row)

    def state(self, box: str, online: int = 1, fw: str = '1.0 "x"', reason: int = 0) -> None:
        row = (box, self.now_ms, online, fw, LIFE, 1, reason)
        self.ledger.conn.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def look(self, after_ms: int = GAP_MS) -> dict[str, str]:
        """What is said after this time: fields by measurement and box."""
        self.now_ms += after_ms
        while self.figures.step():
            pass
        self.bucket.points.clear()
        self.health.step()
        return {at: fields for (at, _), fields in self.bucket.points.items()}


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path)
    made.ledger.fact(*TOWN)
    made.state("box-1", fw="1.0")
    made.beat("box-1")
    yield made
    made.close()


BOX = "box,box=box-1,county=c1,township=-,hall=h1,window=w1"
NEVER = {
    "box,box=box-2,county=c1,township=-,hall=h1,window=w2",
    "box,box=box-3,county=c2,township=t2,hall=h2,window=w3",
}


HALLS = {"boxes,county=c1,township=-,hall=h1", "boxes,county=c2,township=t2,hall=h2"}


def test_first_look_says_everything_and_the_next_only_what_changed(ward: Ward) -> None:
    said = ward.look()
    assert set(said) - NEVER - HALLS == {BOX, "account,scope=city", "account,scope=box,box=box-1"}
    assert said[BOX].startswith(
        f'online=1i,heard_ms={NOON}i,reason=0i,fw="1.0",depth=0i,oldest_ms=0i,rssi=-60i,'
    )
    assert ward.look().keys() == {"account,scope=city"}, "the wall must see that somebody still counts"
    ward.beat("box-1", depth=3)
    assert "depth=3i" in ward.look()[BOX]


def test_box_that_hangs_at_a_window_and_never_spoke_is_offline(ward: Ward) -> None:
    said = ward.look()
    assert {said[at] for at in NEVER} == {"online=0i,heard_ms=0i"}


def test_of_each_hall_it_says_how_many_boxes_there_are_and_how_they_do(ward: Ward) -> None:
    here, there = sorted(HALLS)
    said = ward.look()
    assert said[here] == "known=2i,online=1i,depth=0i,stuck=0i"
    assert said[there] == "known=1i,online=0i,depth=0i,stuck=0i"
    ward.state("box-2", fw="1.0")
    ward.beat("box-2", depth=4, stuck=5)
    ward.beat("box-1", depth=3)
    said = ward.look()
    assert said[here] == "known=2i,online=2i,depth=7i,stuck=1i"
    assert there not in said
    assert ward.look(SILENT_MS + 1)[here] == "known=2i,online=0i,depth=7i,stuck=1i"


def test_why_a_box_last_started_is_said_with_it(ward: Ward) -> None:
    ward.look()
    ward.state("box-1", fw="1.0", reason=5)
    assert ",reason=5i," in ward.look()[BOX]


def test_two_looks_within_ten_seconds_are_one(ward: Ward) -> None:
    ward.look()
    ward.beat("box-1", depth=3)
    assert ward.look(GAP_MS - 1) == {}
    assert BOX in ward.look(1)


def test_box_that_says_nothing_any_more_is_offline_and_its_presses_unknown(ward: Ward) -> None:
    ward.look()
    said = ward.look(SILENT_MS + 1)
    assert said[BOX].startswith("online=0i,")
    assert "unknown=0i" not in said["account,scope=city"]


def test_what_stays_the_same_is_said_again_after_a_while(ward: Ward) -> None:
    ward.look()
    assert ward.look(SILENT_MS + 1)
    later = ward.look(AGAIN_MS)
    assert BOX in later


def test_account_of_the_city_says_what_was_pressed_stored_and_shown(ward: Ward) -> None:
    ward.ledger.clock("box-1", 0, NOON)
    for i in range(4):
        ward.ledger.press("box-1", (1 + i) * MINUTE, 1)
    said = ward.look()
    assert "shown=4i" in said["account,scope=city"]


def test_what_could_not_be_sent_is_said_at_the_next_look(ward: Ward) -> None:
    ward.bucket.moods = [2]
    ward.now_ms += GAP_MS
    assert isinstance(ward.health.step(), Keep)
    assert BOX in ward.look()


def test_firmware_name_with_quotes_breaks_no_line(ward: Ward) -> None:
    ward.state("box-1", fw='a"b\\')
    fields = ward.look()[BOX]
    assert json.loads(fields.split("fw=")[1].split(",depth")[0]) == 'a"b\\'
