"""Every error of ours that any test meets must be said in Chinese and in English: the constructors themselves are watched, so
that no new one needs a test of its own for it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from manyi.broker.names import BrokerError
from manyi.core.errors import ManyiError
from manyi.words import apart

HAN = re.compile("[\u3400-\u9fff]")
LATIN = re.compile("[A-Za-z]{2}")


def in_both(said: str) -> bool:
    """Chinese first, then English, as manyi.words.both puts them together."""
    zh, en = apart(said)
    return bool(HAN.search(zh)) and en is not zh and bool(LATIN.search(en))


def _watched(make: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(make)
    def init(self: Exception, *problems: Any) -> None:
        for said in problems:
            assert in_both(str(said)), f"{type(self).__name__} in one language: {said}"
        make(self, *problems)

    return init


@pytest.fixture(scope="session", autouse=True)
def errors_are_in_both_languages() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ManyiError, "__init__", _watched(ManyiError.__init__))
        patch.setattr(BrokerError, "__init__", _watched(BrokerError.__init__))
        yield
