"""What several commands ask for alike: a language, the configuration, the ledger, a day. Refuses to print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer

from manyi.core import config as configs
from manyi.core.errors import InputError
from manyi.core.ledger import schema
from manyi.words import both

MISMATCH = 1
"""Exit code: figures or chains do not agree, a check found something, or a thread of the service died."""


class Lang(StrEnum):
    zh = "zh"
    en = "en"


LangOption = Annotated[Lang, typer.Option("--lang", help=both("输出语言", "Language of the output."))]


def config_of(context: typer.Context) -> configs.Config:
    return configs.load(context.obj)


@contextmanager
def ledger_of(config: configs.Config) -> Iterator[Any]:
    conn = schema.open_for_reading(config.data.ledger)
    try:
        yield conn
    finally:
        conn.close()


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            both(f"{text!r} 不是日期，应为 2026-11-21 这样", f"{text!r} is not a day such as 2026-11-21.")
        ) from error
