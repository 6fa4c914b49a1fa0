"""Key files: what is refused, and that a new box is seen without a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from manyi.core import keys
from manyi.core.errors import SetupError

K1, K2 = "ab" * 32, "cd" * 32


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "link.keys"
    path.touch(mode=0o600)
    path.write_text(f"# the hall\nmb-one {K1}  # window 1\n\n")
    return path


def test_boxes_comments_and_blank_lines(file: Path) -> None:
    assert keys.load(file, "key file") == {"mb-one": bytes.fromhex(K1)}


def test_every_bad_line_is_named_at_once_and_no_key_is_printed(file: Path) -> None:
    file.write_text(f"mb-one {K1}\nmb-one {K2}\nMB {K1}\nmb-two {K1[:-1]}\nmb-three {K1.upper()}\nmb-four\n")
    with pytest.raises(SetupError) as caught:
        keys.load(file, "key file")
    assert [p.split(":")[1] for p in caught.value.problems] == ["2", "3", "4", "5", "6"]
    assert K1[:8] not in str(caught.value)


def test_a_file_that_others_may_read_is_refused_with_the_remedy(file: Path) -> None:
    file.chmod(0o640)
    with pytest.raises(SetupError, match="chmod 600"):
        keys.load(file, "key file")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read"):
        keys.load(tmp_path / "none", "key file")


def test_a_new_box_is_seen_when_it_first_speaks(file: Path) -> None:
    now = [0.0]
    link = keys.LinkKeys(file, lambda: now[0])
    assert link.link("mb-two") is None
    file.write_text(f"mb-one {K1}\nmb-two {K2}\n")
    assert link.link("mb-two") is None, "not looked at twice in a second"
    now[0] = 1.5
    assert link.link("mb-two") == bytes.fromhex(K2)


def test_a_withdrawn_box_is_gone_after_the_next_refresh(file: Path) -> None:
    link = keys.LinkKeys(file)
    file.write_text(f"mb-two {K2}\n")
    link.refresh()
    assert link.link("mb-one") is None


def test_a_broken_new_file_leaves_the_keys_in_force(file: Path) -> None:
    link = keys.LinkKeys(file)
    file.write_text("nonsense\n")
    link.refresh()
    assert link.link("mb-one") == bytes.fromhex(K1)
    file.unlink()
    link.refresh()
    assert link.link("mb-one") == bytes.fromhex(K1)
