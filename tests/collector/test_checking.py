"""The ledger checked by the service itself: whoever changes a row is on the wall, whatever the row and whenever."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from manyi.core import checked, checking, root, stores
from manyi.core.checking import Checking
from manyi.core.config import Broker, City, Config, Data, KeyFiles, Policy, Web
from manyi.core.days import DAY_MS
from manyi.core.influx.watch import Watch
from manyi.core.ledger import facts, reader
from manyi.core.projector import Figures
from manyi.core.workings import Workings

from tests.collector.test_verify import DAY, T0, Place, filled, place
from tests.collector.test_wall_alarms_many import Listener

__all__ = ["filled", "place"]  # fixtures
NEXT = T0 + 2 * DAY_MS  # two days are over, and one of them has its root


class Watcher:
    """The check of one data folder, at times of the test's choosing."""

    def __init__(self, place: Place) -> None:
        self.place, self.now_ms = place, NEXT
        self.data = Data(place.folder)
        self.checking = Checking(self.data, lambda: self.now_ms)

    def minute(self) -> None:
        self.now_ms += 60_000
        self.checking.minute(self.place.conn)

    def whole(self) -> None:
        """One check of all rows, to its end, as after a start."""
        self.now_ms += 60_000
        self.checking._begin_ms = 0
        assert not self.checking.slice(self.place.conn)
        while not self.checking.slice(self.place.conn):
            pass

    def rows(self, n: int, at_ms: int = 0) -> None:
        for i in range(n):
            facts.append_facts(self.place.conn, at_ms or self.now_ms, [("office", {"id": f"x{i}"})])

    def edit(self, row: int) -> None:
        self.place.open_hand()
        self.place.conn.execute("UPDATE row SET at_ms = at_ms - 1 WHERE id = ?", (row,))

    @property
    def last(self) -> int:
        return reader.tail(self.place.conn)[0]

    @property
    def known(self) -> checked.Checked:
        return checked.read(self.data.checked)

    @property
    def broken(self) -> int | None:
        return self.known.broken.row if self.known.broken else None

    def days(self) -> list[str]:
        return [r.day.isoformat() for r in root.published(self.data.roots)]


@pytest.fixture
def watcher(place: Place) -> Watcher:
    return Watcher(place)


def test_an_untouched_ledger_is_whole_up_to_its_last_row_and_says_when(watcher: Watcher) -> None:
    watcher.minute()
    watcher.whole()
    found = watcher.known
    assert found.broken is None
    assert found.whole is not None
    assert (found.whole.row, found.whole.hash) == (watcher.last, reader.tail(watcher.place.conn)[1].hex())
    assert found.whole.ended_ms == watcher.now_ms
    assert found.whole.roots == 2
    assert any("branch" in note for note in found.whole.notes), "what verify notes, the auditor sees"


def test_the_check_comes_once_a_day_and_at_every_start(watcher: Watcher) -> None:
    watcher.whole()
    watcher.now_ms += DAY_MS - 1
    assert watcher.checking.slice(watcher.place.conn), "nothing is due"
    watcher.now_ms += 1
    assert not watcher.checking.slice(watcher.place.conn)
    assert not Checking(watcher.data, lambda: watcher.now_ms).slice(watcher.place.conn)


def test_a_slice_is_so_many_rows_and_no_more(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "SLICE_ROWS", 10)
    monkeypatch.setattr(checking, "SAID_ROWS", 20)
    asked: list[int] = []
    rows_after = reader.rows_after

    def counted(conn: Any, row_id: int, limit: int) -> list[reader.Row]:
        asked.append(limit)
        return rows_after(conn, row_id, limit)

    monkeypatch.setattr(reader, "rows_after", counted)
    for expected in (10, 20, 30):
        assert not watcher.checking.slice(watcher.place.conn)
        assert asked == [10] * (expected // 10)
    assert watcher.known.row == 20
    assert watcher.known.began_ms == watcher.now_ms
    while not watcher.checking.slice(watcher.place.conn):
        pass
    assert watcher.known.whole is not None
    assert watcher.known.row == 0


def test_rows_that_come_while_the_check_runs_are_checked_too(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "SLICE_ROWS", 10)
    watcher.checking.slice(watcher.place.conn)
    watcher.rows(5)
    while not watcher.checking.slice(watcher.place.conn):
        pass
    assert watcher.known.whole is not None
    assert watcher.known.whole.row == watcher.last


@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_an_edited_row_is_found_by_the_whole_check_and_named(watcher: Watcher, which: str) -> None:
    watcher.whole()
    row = {"first": 1, "middle": watcher.last // 2, "last": watcher.last}[which]
    watcher.edit(row)
    watcher.whole()
    assert watcher.broken == row
    assert watcher.known.whole is not None, "when it was last whole stays known"


def test_a_head_that_was_edited_is_found_though_every_row_holds(watcher: Watcher) -> None:
    watcher.place.conn.execute("UPDATE head SET stored_d = stored_d - 1 WHERE stored_d > 0")
    watcher.whole()
    assert watcher.broken == 0


def test_a_row_of_this_minute_is_found_within_the_minute(watcher: Watcher) -> None:
    watcher.minute()
    watcher.rows(3)
    watcher.edit(watcher.last - 1)
    watcher.minute()
    assert watcher.broken == watcher.last - 1


def test_a_chain_made_anew_behind_the_services_back_is_found_and_the_newest_row_seen_stays_written(
    watcher: Watcher,
) -> None:
    watcher.minute()
    before = root.read_latest(watcher.data.roots)
    watcher.place.open_hand()
    watcher.place.conn.execute("UPDATE row SET at_ms = at_ms - 1 WHERE id = 7")
    watcher.place.rechain()
    watcher.minute()
    assert watcher.broken == watcher.last
    watcher.rows(1)
    watcher.minute()
    watcher.checking.note_latest(watcher.place.conn)
    assert root.read_latest(watcher.data.roots) == before, "it is what the next start compares with"
    watcher.whole()
    assert watcher.broken is not None, "nor does a check of the whole take it back"


def test_a_cut_tail_is_found(watcher: Watcher) -> None:
    watcher.minute()
    watcher.place.open_hand()
    watcher.place.conn.execute("DELETE FROM row WHERE id = ?", (watcher.last,))
    watcher.minute()
    assert watcher.broken == watcher.last + 1


def test_a_day_that_does_not_hold_gets_no_root_and_the_next_one_does(watcher: Watcher) -> None:
    assert watcher.days() == [DAY.isoformat()]
    watcher.edit(watcher.last - 2)
    watcher.minute()
    assert watcher.days() == [DAY.isoformat()]
    assert watcher.broken == watcher.last - 2
    watcher.rows(3)
    watcher.now_ms += DAY_MS
    watcher.minute()
    assert watcher.days() == [DAY.isoformat(), "2026-11-22"], "the gap is for everybody to see"


def test_a_finding_is_remembered_over_a_start_until_a_whole_check_finds_nothing(
    watcher: Watcher, filled: Path
) -> None:
    watcher.edit(5)
    watcher.whole()
    assert watcher.known.broken is not None
    since = watcher.known.broken.found_ms
    watcher.whole()
    assert watcher.known.broken.found_ms == since
    watcher.checking = Checking(watcher.data, lambda: watcher.now_ms)
    watcher.minute()
    assert watcher.broken == 5
    watcher.place.conn.close()
    for file in watcher.place.folder.glob("ledger.db*"):
        file.unlink()
    shutil.copy(filled / "ledger.db", watcher.place.folder)  # as `manyi restore` does, but for its row
    watcher.place = Place(watcher.place.folder)
    (watcher.data.roots / root.LATEST).unlink()
    watcher.whole()
    assert watcher.broken is None


def test_a_check_that_had_passed_the_row_does_not_take_back_what_was_found_meanwhile(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "SLICE_ROWS", 10)
    row = watcher.last - 2  # of a day that has no root yet
    watcher.rows(2 * checking.SLICE_ROWS)
    for _ in range(row // checking.SLICE_ROWS + 1):
        watcher.checking.slice(watcher.place.conn)
    watcher.edit(row)
    watcher.minute()
    assert watcher.broken == row
    while not watcher.checking.slice(watcher.place.conn):
        pass
    assert watcher.broken == row


def test_a_copy_is_checked_and_neither_sealed_nor_noted(place: Place) -> None:
    watcher = Watcher(place)
    watcher.checking = Checking(watcher.data, lambda: watcher.now_ms, seals=False)
    before = root.read_latest(watcher.data.roots)
    watcher.rows(3)
    watcher.minute()
    assert watcher.days() == [DAY.isoformat()]
    assert root.read_latest(watcher.data.roots) == before
    watcher.edit(5)
    watcher.whole()
    assert watcher.broken == 5


def test_a_file_that_is_none_of_ours_is_nothing_known(tmp_path: Path) -> None:
    for text in ("", "{}", '{"whole": 1, "broken": null, "began_ms": 0, "row": 0}', '{"whole": {"x": 1}}'):
        (tmp_path / "checked.json").write_text(text)
        assert checked.read(tmp_path / "checked.json") == checked.Checked()


def test_the_thread_checks_all_and_ends_when_it_is_told(watcher: Watcher) -> None:
    class Soon(Event):
        """Set once the whole was checked."""

        def wait(self, timeout: float | None = None) -> bool:
            if watcher.known.whole is not None:
                self.set()
            return super().wait(0)

    watcher.checking.run(Soon())
    assert watcher.known.whole is not None
    latest = root.read_latest(watcher.data.roots)
    assert latest is not None
    assert latest.row == watcher.last
    assert watcher.days() == [DAY.isoformat(), "2026-11-21"]


# -- from the file to the wall and to InfluxDB


@pytest.fixture
def figures(place: Place) -> Iterator[tuple[Figures, Watcher]]:
    config = Config(
        City("临江市", "Linjiang"), Data(place.folder), Broker("127.0.0.1", 1, "", None, True, None),
        KeyFiles(place.folder / "keys"), None, Web("127.0.0.1", 1, None), Policy(5_000, 5, 180),
    )  # fmt: skip
    watcher = Watcher(place)
    with closing(Figures(config, lambda: watcher.now_ms)) as made:
        yield made, watcher


def test_an_edited_row_is_an_alarm_of_the_wall_and_of_influx_until_the_ledger_is_whole(
    figures: tuple[Figures, Watcher],
) -> None:
    made, watcher = figures
    folder, heard = watcher.place.folder, Listener()
    conns = [stores.open_reader(folder / f"{name}.db") for name in ("ledger", "ratings", "wall")]
    watch = Watch(
        *conns, heard, lambda: watcher.now_ms, ledger_path=folder / "ledger.db", named=(), lags={},  # type: ignore[arg-type]
        workings=Workings(),
    )  # fmt: skip

    def alarms() -> list[dict[str, Any]]:
        while made.step():
            pass
        watch.step()
        health = json.loads(stores.get(conns[2], "health", "{}"))
        return [a for a in health["alarms"] if a["kind"] == "chain"]

    watcher.whole()
    assert alarms() == []
    watcher.edit(9)
    watcher.whole()
    (one,) = alarms()
    assert one["text_zh"].startswith("台账第 9 行与写入时不符")
    assert one["text_en"].startswith("The ledger's row 9 is not what was written")
    assert (one["box"], one["county"], one["since_ms"]) == ("", "", watcher.now_ms)
    assert heard.active["kind=chain", "subject=-"] == "active=1i"
    watcher.place.conn.execute("UPDATE row SET at_ms = at_ms + 1 WHERE id = 9")
    watcher.whole()
    assert alarms() == []
    assert heard.active["kind=chain", "subject=-"] == "active=0i"
    for conn in conns:
        conn.close()
