"""What must not be in the tree: paths of somebody's machine, addresses of package registries, files without a word."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.docs.pages import ROOT, files, name

TEXT = {
    ".py",
    ".md",
    ".toml",
    ".lock",
    ".sh",
    ".html",
    ".css",
    ".js",
    ".json",
    ".mod",
    ".csv",
    ".conf",
    ".cfg",
    "",
}
# Put together, so that this file does not contain what it looks for.
MACHINE = re.compile("|".join(["/wo" + "rk/", "/ro" + "ot/", "/ho" + r"me/\w+", "/Use" + r"rs/\w+"]))
REGISTRY = re.compile(
    "|".join(
        re.escape(".".join(host))
        for host in (
            ("pypi", "org"), ("pythonhosted", "org"), ("proxy", "golang", "org"), ("crates", "io"),
            ("registry", "npmjs", "org"), ("deb", "debian", "org"), ("archive", "ubuntu", "com"),
        )
    )
)  # fmt: skip
SOURCES = ("collector/*.py", "firmware/*.py", "tests/*.py", ".ci/*")
LONG = 300  # lines; style: a longer file says why in its header


def found(what: re.Pattern[str]) -> list[str]:
    hits = []
    for path in files():
        if path.suffix in TEXT:
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                if what.search(line):
                    hits.append(f"{name(path)}:{number}: {line.strip()[:100]}")
    return hits


def header(path: Path) -> str:
    """A Python file's docstring, or the comment it opens with."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py" and (doc := ast.get_docstring(ast.parse(text))):
        return doc
    lines = text.splitlines()
    start = 1 if lines and lines[0].startswith("#!") else 0
    comment = []
    for line in lines[start:]:
        if not line.startswith("#"):
            break
        comment.append(line)
    return "\n".join(comment)


def test_no_path_of_a_machine() -> None:
    assert found(MACHINE) == []


def test_no_address_of_a_package_registry() -> None:
    assert found(REGISTRY) == []


def test_every_source_file_opens_with_what_it_is() -> None:
    sources = [p for p in files(*SOURCES) if p.read_text(encoding="utf-8").strip()]
    assert [name(p) for p in sources if len(header(p)) < 20] == []


def test_a_long_file_says_why() -> None:
    long = [
        p
        for p in files("collector/*.py", "firmware/*.py")
        if len(p.read_text(encoding="utf-8").splitlines()) > LONG
    ]
    assert [name(p) for p in long if not re.search(r"\blonger", header(p), re.IGNORECASE)] == []


def test_only_what_belongs_stands_at_the_top() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in files()}
    assert top == {
        ".ci", ".gitignore", "LICENSE", "Makefile", "README.md", "README.zh-CN.md", "collector", "dashboards", "docs",
        "firmware", "pyproject.toml", "requirements.lock", "tests",
    }  # fmt: skip


def test_every_package_of_the_lock_is_pinned_with_hashes_and_the_demo_needs_no_tools() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    run, line, dev = text.partition("# --- dev ---")
    assert line
    for block in re.split(r"\n(?=[a-z])", text)[1:]:
        assert re.match(r"[a-z0-9._-]+==\S+", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]
    for tool in ("ruff", "mypy", "pytest", "hypothesis"):
        assert f"\n{tool}==" not in run
        assert f"\n{tool}==" in dev
    assert "\nhatchling==" in run
