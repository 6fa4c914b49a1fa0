"""What people are told is in Chinese and English: every error that is raised, every line that a command prints. Read from the
program itself; errors that tests meet are watched besides (tests/both.py)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from manyi.broker.names import BrokerError
from manyi.core.errors import InputError, SetupError

from tests.both import HAN, in_both

ROOT = Path(__file__).parents[2] / "collector"
TREES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted(ROOT.rglob("*.py"))}
PROSE = re.compile(
    r"[A-Za-z]{2,}[,:;]? [a-z]{2,}[,:;.]? [a-z]{2,}"
)  # three words: no format, name or command
COMMAND = re.compile(r"manyi [a-z]+ ")
PRINTS = {"echo", "secho", "print", "exit", "confirm", "prompt", "say", "told"}
PUT_TOGETHER = {"both", "told"}
"""Take Chinese, then English."""


def ours() -> set[str]:
    """The errors that are shown to people, by name."""
    classes = [n for tree in TREES.values() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    found, before = {"ManyiError", "BrokerError"}, 0
    while len(found) > before:
        before = len(found)
        found |= {c.name for c in classes if {ast.unparse(base) for base in c.bases} & found}
    return found


OURS = ours()


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def texts(node: ast.AST) -> str:
    """All that is written in it, but for what is put together of two."""
    if isinstance(node, ast.Call) and name_of(node) in PUT_TOGETHER and len(node.args) > 1:
        return texts(node.args[0])
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) and not COMMAND.match(node.value) else ""
    return "\n".join(map(texts, ast.iter_child_nodes(node)))


def said(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and name_of(node.exc) in OURS:
            yield node.exc
        elif isinstance(node, ast.Call) and name_of(node) in PRINTS | PUT_TOGETHER:
            yield node


@pytest.mark.parametrize("file", TREES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_error_and_no_line_is_in_english_alone(file: Path) -> None:
    alone = [
        f"line {node.lineno}: {text}"
        for node in said(TREES[file])
        if PROSE.search(text := texts(node)) and not HAN.search(text)
    ]
    assert not alone


def test_errors_of_every_package_are_known() -> None:
    assert {"InputError", "SetupError", "EvidenceError", "BoxError", "Refusal", "Unfit"} <= OURS


def test_the_watch_knows_one_language_from_two() -> None:
    assert in_both("没有文件 / there is no file")
    for text in ("there is no file", "没有文件", "there / is", "没有 / 文件", ""):
        assert not in_both(text)
    for error in (InputError, SetupError, BrokerError):
        with pytest.raises(AssertionError, match="one language"):
            raise error("there is no file")
