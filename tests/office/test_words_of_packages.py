"""The packages behind login and accounts speak as our own pages do: 口令, and 您."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import allauth
import django
import manyi.office.access
import pytest
from babel.messages.pofile import read_po

from tests.office.conftest import Get

CHINESE = Path("zh_Hans") / "LC_MESSAGES"
OURS = Path(manyi.office.access.__file__).parent / "packages" / CHINESE
THEIRS = (
    Path(allauth.__file__).parent / "locale" / CHINESE,
    Path(django.__file__).parent / "contrib" / "auth" / "locale" / CHINESE,
)
FOREIGN = re.compile("密码|你")
BY_MAIL = re.compile("reset|email|phone")  # ways that this office does not have


def catalogue(folder: Path) -> dict[str, tuple[str, ...]]:
    with (folder / "django.po").open("rb") as file:
        return {
            str(m.id): m.string if isinstance(m.string, tuple) else (str(m.string),)
            for m in read_po(file)
            if m.id
        }


@pytest.fixture
def chinese(get: Get) -> Iterator[None]:
    """Django as the office sets it up, in Chinese."""
    from django.utils import translation  # noqa: PLC0415  needs configure()

    with translation.override("zh-hans"):
        yield


def test_the_compiled_catalogue_is_fresh() -> None:
    with (OURS / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    texts = {text for key, text in compiled._catalog.items() if key}  # type: ignore[attr-defined]
    assert texts == {text for texts in catalogue(OURS).values() for text in texts}


def test_every_sentence_is_one_that_a_package_has() -> None:
    assert set(catalogue(OURS)) - set().union(*map(catalogue, THEIRS)) == set()


def test_no_sentence_is_left_as_it_was() -> None:
    assert [text for texts in catalogue(OURS).values() for text in texts if FOREIGN.search(text)] == []


@pytest.mark.usefixtures("chinese")
def test_whoever_logs_in_or_changes_a_password_meets_one_vocabulary() -> None:
    from allauth.account import forms  # noqa: PLC0415  these need configure()
    from django.contrib.auth.password_validation import (  # noqa: PLC0415
        password_validators_help_texts,
        validate_password,
    )
    from django.core.exceptions import ValidationError  # noqa: PLC0415
    from manyi.office.access.adapters import Accounts  # noqa: PLC0415
    from manyi.office.access.models import User  # noqa: PLC0415

    said = [str(text) for text in password_validators_help_texts()]
    said += [str(text) for name, text in Accounts.error_messages.items() if not BY_MAIL.search(name)]
    for form in (forms.ChangePasswordForm, forms.ReauthenticateForm, forms.LoginForm):
        said += [str(field.label) for field in form.base_fields.values()]
    said += [str(field.verbose_name) for field in User._meta.get_fields() if hasattr(field, "verbose_name")]
    user = User(username="zhangsan", display_name="zhangsan")
    for password in ("1", "12345678", "password", "zhangsan1"):
        with pytest.raises(ValidationError) as refused:
            validate_password(password, user)
        said += refused.value.messages
    assert len(said) > 20
    assert "当前口令" in said
    assert [text for text in said if FOREIGN.search(text)] == []
