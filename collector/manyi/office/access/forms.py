"""The forms of the officers' pages. A role says which place it needs; an officer's role cannot be chosen here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from manyi.office.access.models import User
from manyi.office.access.scope import OFFICERS, Role

if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:
    UserForm = forms.ModelForm

# Which of county, hall and staff a role cannot do without.
PLACE = {Role.county: "county", Role.hall_leader: "hall", Role.staff: "staff"}
KEPT = {
    Role.county: ("county",),
    Role.hall_leader: ("hall",),
    Role.staff: ("hall", "staff"),
    Role.screen: ("county", "hall"),
}


Places = Mapping[str, Sequence[tuple[str, str, str]]]


class NewAccountForm(UserForm):
    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["username", "display_name"]
        labels: ClassVar[dict[str, Any]] = {"username": _("Account name"), "display_name": _("Name")}
        help_texts: ClassVar[dict[str, Any]] = {
            "username": _("Small letters, digits, dot, dash and underline; 2 to 32 of them.")
        }

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()


class AccountForm(UserForm):
    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["display_name", "is_active"]
        labels: ClassVar[dict[str, Any]] = {"display_name": _("Name"), "is_active": _("May log in")}


class RoleForm(UserForm):
    """Role and place. What the role does not use is emptied, so that no old place comes back with a new role.

    `places`: (id, Chinese, English) of what the roster has, by field; None while it cannot be read. A place that it does
    not have is refused: its account would see nothing, or what somebody later gives that id.
    """

    role = forms.ChoiceField(label=_("Role"), required=False)

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["role", "county", "hall", "staff"]
        labels: ClassVar[dict[str, Any]] = {
            "county": _("County"),
            "hall": _("Hall"),
            "staff": _("Member of staff"),
        }

    def __init__(self, *args: Any, places: Places | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = places
        english = get_language() == "en"
        choices = [
            (str(r), r.en if english else r.zh) for r in Role if r not in OFFICERS and r is not Role.screen
        ]
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "—"), *choices]
        for name in PLACE.values():
            offered = [
                (i, f"{(english and en) or zh or en} · {i}") for i, zh, en in (places or {}).get(name, ())
            ]
            now = getattr(self.instance, name)
            if now and now not in dict(offered):
                offered.append((now, now))  # kept until somebody changes it
            self.fields[name].widget = forms.Select(choices=[("", "—"), *offered])

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        role = Role(given["role"]) if given.get("role") else None
        needed = PLACE.get(role) if role else None
        if needed and not given.get(needed):
            self.add_error(needed, _("This role needs it."))
        for name in ("county", "hall", "staff"):
            if role is None or name not in KEPT.get(role, ()):
                given[name] = ""
            elif given.get(name) and self._places is None:
                self.add_error(name, _("The roster cannot be read now. Try again later."))
            elif given.get(name) and given[name] not in {
                each[0] for each in (self._places or {}).get(name, ())
            }:
                self.add_error(name, _("The roster does not have it."))
        return given

    def save(self, commit: bool = True) -> User:
        # Django keeps the old value of a field that the browser left out.
        for name in ("county", "hall", "staff"):
            setattr(self.instance, name, self.cleaned_data[name])
        return super().save(commit)
