"""Writes docs/CLI.md from the commands' own help; `make docs` runs it, a test compares. It adds nothing of its own."""

from __future__ import annotations

from collections.abc import Iterator

import click
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
    root = typer.main.get_command(app)
    return HEAD + "".join(_command(root, "manyi")) + "\n"


def commands() -> set[str]:
    """Every command by its full name, such as `manyi roster import`."""
    return set(_walk(typer.main.get_command(app), "manyi"))


def _walk(command: click.Command, path: str) -> Iterator[str]:
    yield path
    for name, sub in _subcommands(command):
        yield from _walk(sub, f"{path} {name}")


def _subcommands(command: click.Command) -> list[tuple[str, click.Command]]:
    return [(n, c) for n, c in getattr(command, "commands", {}).items() if not c.hidden]


def _command(command: click.Command, path: str) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    yield f"\n## {path}\n\n`{' '.join([path, *command.collect_usage_pieces(context)])}`\n\n{_text(command.help)}\n"
    rows = [_row(p) for p in command.params if p.name not in HIDDEN and not getattr(p, "hidden", False)]
    if rows:
        yield "\n| | |\n|---|---|\n" + "".join(rows)
    for name, sub in _subcommands(command):
        yield from _command(sub, f"{path} {name}")


def _row(parameter: click.Parameter) -> str:
    what = parameter.human_readable_name.upper()
    if isinstance(parameter, click.Option):
        kind = "" if parameter.is_flag else f" {_type(parameter)}"
        what = ", ".join([*parameter.opts, *parameter.secondary_opts]) + kind
    said = _text(getattr(parameter, "help", "") or "")
    default = parameter.default
    if default not in (None, False, "", ()) and not callable(default) and "default" not in said:
        said = f"{said} Default: {getattr(default, 'value', default)}."
    return f"| `{what}` | {said.strip()} |\n"


def _type(parameter: click.Parameter) -> str:
    kind = parameter.type
    if isinstance(kind, click.Choice):
        return "/".join(str(getattr(c, "value", c)) for c in kind.choices)
    return {"integer range": "NUMBER", "integer": "NUMBER", "float": "NUMBER", "float range": "NUMBER"}.get(
        kind.name, kind.name.upper()
    )


def _text(text: str | None) -> str:
    """Help as one flow per paragraph."""
    paragraphs = (text or "").replace("\b", "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(commands())} commands")
