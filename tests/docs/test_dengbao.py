"""docs/zh/dengbao.md claims by test: every test that it names is there, every row says its proof or that there is none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "zh" / "dengbao.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith(("| 二 |", "| 三 |"))
]
AREAS = (
    "安全物理环境", "安全通信网络", "安全区域边界", "身份鉴别", "访问控制", "安全审计", "入侵防范", "恶意代码防范", "可信验证",
    "数据完整性", "数据保密性", "数据备份恢复", "剩余信息保护", "个人信息保护", "安全管理中心", "没有覆盖的",
)  # fmt: skip


def functions_of(path: Path) -> set[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_that_is_named_exists(file: str) -> None:
    claimed = {test for named, test in NAMED if named == file}
    assert claimed - functions_of(ROOT / "tests" / file) == set()
    assert all(test.startswith("test_") for test in claimed)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1][:20])
def test_every_row_has_its_proof_or_says_that_there_is_none(row: list[str]) -> None:
    _, demand, does, _, proof, _ = row
    assert demand
    assert does
    left = re.sub(r"`[\w/]+\.py::\w+`", "", proof).strip()
    assert (left == "") if proof != "无" else (left == "无"), "neither a test nor 无"
    assert proof


def test_every_area_has_a_heading() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    assert [area for area in AREAS if not any(area in heading for heading in headings)] == []
