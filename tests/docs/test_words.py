"""What pages say exists: settings of the configuration, options of commands; and Chinese is set as Chinese is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from manyi.cli import app

from tests.docs.pages import ROOT, code, files, name, pages

EXAMPLE = (ROOT / "collector" / "deploy" / "manyi.example.toml").read_text(encoding="utf-8")
ASIDE = re.compile(r"```.*?```|`[^`\n]*`|\]\([^)]*\)|https?://\S+", re.DOTALL)
HALF = re.compile(r"[\u4e00-\u9fff”’）》][,;!?()]|[,;!?(][\u4e00-\u9fff“‘]|[\u4e00-\u9fff]:(?!\S)")
CHINESE = [*files("docs/zh/*.md"), ROOT / "README.zh-CN.md", ROOT / "docs" / "RUNBOOK.md"]


def settings() -> dict[str, set[str]]:
    """Every section and setting of the example, which test_config.py holds to config.py; `[certificates]` takes any name."""
    found: dict[str, set[str]] = {}
    for section, key in re.findall(r"^#? ?(?:\[([\w.]+)\]|(\w+) = )", EXAMPLE, re.MULTILINE):
        if section:
            here = found.setdefault(section, set())
        else:
            here.add(key)
    return {section: keys for section, keys in found.items() if section != "certificates"}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_pages_name_only_settings_that_exist(page: Path) -> None:
    known = settings()
    named = re.findall(r"`\[([\w.]+)\] (\w+)", page.read_text(encoding="utf-8"))
    assert [(s, key) for s, key in named if s in known and key not in known[s]] == []


@pytest.mark.parametrize("page", pages(), ids=name)
def test_pages_give_only_commands_and_options_that_exist(page: Path) -> None:
    root = typer.main.get_command(app)
    wrong: list[str] = []
    for line in code(page).replace("\\\n", " ").splitlines():
        for words in re.findall(r"\bmanyi((?: +[^\s#;&|]+)+)", line):
            command, left = spoken(root, words.split())
            if hasattr(command, "commands"):  # a group: what was left over is no verb of it
                wrong += [f"{line}: {w}" for w in left[:1] if re.fullmatch(r"[a-z][a-z-]+", w)]
            else:
                known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
                wrong += [f"{line}: {w}" for w in left if w.startswith("--") and w.split("=")[0] not in known]
    assert wrong == []


def spoken(root: Any, words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words name, and the words that are left over."""
    command = root
    while words and hasattr(command, "commands"):
        word, *words = words
        if word in ("-c", "--config"):
            words = words[1:]
        elif word in command.commands:
            command = command.commands[word]
        elif not word.startswith("-") and word != "manyi":  # as in runuser -u manyi -- manyi
            return command, [word, *words]
    return command, words


@pytest.mark.parametrize("page", CHINESE, ids=name)
def test_chinese_pages_have_chinese_punctuation(page: Path) -> None:
    text = ASIDE.sub("x", page.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if not re.match(r"English|\*\*English", line)]
    assert [line for line in lines if HALF.search(line)] == []


def test_chinese_help_has_chinese_punctuation() -> None:
    page = (ROOT / "docs" / "CLI.md").read_text(encoding="utf-8")
    said = [
        part.rpartition("| ")[2] for part in re.findall(r"^(.*?[\u4e00-\u9fff].*?) / ", page, re.MULTILINE)
    ]
    assert len(said) > 100
    assert [part for part in said if HALF.search(ASIDE.sub("x", part)) and "[,时间]" not in part] == []


def test_one_thing_has_one_chinese_name() -> None:
    """消息服务器, never 代理 (a reverse proxy is 反向代理) or MQTT 服务器; 报警, never 告警; 口令, and 密码 of a Wi-Fi or a
    workbook alone. The page about 等保 speaks of 密码 as the law does, which means cryptography."""
    other = re.compile("(?<!反向)代理|MQTT 服务器|告警|密码")
    read = [*CHINESE, *files("collector/*.py", "collector/*.po", "collector/*.html", "docs/zh/*.md")]
    assert [
        f"{name(page)}: {line.strip()[:80]}"
        for page in read
        if page.name not in ("workbooks.py", "dengbao.md")
        for line in page.read_text(encoding="utf-8").splitlines()
        if other.search(line) and "Wi-Fi" not in line
    ] == []
