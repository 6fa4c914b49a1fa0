"""Which firmware starts: every word that the file `slot` can hold, and every disk that is not as it says."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import boot_slot
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasks import chores

APP = "/app"


@pytest.fixture
def fresh() -> ModuleType:
    """The module as a start finds it: it keeps what it chose."""
    return importlib.reload(boot_slot)


def disk(root: Path, text: str | None, *slots: str) -> str:
    for slot in slots:
        (root / slot).mkdir()
        (root / slot / "main.mpy").write_bytes(b"M")
    if text is not None:
        (root / "slot").write_text(text)
    return str(root)


@pytest.mark.parametrize(
    ("text", "runs", "file", "trial", "failed"),
    [
        (None, "app", None, False, ""),
        ("", "app", "", False, ""),
        ("app", "app", "app", False, ""),
        ("a", "a", "a", False, ""),
        ("b", "b", "b", False, ""),
        ("app>a?", "a", "app>a!", True, ""),
        ("app>a!", "app", "app>a!", False, "a"),
        ("a>b?", "b", "a>b!", True, ""),
        ("a>b!", "a", "a>b!", False, "b"),
        ("a>a?", "a", "a>a?", False, ""),
        ("b>", "b", "b>", False, ""),
        ("x>b?", "b", "app>b!", True, ""),
        ("app>x?", "app", "app>x?", False, ""),
        ("app>a", "app", "app>a", False, ""),
    ],
)
def test_what_runs_is_what_the_file_says(
    text: str | None, runs: str, file: str | None, trial: bool, failed: str, fresh: ModuleType, tmp_path: Path
) -> None:
    root = disk(tmp_path, text, "a", "b")
    assert fresh.select(root, APP) == (APP if runs == "app" else f"{root}/{runs}")
    assert (fresh.name, fresh.trial, fresh.failed) == (runs, trial, failed)
    slot = tmp_path / "slot"
    assert (slot.read_text() if slot.exists() else None) == file


def test_a_trial_that_is_not_kept_is_over_with_the_next_start(tmp_path: Path) -> None:
    root = disk(tmp_path, "a>b?", "a", "b")
    assert importlib.reload(boot_slot).select(root, APP) == root + "/b"
    again = importlib.reload(boot_slot)
    assert again.select(root, APP) == root + "/a"
    assert (again.trial, again.failed) == (False, "b")
    third = importlib.reload(boot_slot)
    assert third.select(root, APP) == root + "/a"


def test_a_trial_that_is_kept_stays(fresh: ModuleType, tmp_path: Path) -> None:
    root = disk(tmp_path, "app>a?", "a")
    fresh.select(root, APP)
    fresh.keep()
    assert not fresh.trial
    again = importlib.reload(boot_slot)
    assert again.select(root, APP) == root + "/a"
    assert (again.trial, again.failed) == (False, "")


@pytest.mark.parametrize("text", ["a", "app>a?", "b>a?"])
def test_a_slot_without_a_firmware_is_the_delivered_one_and_no_trial(
    text: str, fresh: ModuleType, tmp_path: Path
) -> None:
    root = disk(tmp_path, text, "b")
    assert fresh.select(root, APP) == APP
    assert (fresh.name, fresh.trial) == ("app", False)


def test_a_disk_that_takes_no_mark_tries_nothing(
    fresh: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = disk(tmp_path, "app>a?", "a")

    def full(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(fresh, "write", full)  # or the same slot would be tried at every start
    assert fresh.select(root, APP) == APP
    assert (fresh.name, fresh.trial) == ("app", False)


def test_a_trial_is_over_when_the_collector_answers_or_in_ten_minutes(
    fresh: ModuleType, tmp_path: Path
) -> None:
    root = disk(tmp_path, "app>a?", "a")
    fresh.select(root, APP)
    lines: list[str] = []
    resets: list[tuple[int, str]] = []
    port = SimpleNamespace(ident={}, tell=lines.append, reset=lambda *why: resets.append(why))
    core = SimpleNamespace(port=port, online=False)
    chores.try_out(core, chores.TRIAL_MS - 1)
    assert (resets, fresh.trial, (tmp_path / "slot").read_text()) == ([], True, "app>a!")
    chores.try_out(core, chores.TRIAL_MS)
    assert resets == [(chores.UPDATE, "update did not reach the collector")]
    core.online = True
    chores.try_out(core, chores.TRIAL_MS)
    assert (len(resets), fresh.trial, (tmp_path / "slot").read_text()) == (1, False, "a")
    assert lines == ["update kept slot=a"]


@given(st.binary(max_size=20))
def test_no_file_keeps_a_box_from_starting(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = disk(Path(folder), None, "a", "b")
        (Path(folder) / "slot").write_bytes(raw)
        assert importlib.reload(boot_slot).select(root, APP) in (APP, root + "/a", root + "/b")
