"""The two languages: everything said in English is said in Chinese, and the compiled catalogue is the source's."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import manyi.office
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

OFFICE = Path(manyi.office.__file__).parent
FOLDER = OFFICE / "locale" / "zh_Hans" / "LC_MESSAGES"


def catalogue() -> dict[str, str]:
    with (FOLDER / "django.po").open("rb") as file:
        return {
            str(message.id): str(message.string)
            for message in read_po(file)
            if message.id and not message.fuzzy
        }


def used() -> set[str]:
    python = {str(found[2]) for found in extract_from_dir(OFFICE, [("**.py", "python")])}
    html = {
        text
        for path in OFFICE.glob("templates/**/*.html")
        for text in re.findall(r"""{% translate (?:"|')(.+?)(?:"|') %}""", path.read_text("utf-8"))
    }
    return python | html


def test_the_compiled_catalogue_is_fresh() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    texts = {key: text for key, text in compiled._catalog.items() if key}  # type: ignore[attr-defined]
    assert texts == catalogue()


def test_every_text_has_its_chinese() -> None:
    assert {text for text in used() if not catalogue().get(text)} == set()


def test_the_catalogue_holds_nothing_that_nobody_says() -> None:
    assert set(catalogue()) - used() == set()


def test_a_translation_keeps_its_blanks() -> None:
    blanks = re.compile(r"{\w+}")
    for english, chinese in catalogue().items():
        assert sorted(blanks.findall(english)) == sorted(blanks.findall(chinese)), english


def test_chinese_texts_use_chinese_punctuation() -> None:
    for chinese in catalogue().values():
        assert not re.search(r"[\u4e00-\u9fff][,:;!?]", chinese), chinese


def test_the_scripts_use_no_text_that_the_server_does_not_give() -> None:
    from manyi.office import words  # noqa: PLC0415

    scripts = "".join(path.read_text("utf-8") for path in OFFICE.glob("static/office/*.js"))
    keys = set(re.findall(r"""say\((?:[^"()]*\? ?)?"(\w+)\"""", scripts))
    source = Path(words.__file__).read_text("utf-8")
    assert keys
    assert {key for key in keys if f'"{key}":' not in source} == set()
