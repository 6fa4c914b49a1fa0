"""Which files a configuration names, and which of them are secret: by the settings' own names, so that a new one counts too.

A setting that ends in `_file` is one; certificates are the only ones that anybody may read. Refuses to open any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from manyi.core.config import Config

OPEN: Final = frozenset({"ca_file", "cert_file"})
ALSO: Final = frozenset({"sources"})  # [visits] sources holds the queue systems' passwords
MADE: Final = frozenset({"secret_file"})  # by the service, at its first start


class Named(NamedTuple):
    setting: str
    path: Path
    secret: bool


def named(config: Config) -> Iterator[Named]:
    """Every file that a setting names. The link file of an inner zone is none: nothing is collected there."""
    for found in _walk(config):
        if not (config.follows and found.setting == "link_file"):
            yield found


def _walk(part: Any) -> Iterator[Named]:
    for field in fields(part):
        value = getattr(part, field.name)
        if is_dataclass(value):
            yield from _walk(value)
        elif isinstance(value, Path) and (field.name.endswith("_file") or field.name in ALSO):
            yield Named(field.name, value, field.name not in OPEN)
