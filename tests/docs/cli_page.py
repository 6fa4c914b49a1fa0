"""Writes docs/CLI.md from the commands' own help; `make docs` runs it, a test compares. It adds nothing of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer
from manyi.cli import app

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "CLI.md"
HEAD = """\
# The command line

Written by `make docs` from the commands' own help; a test compares. In a checkout it is `.venv/bin/manyi`.
Every command answers `--help`, and what goes wrong says what to do.
"""
HIDDEN = {"help", "install_completion", "show_completion"}  # the same everywhere


def render() -> str:
    return HEAD + "".join(_command(typer.main.get_command(app), "manyi", None))


def commands() -> set[str]:
    """Every command by its full name, such as `manyi roster import`."""
    return set(_walk(typer.main.get_command(app), "manyi"))


def _walk(command: Any, path: str) -> Iterator[str]:
    yield path
    for name, sub in _subcommands(command):
        yield from _walk(sub, f"{path} {name}")


def _subcommands(command: Any) -> list[tuple[str, Any]]:
    return [(n, c) for n, c in getattr(command, "commands", {}).items() if not c.hidden]


def _command(command: Any, path: str, parent: typer.Context | None) -> Iterator[str]:
    context = typer.Context(command, parent=parent, info_name=path.rpartition(" ")[2])
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield f"\n## {path}\n\n`{usage}`\n\n{_text(command.help)}\n"
    rows = [
        _row(p, context) for p in command.params if p.name not in HIDDEN and not getattr(p, "hidden", False)
    ]
    if rows:
        yield "\n| | |\n|---|---|\n" + "".join(rows)
    for name, sub in _subcommands(command):
        yield from _command(sub, f"{path} {name}", context)


def _row(parameter: Any, context: typer.Context) -> str:
    option = parameter.param_type_name == "option"
    what = ", ".join([*parameter.opts, *parameter.secondary_opts]) if option else parameter.name.upper()
    if option and not parameter.is_flag:
        what += f" {parameter.display_type(context)}"
    said = _text(parameter.help)
    default = getattr(parameter.default, "value", parameter.default)
    if default not in (None, False, "", ()) and not callable(default):
        said += f" [{default}]"
    return f"| `{what.replace('|', '/')}` | {said} |\n"


def _text(text: str | None) -> str:
    """Help as one flow per paragraph."""
    paragraphs = (text or "").replace("\b", "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {len(commands())} commands\n")
