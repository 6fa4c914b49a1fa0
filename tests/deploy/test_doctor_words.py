"""No fault without what to do, in Chinese and in English: `manyi doctor` and `manyi broker check`, by their source.

Every call that makes a fault is read from the syntax tree, so that one which no test provokes counts too. What to do must
begin with a command or with a verb, in each language by itself; a name it is put together from must be a module's constant.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import typer
from manyi import broker, doctor
from manyi.cli import app

MODULES = {
    f"{package.__name__}.{path.stem}": path
    for package in (doctor, broker)
    for path in sorted(Path(str(package.__file__)).parent.glob("*.py"))
}
FAULTS = {"warn", "bad", "finding"}  # what is called to say one
HERE_MADE = {"manyi.doctor.finding", "manyi.broker.judge"}  # where those stand
COMMAND = re.compile(
    r"(systemctl|journalctl|runuser|manyi|chmod|chown|timedatectl|grafana|cp|mv|rm) [a-z0-9…-]"
)
ZH = re.compile("改|补|删|换|查|核对|等|重|建|排除|从|续期|马上|校准|清理|移走|复制|写上|同步|交给")
EN = re.compile(
    "(add|allow|ask|change|check|compare|copy|edit|hand|issue|keep|let|look|make|mend|move|name|put|remove|renew|set|take"
    "|try|use|write) "
)
CHINESE = re.compile(r"[\u3400-\u9fff]")
COMMANDS = re.compile(
    r"(?<!-u )(?<!start )(?<!status )(?<!cat )\bmanyi(?: [a-z]+\b)+(?: --?[a-z-]+| [^\s；;，：():]+)*"
)
OPEN = "…"  # stands for what is only known when the fault is met


@dataclass(frozen=True)
class Said:
    """What a call of the source tells to do."""

    at: str
    zh: str
    en: str


def faults(name: str, path: Path) -> Iterator[Said]:
    module = importlib.import_module(name)
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and _name(call.func) in FAULTS | {"Finding"}:
            yield from _said(call, module, f"{path.parent.name}/{path.name}:{call.lineno}")


def _said(call: ast.Call, module: ModuleType, at: str) -> Iterator[Said]:
    """The arguments after what was found: in Chinese or for both, in English."""
    if _name(call.func) == "Finding" and module.__name__ in HERE_MADE:
        return
    before = 4 if _name(call.func) == "Finding" else 3
    rest = call.args[before:]
    assert not call.keywords, at
    if len(rest) == 1 and isinstance(rest[0], ast.Starred):
        return  # handed on: the texts stand where the pair is made, below
    assert 1 <= len(rest) <= 2, f"{at}: a fault without what to do"
    texts = [_text(arg, module, at) for arg in rest]
    yield Said(at, texts[0], texts[-1])


def pairs(name: str, path: Path) -> Iterator[Said]:
    """What is handed on as `do`: pairs of texts that stand as an argument."""
    module = importlib.import_module(name)
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and _name(call.func) == "_judge_end":
            at = f"{path.parent.name}/{path.name}:{call.lineno}"
            (pair,) = (arg for arg in call.args if isinstance(arg, ast.Tuple))
            zh, en = (_text(each, module, at) for each in pair.elts)
            yield Said(at, zh, en)


def _name(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")


def _text(node: ast.expr, module: ModuleType, at: str) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else _known(part, module) for part in node.values
        )
    known = getattr(module, node.id, None) if isinstance(node, ast.Name) else None
    assert isinstance(known, str), f"{at}: say it where the fault is said"
    return known


def _known(part: ast.expr, module: ModuleType) -> str:
    value = part.value if isinstance(part, ast.FormattedValue) else part
    known = getattr(module, value.id, OPEN) if isinstance(value, ast.Name) else OPEN
    return known if isinstance(known, str) else OPEN


ALL = [said for name, path in MODULES.items() for find in (faults, pairs) for said in find(name, path)]


def tells_in_chinese(text: str) -> bool:
    return bool(COMMAND.match(text)) or bool(ZH.match(text))


def tells_in_english(text: str) -> bool:
    return not CHINESE.search(text) and bool(COMMAND.match(text) or EN.match(text))


def test_the_source_was_read() -> None:
    seen = {said.at.partition(":")[0] for said in ALL}
    checks = {"alerts", "behind", "books", "doors", "host", "link", "safety", "servers", "through", "cli"}
    judges = {"check", "judge", "judge_accounts", "judge_certificate"}
    assert seen == {f"doctor/{name}.py" for name in checks} | {f"broker/{name}.py" for name in judges}
    calls = sum(
        len(re.findall(r"\b(?:warn|bad|finding)\(\n? *\S", path.read_text())) for path in MODULES.values()
    )
    handed_on, made = 2, 3  # `*do` in judge_certificate.py; `def warn`, `def bad`, `def finding`
    late, renewals = 1, 2  # safety.py's Finding of two levels; the pairs that are handed on
    assert len(ALL) == calls - handed_on - made + late + renewals


@pytest.mark.parametrize("said", ALL, ids=lambda said: said.at)
def test_what_to_do_begins_with_a_command_or_a_verb_in_both_languages(said: Said) -> None:
    assert tells_in_chinese(said.zh), said.zh
    assert tells_in_english(said.en), said.en


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("", ""),
        ("服务没有运行", "is a firewall between?"),
        ("消息服务器的口令不对，chmod 600 它", "the file is wrong: chmod 600 it"),
        ("systemctl", "nothing"),
        ("is it there?", "改成自己的"),
        ("chmod：", "chmod 600 这个文件"),
    ],
)
def test_words_that_tell_nobody_what_to_do_are_none(zh: str, en: str) -> None:
    assert not tells_in_chinese(zh)
    assert not tells_in_english(en)


def test_every_command_of_ours_that_is_told_exists_and_has_what_it_must_have() -> None:
    root = typer.main.get_command(app)
    told = {(said.at, each) for said in ALL for text in (said.zh, said.en) for each in COMMANDS.findall(text)}
    assert len({command for _, command in told}) > 10
    for at, command in sorted(told):
        found, words = root, command.split()[1:]
        while hasattr(found, "commands") and words and words[0] in found.commands:
            found = found.commands[words.pop(0)]
        assert not hasattr(found, "commands"), (at, command)
        needed = {param.opts[0] for param in found.params if param.required and param.opts[0].startswith("-")}
        assert needed <= set(words), (at, command)
        assert {word for word in words if word.startswith("-")} <= {
            opt for param in found.params for opt in param.opts
        }, (at, command)
        positional = [param for param in found.params if param.required and not param.opts[0].startswith("-")]
        assert not positional or (words and not words[0].startswith("-")), (at, command)
