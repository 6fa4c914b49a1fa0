"""An update piece by piece, under CPython: when it is asked for, refused and marked. What it does to a real disk and a
real box: test_update_cuts.py, test_sim_update.py."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boot_slot
import pytest
from tasks import update
from tasks.update import ASK_MS, FILES_MAX, GIVE_UP_MS, SIZE_MAX

from tests.firmware.simbox import BOX, K_LINK
from tests.firmware.test_sim_update import bundle

FILES = {"main.mpy": b"M" * 700, "box/keys.mpy": b"K" * 300, "tasks/hand_2.mpy": b"H"}
STREAM = bundle(FILES)


class Disk:
    """ports/disk.py's, in memory; `harm` may change what a file gives back."""

    def __init__(self) -> None:
        self.files: dict[str, io.BytesIO] = {}
        self.steps: list[str] = []
        self.lists: list[Kept] = []
        self.made: list[Kept] = []
        self.harm: Callable[[bytes], bytes] = bytes

    def clear(self, name: str) -> None:
        self.steps.append("clear " + name)
        self.files = {path: f for path, f in self.files.items() if not path.startswith(name + "/")}

    def create(self, name: str) -> io.BytesIO:
        self.made.append(Kept())
        self.files[name] = self.made[-1]
        return self.made[-1]

    def write(self, file: io.BytesIO, data: bytes) -> None:
        file.write(data)

    def open(self, name: str) -> io.BytesIO:
        self.lists.append(Kept(self.files[name].getvalue()))
        return self.lists[-1]

    def sum(self, name: str) -> tuple[int, bytes]:
        whole = self.harm(self.files[name].getvalue())
        return len(whole), hashlib.sha256(whole).digest()

    def slot(self, text: str) -> None:
        self.steps.append("slot " + text)


class Kept(io.BytesIO):
    """Can be read after it was closed, as flash can."""

    shut = False

    def close(self) -> None:
        self.shut = True


@pytest.fixture
def core() -> SimpleNamespace:
    disk = Disk()
    port = SimpleNamespace(disk=lambda: disk)
    core = SimpleNamespace(port=port, journal=SimpleNamespace(depth=0), dated=True, ms=0, kept=disk)
    core.note_now = lambda: core.dated
    core.now = lambda: core.ms
    return core


@pytest.fixture(autouse=True)
def delivered() -> Iterator[None]:
    yield
    boot_slot.name, boot_slot.trial = boot_slot.APP, False


def begun(core: SimpleNamespace, stream: bytes = STREAM, version: str = "1.0.1") -> update.Update:
    got, why = update.begin(core, K_LINK, BOX, "u1", f"{version} {len(stream)}")
    assert got, why
    return got


def chunk(at: int, data: bytes, id: str = "u1") -> dict[str, Any]:
    return {"id": id, "at": at, "data": base64.b64encode(data).decode()}


def fed(core: SimpleNamespace, stream: bytes = STREAM, size: int = 100, **how: Any) -> update.Update:
    """All of it, as it is asked for."""
    u = begun(core, stream, **how)
    while (asked := u.step(core.ms)) is not None:
        at = json.loads(asked + b"}")["at"]
        u.chunk(chunk(at, stream[at : at + size]))
    return u


@pytest.mark.parametrize("size", [1, 7, 100, 256])
def test_whatever_the_pieces_the_files_are_whole_and_the_slot_is_marked_last(
    size: int, core: SimpleNamespace
) -> None:
    u = fed(core, size=size)
    assert (u.done, u.why) == (True, "")
    assert {n: f.getvalue() for n, f in core.kept.files.items() if n != "a/manifest"} == {
        "a/" + name: body for name, body in FILES.items()
    }
    assert core.kept.steps == ["slot app", "clear a", "slot app>a?"]


def test_the_slot_that_runs_is_not_the_one_that_is_written(core: SimpleNamespace) -> None:
    boot_slot.name = "a"
    fed(core)
    assert core.kept.steps == ["slot a", "clear b", "slot a>b?"]


@pytest.mark.parametrize(
    ("arg", "why"),
    [("1.0.1", "size"), ("1.0.1 x", "size"), ("1.0.1 0", "size"), (f"1.0.1 {SIZE_MAX + 1}", "size"), ("1.0.1 -5", "size")],
)  # fmt: skip
def test_a_size_that_cannot_be_is_refused_at_once(arg: str, why: str, core: SimpleNamespace) -> None:
    assert update.begin(core, K_LINK, BOX, "u1", arg) == (None, why)
    assert core.kept.steps == []


def test_the_largest_is_begun(core: SimpleNamespace) -> None:
    assert update.begin(core, K_LINK, BOX, "u1", f"1.0.1 {SIZE_MAX}")[1] == ""


def test_on_trial_with_records_waiting_or_without_the_time_nothing_is_begun(core: SimpleNamespace) -> None:
    boot_slot.trial = True
    assert update.begin(core, K_LINK, BOX, "u1", "1.0.1 9") == (None, "this firmware is on trial itself")
    boot_slot.trial, core.journal.depth = False, 1
    assert update.begin(core, K_LINK, BOX, "u1", "1.0.1 9") == (None, "records wait")
    core.journal.depth, core.dated = 0, False
    assert update.begin(core, K_LINK, BOX, "u1", "1.0.1 9") == (None, "the time is not known yet")
    assert core.kept.steps == []


def test_a_slot_that_cannot_be_marked_is_the_end_of_the_update_and_not_of_the_link(
    core: SimpleNamespace,
) -> None:
    slot = core.kept.slot

    def full(text: str) -> None:
        if text.endswith("?"):
            raise OSError
        slot(text)

    core.kept.slot = full
    u = fed(core)
    assert (u.done, u.why) == (False, "disk")


def test_a_disk_that_takes_nothing_is_named(core: SimpleNamespace) -> None:
    def full(_: str) -> None:
        raise OSError

    core.kept.slot = full
    assert update.begin(core, K_LINK, BOX, "u1", "1.0.1 9") == (None, "disk")
    del core.kept.slot
    u = begun(core)
    core.kept.write = lambda *_: full("")
    u.chunk(chunk(0, STREAM[:100]))
    assert u.why == "disk"


def test_with_records_waiting_the_slot_is_marked_when_they_are_gone(core: SimpleNamespace) -> None:
    u = begun(core)
    for at in range(0, len(STREAM), 256):
        u.chunk(chunk(at, STREAM[at : at + 256]))
    core.journal.depth = 1
    assert u.step(core.ms) is None
    assert not u.done
    core.journal.depth = 0
    u.step(core.ms)
    assert u.done


def test_if_they_never_go_it_is_given_up(core: SimpleNamespace) -> None:
    u = begun(core)
    for at in range(0, len(STREAM), 256):
        u.chunk(chunk(at, STREAM[at : at + 256]))
    core.journal.depth = 1
    assert (u.step(GIVE_UP_MS - 1), u.why) == (None, "")
    u.step(GIVE_UP_MS)
    assert (u.done, u.why) == (False, "records wait")
    assert core.kept.steps[-1] == "clear a"


def test_a_piece_that_does_not_come_is_asked_for_again_and_not_for_ever(core: SimpleNamespace) -> None:
    u = begun(core)
    assert u.step(0) == b'{"v":1,"id":"u1","at":0'
    assert u.step(ASK_MS - 1) is None
    assert u.step(ASK_MS) == b'{"v":1,"id":"u1","at":0'
    assert u.why == ""
    u.step(GIVE_UP_MS - 1)
    assert u.why == ""
    u.step(GIVE_UP_MS + ASK_MS)
    u.step(GIVE_UP_MS + ASK_MS + 1)
    assert u.why == "no data came"
    assert u.step(GIVE_UP_MS * 2) is None


def test_pieces_of_another_update_or_twice_change_nothing(core: SimpleNamespace) -> None:
    u = begun(core)
    u.chunk(chunk(0, STREAM[:100]))
    u.chunk(chunk(0, STREAM[:100]))
    u.chunk(chunk(100, STREAM[100:200], id="u2"))
    u.chunk(chunk(150, STREAM[150:200]))
    assert u.step(0) == b'{"v":1,"id":"u1","at":100'


def test_more_than_was_announced_is_refused_before_it_is_taken(core: SimpleNamespace) -> None:
    u = begun(core, STREAM[:50])
    u.chunk(chunk(0, STREAM[:51]))
    assert u.why == "size"
    u.chunk(chunk(0, STREAM[:50]))
    assert u.why == "size", "it is over"


def test_no_file_is_made_before_the_signature_is_right(core: SimpleNamespace) -> None:
    u = fed(core, bundle(FILES, key=bytes(32)))
    assert (u.why, list(core.kept.files)) == ("signature", ["a/manifest"])


@pytest.mark.parametrize("how", ["a torn file", "a path", "a signature", "a full disk", "nothing more"])
def test_an_update_that_is_given_up_leaves_no_file_open(how: str, core: SimpleNamespace) -> None:
    files = {"box.json": b"1"} if how == "a path" else FILES
    stream = bundle(files, key=bytes(32) if how == "a signature" else K_LINK)
    u = begun(core, stream)
    if how == "a torn file":
        core.kept.harm = lambda whole: whole[:-1]
    for at in range(0, len(stream), 100):
        if at >= 400 and how == "nothing more":
            break
        if at >= 400 and how == "a full disk":
            core.kept.write = full
        u.chunk(chunk(at, stream[at : at + 100]))
    if not u.why:
        core.ms = GIVE_UP_MS
        u.step(core.ms)
        u.step(core.ms)
    assert u.why
    assert core.kept.made
    assert all(f.shut for f in core.kept.made + core.kept.lists)


def full(*_: object) -> None:
    raise OSError


def test_flash_that_keeps_another_byte_is_found(core: SimpleNamespace) -> None:
    core.kept.harm = lambda whole: whole[:-1] + b"\0"
    assert fed(core).why == "digest"
    core.kept.harm = lambda whole: whole[:-1]
    assert fed(core).why == "digest"


@pytest.mark.parametrize(
    "path",
    [
        "../x.mpy",
        "/x.mpy",
        "x.py",
        "box.json",
        "a.b.mpy",
        "X.mpy",
        ".mpy/../../slot.mpy",
        "slot",
        "box/kéys.mpy",
    ],
)
def test_a_path_that_is_no_firmware_is_refused(path: str, core: SimpleNamespace) -> None:
    assert fed(core, bundle({path: b"1"})).why == "path"
    assert list(core.kept.files) == ["a/manifest"]


def test_an_empty_file_is_none(core: SimpleNamespace) -> None:
    assert fed(core, bundle({"main.mpy": b"", "box/a.mpy": b"1"})).why == "path"


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (b"manyi 1.0.1 0\n" + b"x" * 99, "manifest"),
        (b"manyi 1.0.1 %d\n" % (FILES_MAX + 1) + b"x" * 99, "manifest"),
        (b"manyi 1.0.1 -1\n" + b"x" * 99, "manifest"),
        (b"other 1.0.1 1\n" + b"x" * 99, "manifest"),
        (b"manyi 1.0.1\n" + b"x" * 99, "manifest"),
        (b"manyi 1.0.1 1 1\n" + b"x" * 99, "manifest"),
        (b"manyi 1.0.2 1\n" + b"x" * 99, "manifest"),
        (b"x" * 161, "manifest"),
        (b"manyi 1.0.1 1\n" + b"x" * 161, "manifest"),
        (bundle(FILES) + b"1", "size"),
        (bundle(FILES)[:-1], "size"),
        (bundle(FILES)[:-301], "size"),
    ],
)
def test_a_stream_that_is_no_firmware_is_refused_by_name(
    stream: bytes, why: str, core: SimpleNamespace
) -> None:
    assert fed(core, stream).why == why


def test_as_many_files_as_may_be_and_lines_as_long(core: SimpleNamespace) -> None:
    files = {f"box/{'x' * 70}{i}.mpy": b"1" for i in range(FILES_MAX)}
    assert fed(core, bundle(files), size=256).done
    assert max(len(line) for line in core.kept.files["a/manifest"].getvalue().split(b"\n")) > 140
