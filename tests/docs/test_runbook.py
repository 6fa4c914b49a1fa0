"""docs/RUNBOOK.md has a section for every kind of alarm, in Chinese with a line of English, and says what to do."""

import re
from pathlib import Path

import pytest
from manyi.core.alarms.kinds import TEXTS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "RUNBOOK.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))


@pytest.mark.parametrize("kind", TEXTS)
def test_every_alarm_says_what_it_means_and_what_to_do(kind: str) -> None:
    said = SECTIONS[kind]
    assert "意思：" in said
    assert "怎么办：" in said
    assert "\nEnglish: " in said
