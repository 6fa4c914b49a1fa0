"""The front door: `make` prints help, help names every target, the documents name no target that is not there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, code, name, pages, shell_lines

TEXT = (ROOT / "Makefile").read_text(encoding="utf-8")
PHONY = set(re.search(r"^\.PHONY: (.+)$", TEXT, re.MULTILINE).group(1).split())  # type: ignore[union-attr]
README_COMMANDS = ["make demo", "make test"]


def test_make_alone_prints_help_that_names_every_target() -> None:
    shown = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in shown.splitlines() if line.startswith("  make ")} == PHONY


def test_every_target_that_is_no_file_is_phony() -> None:
    assert set(re.findall(r"^([a-z]+):", TEXT, re.MULTILINE)) == PHONY


@pytest.mark.parametrize("page", pages(), ids=name)
def test_documents_name_only_targets_that_exist(page: Path) -> None:
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)\b(?!\s*=)", code(page))) - PHONY == set()


def test_a_recipe_of_every_target_can_be_shown() -> None:
    """`make -n` reads everything and runs nothing: a slip in a variable or a rule shows here."""
    for target in sorted(PHONY):
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_it_is_a_makefile_for_make_3_81() -> None:
    too_new = {
        r"^\.ONESHELL": "3.82", r"^[^\t#]*!=": "4.0", r"\$\(file ": "4.0", r"&:": "4.3", r"^define .*=": "3.82",
        r"^\.RECIPEPREFIX": "3.82", r"^[^\t#]*::=": "4.0", r"\$\(guile ": "4.0", r"^undefine ": "3.82",
        r"\$\(intcmp ": "4.4", r"\$\(let ": "4.4",
    }  # fmt: skip
    assert [f"{what} needs {v}" for what, v in too_new.items() if re.search(what, TEXT, re.MULTILINE)] == []


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_readme_has_the_bare_machine_line_and_the_two_commands(readme: str) -> None:
    lines = shell_lines(ROOT / readme)
    assert lines == ["sudo apt install git make python3-venv", *README_COMMANDS]


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_demo_takes_every_setting_that_the_readme_shows(readme: str) -> None:
    settings = set(re.findall(r"make demo ((?:[A-Z_]+=\S+ ?)+)", code(ROOT / readme)))
    for words in settings:
        shown = subprocess.run(
            ["make", "-n", "demo", *words.split()], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for word in words.split():
            name = word.partition("=")[0].lower()
            assert {"en": "--lang en"}.get(name, f"--{name}") in shown.stdout


def test_a_setting_of_zero_is_off() -> None:
    shown = subprocess.run(
        ["make", "-n", "demo", "FAULTS=0"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--faults" not in shown.stdout
