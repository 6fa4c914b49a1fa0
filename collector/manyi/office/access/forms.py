"""The forms of the officers' pages. A role says which place it needs; an officer's role cannot be chosen here."""

from __future__ import annotations

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
    """Role and place. What the role does not use is emptied, so that no old place comes back with a new role."""

    role = forms.ChoiceField(label=_("Role"), required=False)

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["role", "county", "hall", "staff"]
        labels: ClassVar[dict[str, Any]] = {
            "county": _("County (id of the roster)"),
            "hall": _("Hall (id of the roster)"),
            "staff": _("Staff (id of the roster)"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        english = get_language() == "en"
        choices = [
            (str(r), r.en if english else r.zh) for r in Role if r not in OFFICERS and r is not Role.screen
        ]
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "—"), *choices]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        role = Role(given["role"]) if given.get("role") else None
        needed = PLACE.get(role) if role else None
        if needed and not given.get(needed):
            self.add_error(needed, _("This role needs it."))
        for name in ("county", "hall", "staff"):
            if role is None or name not in KEPT.get(role, ()):
                given[name] = ""
        return given
