"""docs/CLI.md is what the commands say of themselves, and no page names a command that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.cli_page import PAGE, commands, render
from tests.docs.pages import code, name, pages


def test_the_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run: make docs"


def test_every_command_and_option_has_a_word_of_help() -> None:
    assert not re.search(r"^\| `[^|]+` \|\s*\|$", render(), re.MULTILINE)
    assert not re.search(r"`\n\n\n", render())


@pytest.mark.parametrize("page", pages(), ids=name)
def test_pages_name_only_commands_that_exist(page: Path) -> None:
    known = commands()
    for words in re.findall(r"\bmanyi ((?:[a-z]+ ?)+)", code(page)):
        first, *rest = words.split()
        assert f"manyi {first}" in known, f"manyi {words}"
        is_group = any(command.startswith(f"manyi {first} ") for command in known)
        if is_group and rest:
            assert f"manyi {first} {rest[0]}" in known, f"manyi {words}"
