"""A wrong command line: one sentence, Chinese first, as typer said it, and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest
from manyi.cli import app
from typer.testing import CliRunner

runner = CliRunner()


@pytest.mark.parametrize(
    ("words", "chinese", "english"),
    [
        (["acount"], "没有命令 acount，是不是 'account'？", "No such command 'acount'"),
        (["xyzzy"], "没有命令 xyzzy", "No such command 'xyzzy'."),
        (["box", "xyzzy"], "没有命令 xyzzy", "No such command 'xyzzy'."),
        (["account", "--jsn"], "没有选项 --jsn，相近的有 --json", "No such option: --jsn"),
        (["--qqqq"], "没有选项 --qqqq", "No such option: --qqqq"),
        (["export"], "缺少选项 --from", "Missing option '--from'."),
        (["rebuild"], "缺少参数 which，可选 ratings, wall, influx", "Missing argument 'which'."),
        (["rebuild", "foo"], "没有 foo，只能是 'ratings', 'wall', 'influx'", "'foo' is not one of"),
        (["account", "more"], "多出的内容：more", "unexpected extra argument"),
        (["demo", "--seconds", "abc"], "--seconds 的值不对：应为数字", "valid number"),
        (["demo", "--seed", "abc"], "--seed 的值不对：应为整数", "valid integer"),
        (["demo", "--port", "0"], "--port 的值不对：不能小于 1", "greater than or equal to 1"),
        (["demo", "--port", "70000"], "--port 的值不对：不能大于 65535", "less than or equal to 65535"),
        (["roster", "check", "nosuch"], "path 的值不对：nosuch 不存在", "does not exist"),
        (["restore", __file__], "不是文件夹", "is a file"),
    ],
)
def test_a_wrong_command_line_is_told_in_both_languages(
    words: list[str], chinese: str, english: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, words)
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert chinese in first.partition(" / ")[0]
    assert english in first
    assert second.startswith("用法 / usage: ")
    assert second.endswith(" --help")


@pytest.mark.parametrize("words", [[], ["box"], ["--help"], ["account", "--help"]])
def test_help_is_help(words: list[str]) -> None:
    result = runner.invoke(app, words)
    assert "Usage:" in result.output
    assert "用法 / usage" not in result.output


def test_an_option_without_its_value_is_told_too() -> None:
    result = runner.invoke(app, ["export", "--from"])
    assert result.exit_code == 2
    assert result.stderr == "选项 --from 后面要写内容 / Option '--from' requires an argument.\n"
