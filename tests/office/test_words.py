"""The two languages: everything said in English is said in Chinese, and the compiled catalogue is the source's."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import manyi.office
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

OFFICE = Path(manyi.office.__file__).parent
ACCESS = OFFICE / "access"
# Accounts have a catalogue of their own; each is whole in itself.
PARTS = (OFFICE, ACCESS)
part = pytest.mark.parametrize("part", PARTS, ids=["office", "access"])


def folder(part: Path) -> Path:
    return part / "locale" / "zh_Hans" / "LC_MESSAGES"


def catalogue(part: Path) -> dict[str, str]:
    with (folder(part) / "django.po").open("rb") as file:
        return {
            str(message.id): str(message.string)
            for message in read_po(file)
            if message.id and not message.fuzzy
        }


def used(part: Path) -> set[str]:
    python = {
        str(found[2])
        for found in extract_from_dir(part, [("**.py", "python")])
        if part is ACCESS or not found[0].startswith("access")
    }
    html = {
        text
        for path in part.glob("templates/**/*.html")
        for text in re.findall(r"""{% translate (?:"|')(.+?)(?:"|') %}""", path.read_text("utf-8"))
    }
    return python | html


@part
def test_the_compiled_catalogue_is_fresh(part: Path) -> None:
    with (folder(part) / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    texts = {key: text for key, text in compiled._catalog.items() if key}  # type: ignore[attr-defined]
    assert texts == catalogue(part)


@part
def test_every_text_has_its_chinese(part: Path) -> None:
    assert {text for text in used(part) if not catalogue(part).get(text)} == set()


@part
def test_the_catalogue_holds_nothing_that_nobody_says(part: Path) -> None:
    assert set(catalogue(part)) - used(part) == set()


@part
def test_a_translation_keeps_its_blanks(part: Path) -> None:
    blanks = re.compile(r"{\w+}")
    for english, chinese in catalogue(part).items():
        assert sorted(blanks.findall(english)) == sorted(blanks.findall(chinese)), english


@part
def test_chinese_texts_use_chinese_punctuation(part: Path) -> None:
    for chinese in catalogue(part).values():
        assert not re.search(r"[\u4e00-\u9fff][,:;!?]", chinese), chinese


def test_the_scripts_use_no_text_that_the_server_does_not_give() -> None:
    from manyi.office import words  # noqa: PLC0415

    scripts = "".join(path.read_text("utf-8") for path in OFFICE.glob("static/office/*.js"))
    keys = set(re.findall(r"""say\((?:[^"()]*\? ?)?"(\w+)\"""", scripts))
    source = Path(words.__file__).read_text("utf-8")
    assert keys
    assert {key for key in keys if f'"{key}":' not in source} == set()
