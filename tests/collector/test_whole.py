"""A file whole or not at all: what is there while it is written, when that fails, and with which mode."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from manyi.core import whole


def test_what_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    whole.write(path, b"before\n")

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        whole.write(path, b"after\n")
    monkeypatch.undo()
    assert path.read_bytes() == b"before\n"
    whole.write(path, b"after\n")
    assert path.read_bytes() == b"after\n"
    assert os.listdir(tmp_path) == ["kept"], "nor is anything left beside it"


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_the_mode_is_the_wanted_one_whatever_the_umask_and_the_old_file_say(
    tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "kept"
    path.touch(0o666)
    was = os.umask(0o077)
    try:
        whole.write(path, b"x", mode)
    finally:
        os.umask(was)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_that_somebody_has_laid_in_the_way_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("theirs")
    (tmp_path / ".kept.new").symlink_to(target)
    whole.write(tmp_path / "kept", b"ours", 0o600)
    assert (target.read_text(), (tmp_path / "kept").read_bytes()) == ("theirs", b"ours")
