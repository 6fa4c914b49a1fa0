"""Two zones: what crosses the gap in files is the same ledger; what is missing, changed or foreign is refused by name."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from manyi.cli import app
from manyi.core import account, root, stores, verify
from manyi.core import config as configs
from manyi.core.config import Config
from manyi.core.errors import EvidenceError, InputError, LedgerError, SetupError
from manyi.core.ledger import reader, schema
from manyi.core.projector import Figures
from manyi.core.record import CLOCK
from manyi.doctor import behind
from manyi.doctor.finding import Level, Place
from manyi.feed import follower, page, receiver, sender
from typer.testing import CliRunner

from tests.collector.box_double import BOX, K_CHAIN, BoxDouble
from tests.deploy.town import T0, Town
from tests.system.city import until

KEY = b"k" * 32


class Zones:
    """Outside a town, inside an installation that follows it; `gap` is the folder between."""

    def __init__(self, folder: Path) -> None:
        self.town = Town(folder / "outside")
        self.box = BoxDouble()
        self.gap = folder / "gap"
        (folder / "inside").mkdir()
        self.file = folder / "inside" / "manyi.toml"
        self.file.write_text(f'[city]\nname = "x"\n[data]\ndir = "data"\n[feed]\nin = "{self.gap}"\n')
        self.now_ms = T0

    @property
    def inside(self) -> Config:
        return configs.load(self.file)

    def press(self, level: int, times: int = 1) -> None:
        self.box.press(level, times)
        self.town.take(self.box)

    def send(self, key: bytes = b"", again_from: int | None = None) -> list[Path]:
        self.now_ms += 10_000
        return sender.send(self.town.config, self.gap, self.now_ms, key, again_from)

    def receive(self, key: bytes = b"") -> receiver.Taken:
        return receiver.receive(self.inside, self.gap, self.now_ms, key)

    def same(self) -> None:
        with closing(schema.open_for_reading(self.inside.data.ledger)) as copy:
            for query in (
                "SELECT * FROM row ORDER BY id",
                "SELECT * FROM head ORDER BY id",
                "SELECT * FROM beat",
                "SELECT * FROM state",
            ):
                assert copy.execute(query).fetchall() == self.town.conn.execute(query).fetchall(), query
            report = verify.ledger(copy, self.inside.data.roots, {BOX: K_CHAIN})
            assert report.finding is None, report.finding
            assert account.read(copy, T0) == account.read(self.town.conn, T0)


@pytest.fixture
def zones(tmp_path: Path) -> Zones:
    return Zones(tmp_path)


def test_the_copy_is_the_same_ledger_file_by_file(zones: Zones) -> None:
    zones.town.office(id="c1", tier="county", parent="", zh="东平县", en="", tel="")
    zones.press(1, 30)
    zones.press(3)
    assert len(zones.send()) == 1
    assert zones.receive().rows == 32
    zones.same()
    zones.press(2, 5)
    zones.send()
    assert zones.receive()[:2] == (1, 5)
    assert zones.receive()[:2] == (0, 0)
    zones.same()


def test_without_news_a_file_comes_once_a_minute_with_the_boxes_last_words(zones: Zones) -> None:
    zones.press(1)
    zones.send()
    assert zones.send() == []
    values = (
        BOX,
        zones.box.life,
        zones.now_ms + 1,
        1,
        1,
        5,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        9,
        1,
        0,
        1,
        1,
        1,
        0,
        "",
    )
    zones.town.conn.execute(f"INSERT INTO beat VALUES ({','.join('?' * 23)})", values)
    zones.now_ms += sender.QUIET_MS
    assert len(zones.send()) == 1
    zones.receive()
    zones.same()


def test_files_may_come_late_and_twice(zones: Zones, tmp_path: Path) -> None:
    files = []
    for _ in range(3):
        zones.press(1, 3)
        files += zones.send()
    held = tmp_path / files[1].name
    files[1].rename(held)
    with pytest.raises(InputError, match=r"Rows 4 to 6 have not come.*--again-from 4"):
        zones.receive()
    with closing(schema.open_for_reading(zones.inside.data.ledger)) as copy:
        assert reader.tail(copy)[0] == 3, "what came before the gap is taken in"
    held.rename(files[1])
    assert zones.receive().rows == 6
    assert zones.receive().rows == 0
    zones.same()


def test_a_lost_file_can_be_sent_again(zones: Zones) -> None:
    zones.press(1, 3)
    zones.send()
    zones.press(2, 3)
    (lost,) = zones.send()
    lost.unlink()
    zones.press(3, 3)
    zones.send()
    with pytest.raises(InputError, match="--again-from 4"):
        zones.receive()
    zones.gap.joinpath(sorted(p.name for p in zones.gap.iterdir())[-1]).unlink()
    zones.send(again_from=4)
    assert zones.receive().rows == 9 or zones.receive().rows == 0
    zones.same()


def test_a_file_written_twice_after_a_crash_does_no_harm(zones: Zones) -> None:
    zones.press(1, 3)
    zones.send()
    zones.receive()
    zones.town.config.data.dir.joinpath(sender.STATE).unlink()  # the crash came before it was written
    zones.press(2, 2)
    zones.send()
    zones.press(3, 1)
    zones.send()
    zones.receive()
    zones.same()


def test_more_rows_than_one_file_holds(zones: Zones, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "SENT_ROWS", 7)
    zones.press(1, 30)
    assert len(zones.send()) == 5
    zones.receive()
    zones.same()


def edited(path: Path, change: Callable[[list[dict[str, object]]], None], key: bytes = b"") -> None:
    """Somebody on the way who knows the format, and seals what he has changed."""
    *lines, _ = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    body = "".join(page._line(line) for line in lines).encode()
    path.write_bytes(body + page._line({"end": page._seal(body, key)}).encode())


def _drop(lines: list[dict[str, object]]) -> None:
    del lines[next(i for i, line in enumerate(lines) if "row" in line) + 1]


def _change(lines: list[dict[str, object]]) -> None:
    row = next(line["row"] for line in lines if "row" in line)
    assert isinstance(row, list)
    row[1] += 1


def _invent(lines: list[dict[str, object]]) -> None:
    rows = [i for i, line in enumerate(lines) if "row" in line]
    last = list(lines[rows[-1]]["row"])  # type: ignore[call-overload]
    last[0] += 1
    lines.insert(rows[-1] + 1, {"row": last})
    lines[0]["last"] = last[0]


def _foreign_head(lines: list[dict[str, object]]) -> None:
    row = next(line["row"] for line in lines if "row" in line)
    assert isinstance(row, list)
    row[3] = 77


def _short_head(lines: list[dict[str, object]]) -> None:
    head = next(line["head"] for line in lines if "head" in line)
    assert isinstance(head, list)
    head.pop()


@pytest.mark.parametrize("change", [_foreign_head, _short_head])
def test_a_file_that_makes_no_sense_is_one_plain_line(
    zones: Zones, change: Callable[[list[dict[str, object]]], None]
) -> None:
    zones.press(1, 5)
    (path,) = zones.send()
    was = path.read_bytes()
    edited(path, change)
    with pytest.raises(InputError, match="cannot be taken in"):
        zones.receive()
    path.write_bytes(was)
    assert zones.receive().rows == 5
    zones.same()


@pytest.mark.parametrize("change", [_drop, _change, _invent])
def test_a_file_that_was_changed_and_sealed_again_is_refused_whole(
    zones: Zones, change: Callable[[list[dict[str, object]]], None]
) -> None:
    zones.press(1, 5)
    (path,) = zones.send()
    edited(path, change)
    with pytest.raises(EvidenceError, match="row"):
        zones.receive()
    with closing(schema.open_for_reading(zones.inside.data.ledger)) as copy:
        assert reader.tail(copy)[0] == 0


def test_with_a_key_nobody_on_the_way_can_make_a_file(zones: Zones) -> None:
    zones.press(1, 5)
    (path,) = zones.send(KEY)
    was = path.read_bytes()
    edited(path, lambda _: None)  # sealed anew without the key
    with pytest.raises(EvidenceError, match="another"):
        zones.receive(KEY)
    path.write_bytes(was)
    assert zones.receive(KEY).rows == 5
    zones.same()


@pytest.mark.parametrize("what", ["number", "time", "name"])
def test_a_file_of_a_time_to_come_does_not_stop_those_that_follow(zones: Zones, what: str) -> None:
    """Without a key anybody on the way can seal one: with the highest number there is, every true file would be old."""
    zones.press(1)
    (true,) = zones.send()
    made = page.read(true, b"")
    made.heads, made.rows, made.first = [], [], made.last + 1
    made.n = 9_999_999_999_999 if what != "time" else made.n + 1
    made.at_ms = 9_999_999_999_999 if what == "time" else made.at_ms
    path = page.write(made, zones.gap, b"")
    if what == "name":
        path.rename(zones.gap / f"{made.ledger}-{made.at_ms + 1:013}.feed")
    with pytest.raises(EvidenceError, match="time to come" if what != "name" else "of that name"):
        zones.receive()
    for path in zones.gap.glob("*.feed"):
        if path != true:
            path.unlink()
    zones.press(3)
    zones.send()
    assert zones.receive()[:2] == (1, 1)
    zones.same()


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("beat", 4, "x"),
        ("beat", 2, 1.5),
        ("beat", 4, True),
        ("beat", 0, "\x1b[2J"),
        ("beat", 22, b"c1"),
        ("head", 7, "x"),
        ("head", 4, None),
        ("state", 1, "x"),
        ("row", 1, 1.5),
    ],
)
def test_a_file_whose_cells_are_none_leaves_the_copy_as_it_was(
    zones: Zones, table: str, column: int, value: object
) -> None:
    """Taken in, the inner zone could not count with it, at each start anew."""
    zones.town.conn.execute(f"INSERT INTO beat VALUES ('{BOX}', '{zones.box.life}', {T0}{', 1' * 19}, '')")
    zones.town.conn.execute(f"INSERT INTO state VALUES ('{BOX}', {T0}, 1, '1.0.0', '{zones.box.life}', 1, 1)")
    zones.press(1)
    (true,) = zones.send()
    raw, made = true.read_bytes(), page.read(true, b"")
    cells = {"beat": made.beats, "head": made.heads, "state": made.states, "row": made.rows}[table]
    cells[0] = (*cells[0][:column], value, *cells[0][column + 1 :])
    assert page.write(made, zones.gap, b"") == true
    with pytest.raises(InputError):
        zones.receive()
    with closing(schema.open_for_reading(zones.inside.data.ledger)) as copy:
        assert [
            copy.execute(f"SELECT count(*) FROM {name}").fetchone() for name in ("row", "head", "beat")
        ] == [(0,)] * 3
    true.write_bytes(raw)
    zones.receive()
    zones.same()


def test_a_clock_that_was_years_ahead_outside_and_put_right_stops_nothing(zones: Zones) -> None:
    zones.press(1)
    zones.send()
    zones.receive()
    now, zones.now_ms = zones.now_ms, zones.now_ms + 400 * 86_400_000
    zones.press(1)
    (wrong,) = zones.send()
    zones.now_ms = now
    with pytest.raises(EvidenceError, match="time to come"):
        zones.receive()
    wrong.unlink()
    zones.press(2)
    zones.send(again_from=2)
    zones.receive()
    zones.same()


def test_a_pipe_in_the_folder_is_no_file_to_wait_for(zones: Zones) -> None:
    zones.press(1)
    (true,) = zones.send()
    os.mkfifo(zones.gap / f"{true.name[:16]}-{1:013}.feed")
    assert zones.receive()[:2] == (1, 1)


@pytest.mark.parametrize("cut", [0, 1, 100, -2, -40])
def test_half_a_file_is_said_and_taken_in_when_it_is_whole(zones: Zones, cut: int) -> None:
    zones.press(1, 5)
    (path,) = zones.send()
    was = path.read_bytes()
    path.write_bytes(was[:cut])
    with pytest.raises((InputError, EvidenceError)):
        zones.receive()
    path.write_bytes(was)
    assert zones.receive().rows == 5


def test_the_past_told_another_way_is_refused(zones: Zones, tmp_path: Path) -> None:
    """Somebody with the outer ledger begins it anew with other rows, and sends from the first."""
    zones.press(1, 5)
    zones.send()
    zones.receive()
    zones.town.conn.executescript("DROP TRIGGER row_is_never_changed; DROP TRIGGER row_is_never_deleted;")
    zones.town.conn.execute("UPDATE row SET hash = randomblob(32) WHERE id = 3")
    zones.press(2)
    zones.send(again_from=1)
    with pytest.raises(EvidenceError, match="row 3 is not the one"):
        zones.receive()


def test_a_ledger_that_was_set_back_outside_stops_the_feed(zones: Zones) -> None:
    zones.press(1, 5)
    zones.send()
    zones.town.conn.executescript("DROP TRIGGER row_is_never_deleted; DELETE FROM row WHERE id > 3;")
    with pytest.raises(EvidenceError, match="--again-from 1"):
        zones.send()


def test_another_ledgers_files_and_a_ledger_with_rows_of_its_own(zones: Zones, tmp_path: Path) -> None:
    zones.press(1)
    zones.send()
    zones.receive()
    (other := Zones(tmp_path / "other")).press(1)
    (foreign,) = other.send()
    (zones.gap / foreign.name).write_bytes(foreign.read_bytes())
    assert zones.receive().files == 0, "left alone"
    with pytest.raises(InputError, match="rows of its own"):
        receiver.receive(other.town.config, zones.gap, T0)


def test_the_copy_takes_no_rows_but_the_feeds(zones: Zones) -> None:
    zones.press(1)
    zones.send()
    zones.receive()
    with pytest.raises(LedgerError, match="copy of the other"):
        schema.open_for_writing(zones.inside.data.ledger)
    with (
        closing(sqlite3.connect(zones.inside.data.ledger)) as conn,
        pytest.raises(sqlite3.IntegrityError, match="is a copy"),
    ):
        conn.execute("INSERT INTO row VALUES (2, 0, 'office', NULL, NULL, x'00', x'00')")


def test_daily_roots_come_with_their_rows(zones: Zones) -> None:
    zones.press(1, 3)
    zones.town.seal()
    zones.send()
    zones.receive()
    have = {p.name: p.read_bytes() for p in zones.town.config.data.roots.glob("*.txt")}
    assert have
    assert {p.name: p.read_bytes() for p in zones.inside.data.roots.glob("*.txt")} == have
    assert root.read_latest(zones.inside.data.roots) is not None
    zones.same()


def test_the_inner_zones_wall_shows_the_same_presses(zones: Zones) -> None:
    zones.press(1, 4)
    zones.press(3)
    zones.box.write(CLOCK, reason=1, data=T0.to_bytes(8, "little"))
    zones.town.take(zones.box)
    zones.send()
    zones.receive()
    shown = []
    for config in (zones.town.config, zones.inside):
        with closing(Figures(config, lambda: T0 + 60_000)) as figures:
            while figures.step():
                pass
        with closing(stores.open_reader(config.data.wall)) as wall:
            shown.append(stores.get(wall, "shown"))
    assert shown == ["5", "5"]


def test_by_the_commands(zones: Zones) -> None:
    zones.press(1)
    out = CliRunner().invoke(app, ["-c", str(zones.town.file), "feed", "out", str(zones.gap)])
    assert (out.exit_code, out.output.count(".feed")) == (0, 1), out.output
    taken = CliRunner().invoke(app, ["-c", str(zones.file), "feed", "in"])
    assert taken.exit_code == 0, taken.output
    zones.same()
    assert CliRunner().invoke(app, ["-c", str(zones.file), "account"]).exit_code == 0
    asked = CliRunner().invoke(app, ["-c", str(zones.town.file), "feed", "out"])
    assert (asked.exit_code, "[feed] out" in asked.output) == (2, True)


def test_the_inner_service_takes_files_in_and_shows_them(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "TAKE_S", 0.05)
    zones.gap.mkdir()
    running = follower.Follower(zones.inside)
    running.start()
    try:
        zones.press(1, 3)
        zones.box.write(CLOCK, reason=1, data=T0.to_bytes(8, "little"))
        zones.town.take(zones.box)
        (path,) = zones.send()
        until("it is shown", lambda: _shown(zones) == "3")
        (zones.gap / path.name.replace(path.name[:16], "0" * 16)).write_text("another ledger's")
        zones.press(2)
        zones.send()
        until("what comes next too", lambda: _shown(zones) == "4")
        with pytest.raises(SetupError, match="another `manyi serve`"):
            follower.Follower(zones.inside)
    finally:
        running.close()
    assert running.failed == ""
    zones.same()


def _shown(zones: Zones) -> str:
    try:
        with closing(stores.open_reader(zones.inside.data.wall)) as wall:
            return stores.get(wall, "shown")
    except sqlite3.OperationalError:
        return ""


def test_the_doctor_says_when_no_files_come(zones: Zones) -> None:
    schema.open_for_writing(zones.town.config.data.ledger).close()
    zones.gap.mkdir()
    zones.receive()
    place = Place(zones.inside, zones.file, T0)
    assert [f.level for f in behind.feed(place)] == [Level.bad], "none yet"
    zones.press(1)
    zones.send()
    zones.receive()
    assert [f.level for f in behind.feed(Place(zones.inside, zones.file, zones.now_ms))] == [Level.good]
    assert [f.level for f in behind.feed(Place(zones.inside, zones.file, zones.now_ms + 3_600_000))] == [
        Level.bad
    ]
