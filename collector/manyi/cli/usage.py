"""What a wrong command line is answered with, Chinese first. The English is typer's own; the usual sentences are
translated, an unusual one stays English rather than be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
from typer.exceptions import TyperException

from manyi.words import both

SENTENCES: Final = (
    (r"No such command '(.+?)'\. Did you mean (.+)\?", r"没有命令 \1，是不是 \2？"),
    (r"No such command '(.+?)'\.", r"没有命令 \1"),
    (r"No such option: (\S+) \(Possible options: (.+)\)", r"没有选项 \1，相近的有 \2"),
    (r"No such option: (\S+)", r"没有选项 \1"),
    (r"Missing option '(.+?)'\..*", r"缺少选项 \1"),
    (r"Missing argument '(.+?)'\. Choose from: (.+)", r"缺少参数 \1，可选 \2"),
    (r"Missing argument '(.+?)'\..*", r"缺少参数 \1"),
    (r"Missing command\.", r"缺少命令"),
    (r"Got unexpected extra arguments? ?\(?s?\)? \((.+)\)", r"多出的内容：\1"),
    (r"Option '(.+?)' requires an argument\.", r"选项 \1 后面要写内容"),
)
VALUES: Final = (
    (r"Input should be a valid number.*", "应为数字"),
    (r"Input should be a valid integer.*", "应为整数"),
    (r"Input should be greater than or equal to (\S+)", r"不能小于 \1"),
    (r"Input should be less than or equal to (\S+)", r"不能大于 \1"),
    (r"(?:Value error, )?'(.*)' is not one of (.+?)\.?", r"没有 \1，只能是 \2"),
    (r"\w+ '(.+)' does not exist\.", r"\1 不存在"),
    (r"\w+ '(.+)' is a directory\.", r"\1 是文件夹"),
    (r"\w+ '(.+)' is a file\.", r"\1 不是文件夹"),
    (r"\w+ '(.+)' is not readable\.", r"\1 无法读取"),
)
BAD_VALUE: Final = re.compile(r"Invalid value for '?(.+?)'?: (.+)", re.DOTALL)


def chinese(english: str) -> str:
    """The sentence in Chinese, or "" if it is none of the usual ones."""
    if bad := BAD_VALUE.fullmatch(english):
        return f"{bad[1]} 的值不对：{_first(VALUES, bad[2]) or bad[2]}"
    return _first(SENTENCES, english)


def _first(table: tuple[tuple[str, str], ...], english: str) -> str:
    for pattern, words in table:
        if found := re.fullmatch(pattern, english, re.DOTALL):
            return found.expand(words)
    return ""


@contextmanager
def in_words() -> Iterator[None]:
    """Ends a wrong command line in its sentence, where help is, and exit code 2; no frame, no traceback."""
    try:
        yield
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # not wrong: it is answered with the help
            raise
        english = " ".join(error.format_message().split())  # a list of choices has a line for each
        translated = chinese(english)
        typer.echo(both(translated, english) if translated else english, err=True)
        context = getattr(error, "ctx", None)
        if context is not None:
            typer.echo(both("用法", "usage") + f": {context.command_path} --help", err=True)
        raise typer.Exit(getattr(error, "exit_code", 2)) from None
