"""A disk that fills while boxes talk: nothing is acknowledged, nothing is lost, the wall says so, and it goes on by itself."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from manyi.core import disk, stores
from manyi.core.config import Broker, City, Config, Data, KeyFiles, Policy, Web
from manyi.core.disk import MIB, RESERVE_BYTES, Room
from manyi.core.inbox import Inbox
from manyi.core.ledger import reader, schema
from manyi.core.pipeline import Pipeline
from manyi.core.projector import Figures
from manyi.core.workings import PIPELINE, Workings

from tests.collector.box_double import BoxDouble
from tests.collector.speaking import OneKey, spoken
from tests.services.processes import missing

NOON = 1_795_000_000_000
BATCH = 20


class Centre:
    """Pipeline and projector on one data folder, on a disk whose free bytes the test says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free, self.now_ms = 100 * RESERVE_BYTES, NOON
        self.conn = schema.open_for_writing(folder / "ledger.db")
        self.inbox, self.workings = Inbox(), Workings()
        self.acks: list[int] = []
        self.pipeline = Pipeline(
            self.inbox, OneKey(), self.conn, lambda _, body: self.acks.append(json.loads(body)["seq"]), Event(),
            now_ms=lambda: self.now_ms, workings=self.workings, free_bytes=lambda: self.free,
        )  # fmt: skip
        monkeypatch.setattr(disk, "room", lambda _: Room(self.free, 1000 * RESERVE_BYTES))
        config = Config(
            City("临江市", "Linjiang"), Data(folder), Broker("127.0.0.1", 1, "", None, True, None),
            KeyFiles(folder / "keys"), None, Web("127.0.0.1", 1, None), Policy(5_000, 5, 180),
        )  # fmt: skip
        self.figures = Figures(config, lambda: self.now_ms, self.workings)
        self.wall = stores.open_reader(folder / "wall.db")

    def close(self) -> None:
        for one in (self.wall, self.figures, self.conn):
            one.close()

    def hear(self, box: BoxDouble) -> bool:
        self.inbox.put(*spoken(box.batch()))
        return self.pipeline.turn(0)

    def alarms(self) -> dict[str, dict[str, Any]]:
        self.now_ms += 60_000
        while self.figures.step():
            pass
        return {a["kind"]: a for a in json.loads(stores.get(self.wall, "health", "{}"))["alarms"]}

    def stored(self) -> int:
        return sum(row.kind == "record" for row in reader.rows_after(self.conn, 0, 100_000))


@pytest.fixture
def centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    made = Centre(tmp_path, monkeypatch)
    yield made
    made.close()


def talk(centre: Centre, box: BoxDouble) -> bool:
    """One batch there, and its ack back."""
    heard = len(centre.acks)
    took = centre.hear(box)
    if len(centre.acks) > heard:
        box.take_ack(centre.acks[-1], centre.conn.execute("SELECT tag FROM head").fetchone()[0])
    return took


def test_sqlite_out_of_pages_stops_the_acks_and_room_starts_them_again(centre: Centre) -> None:
    box = BoxDouble()
    box.press(1, BATCH)
    assert talk(centre, box)
    pages = centre.conn.execute("PRAGMA page_count").fetchone()[0]
    centre.conn.execute(f"PRAGMA max_page_count = {pages + 1}")
    pressed = BATCH
    while True:
        box.press(1, BATCH)
        pressed += BATCH
        if not talk(centre, box):
            break
        assert pressed < 10_000, "the disk never filled"
    acked, stored = len(centre.acks), centre.stored()
    assert PIPELINE in centre.workings.troubles()
    assert not talk(centre, box)
    assert (len(centre.acks), centre.stored()) == (acked, stored)
    assert "不会丢失" in centre.alarms()["disk_full"]["text_zh"]

    centre.conn.execute("PRAGMA max_page_count = 1000000")
    while centre.stored() < pressed:
        assert talk(centre, box)
    assert centre.stored() == pressed == box.presses
    assert "disk_full" not in centre.alarms()
    assert centre.workings.troubles() == {}


def test_taking_in_stops_while_there_is_still_room_for_the_wall_to_say_so(centre: Centre) -> None:
    box = BoxDouble()
    box.press(1, 3)
    centre.free = RESERVE_BYTES - 1
    assert not talk(centre, box)
    assert (centre.acks, centre.stored()) == ([], 0)
    said = centre.alarms()["disk_full"]
    assert f"剩 {RESERVE_BYTES // MIB - 1} MiB" in said["text_zh"]
    assert said["since_ms"] == NOON
    centre.free = RESERVE_BYTES
    assert centre.pipeline.turn(0), "what had arrived meanwhile was kept"
    assert centre.stored() == 3
    assert centre.acks == [3]
    assert "disk_full" not in centre.alarms()


def test_a_disk_that_cannot_be_asked_is_taken_for_a_full_one(centre: Centre) -> None:
    def gone() -> int:
        raise OSError("No such device")

    box = BoxDouble()
    box.press(1)
    centre.pipeline._free_bytes = gone
    assert not talk(centre, box)
    assert "No such device" in centre.alarms()["stalled"]["text_zh"]


MOUNT = 'mount -t tmpfs -o size=100m small "$1"'
# What a kernel says that gives no name space, or no mount in it: no right, a filter, none left, none built in. Nobody can
# install anything against that (a container of CI may have neither), so there alone the test is skipped, with CI=true too.
FORBIDDEN = (
    "Operation not permitted",
    "Permission denied",
    "unshare failed: No space left on device",
    "unshare failed: Invalid argument",
)


def small_mounts(folder: Path) -> list[str]:
    """The words before a shell's commands that give it mounts of its own; the test ends where there are none."""
    said = ""
    for words in (["unshare", "-m"], ["unshare", "-rm"]):
        try:
            tried = subprocess.run(
                [*words, "sh", "-c", MOUNT, "sh", folder],
                capture_output=True, check=False, text=True, env=os.environ | {"LC_ALL": "C"},
            )  # fmt: skip
        except FileNotFoundError:
            missing("unshare", "sudo apt install util-linux")
        if tried.returncode == 0:
            return words
        said = tried.stderr.strip()
    if any(reason in said for reason in FORBIDDEN):
        pytest.skip(f"the kernel gives this user no mount of a tmpfs, so no disk was filled: {said}")
    pytest.fail(f"no tmpfs could be mounted, and not for want of a right: {said}", pytrace=False)


def test_a_real_disk_that_is_filled_to_the_brim(tmp_path: Path) -> None:
    """On a tmpfs that nobody else sees: as root, or where an ordinary user may have a name space of mounts."""
    done = subprocess.run(
        [*small_mounts(tmp_path), "sh", "-c", f'{MOUNT} && exec "$2" -m tests.collector.small_disk "$1"', "sh", tmp_path,
         sys.executable],
        capture_output=True, check=False, text=True, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "goes on by itself with every press" in done.stdout


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ("unshare: unshare failed: Operation not permitted", pytest.skip.Exception),
        ("unshare: write failed /proc/self/uid_map: Permission denied", pytest.skip.Exception),
        ("mount: /x: permission denied: Permission denied", pytest.skip.Exception),
        ("mount: /x: unknown filesystem type 'tmpfs'.", pytest.fail.Exception),
        ("sh: 1: mount: not found", pytest.fail.Exception),
        (None, pytest.fail.Exception),
    ],
)
def test_only_a_kernel_that_forbids_it_lets_that_disk_go_unfilled_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, ends: type[BaseException]
) -> None:
    if said is not None:
        (tmp_path / "unshare").write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 1\n')
        (tmp_path / "unshare").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(ends):
        small_mounts(tmp_path)
