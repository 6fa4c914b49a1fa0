"""A link that leads nowhere is a promise broken in the first minute."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name, pages

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PLACE = re.compile(r"(?:`|^)((?:firmware|collector|tests|dashboards|docs|\.ci)/[\w./-]*)", re.MULTILINE)
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors that a renderer makes of a page's headings."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", pages(), ids=name)
def test_folders_and_files_that_a_page_names_are_there(page: Path) -> None:
    """In `code`, and at the beginning of a map's lines; tests are named without their own folder (test_dengbao.py)."""
    named = _PLACE.findall(page.read_text(encoding="utf-8"))
    assert [n for n in named if not (ROOT / n).exists() and not (ROOT / "tests" / n).exists()] == []


def test_both_readmes_point_at_the_same_pages() -> None:
    english, chinese = (
        set(_LINK.findall((ROOT / f).read_text(encoding="utf-8"))) for f in ("README.md", "README.zh-CN.md")
    )
    assert english - {"README.zh-CN.md"} == chinese - {"README.md"}
