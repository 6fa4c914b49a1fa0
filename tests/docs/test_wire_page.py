"""docs/WIRE.md is the law: every topic and field on the page is one that both sides know, and its examples parse."""

from __future__ import annotations

import json
import re

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/WIRE.md").read_text(encoding="utf-8")
COLLECTOR = (ROOT / "collector/manyi/core/wire.py").read_text(encoding="utf-8")
BOX = "\n".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "firmware/box").glob("*.py")))
SECTIONS = {"record", "ack", "state", "beat", "config", "cmd, reply", "fetch", "chunk", "prompt"}
# Who reads or writes what: the collector has nothing to do with prompts, they go from window system to box.
NOT_THE_COLLECTORS = {"prompt"}


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def examples(text: str) -> list[dict[str, object]]:
    found = re.findall(r"`(\{.+?\})`", text)
    return [json.loads(one.replace("[...]", "[]")) for one in found]


def fields() -> list[tuple[str, str]]:
    """(section, field) for every field of every example on the page, records included."""
    places = {title: section(title) for title in SECTIONS} | {"a record": section("The record, packed")}
    return sorted(
        {(title, field) for title, text in places.items() for one in examples(text) for field in one}
    )


def test_the_page_has_a_section_and_an_example_for_every_topic() -> None:
    table = PAGE.partition("| topic |")[2].partition("\n\n")[0]
    topics = set(re.findall(r"^\| `(\w+)`(?:, `(\w+)`)?", table, re.MULTILINE))
    assert {t for pair in topics for t in pair if t} == {t for s in SECTIONS for t in s.split(", ")}
    assert all(examples(section(title)) for title in SECTIONS)


@pytest.mark.parametrize(("title", "field"), fields(), ids=str)
def test_the_box_knows_the_field(title: str, field: str) -> None:
    assert re.search(rf'["\x27(]{field}\\?["\x27]', BOX) or f'"{field}":' in BOX


@pytest.mark.parametrize(("title", "field"), fields(), ids=str)
def test_the_collector_knows_the_field(title: str, field: str) -> None:
    if title in NOT_THE_COLLECTORS:
        assert "prompt" not in COLLECTOR  # should it ever read them, it has to know their fields
        return
    assert re.search(rf'"{field}"', COLLECTOR) or re.search(rf"^    {field}: ", COLLECTOR, re.MULTILINE)


def test_the_collectors_readers_are_the_pages_topics_from_the_box() -> None:
    from_box = set(re.findall(r"^\| `(\w+)` \| box → collector", PAGE, re.MULTILINE)) | {"reply"}
    readers = COLLECTOR.rpartition("\n_READERS")[2].partition("}")[0]
    assert set(re.findall(r'"(\w+)": _', readers)) == from_box


def test_every_reason_for_setting_a_message_aside_is_on_the_page() -> None:
    reasons = re.search(r"Literal\[(.+?)\]", COLLECTOR.partition("Why: TypeAlias")[2])
    assert reasons is not None
    bad_input = section("Bad input").lower()
    said_as = {
        "topic": "unknown topic", "box": "unknown box", "oversize": "over 4096 bytes", "mac": "wrong mac",
        "utf8": "invalid utf-8", "json": "not json", "version": "unknown `v`", "shape": "wrong shape",
    }  # fmt: skip
    names = re.findall(r'"(\w+)"', reasons.group(1))
    assert [n for n in names if said_as.get(n, n) not in bad_input] == []
