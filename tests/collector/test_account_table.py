"""The account on a terminal: figures that can be read, columns that stand under each other."""

from __future__ import annotations

from manyi.cli.account import _width, table
from manyi.core.account import Account, Line


def test_large_figures_have_separators_and_columns_end_together() -> None:
    big = Line("hall-3-window-1", *[1_234_567] * 8, ok=True)
    said = table(Account((big,), big._replace(box="")), "en").splitlines()
    assert said[1].split()[:2] == ["hall-3-window-1", "1,234,567"]
    assert said[2].split()[0] == "total"
    assert len({len(line) for line in said}) == 1


def test_both_languages_line_up() -> None:
    line = Line("hall-1", *[7] * 8, ok=False)
    for lang, words in (("zh", "否"), ("en", "NO")):
        lines = table(Account((line,), line), lang).splitlines()
        assert len({_width(text) for text in lines}) == 1
        assert lines[1].endswith(words)
