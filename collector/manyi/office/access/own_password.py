"""The form in which somebody changes his own password. It refuses to be a quiet place for guesses: whoever finds a desk
unlocked would try the old one here, and whoever has it has the account.
"""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm
from allauth.core import context
from django.contrib.auth import authenticate


class ChangePassword(ChangePasswordForm):  # type: ignore[misc]
    """allauth's, with the old password looked at as at a login: wrong ones are counted, logged and locked."""

    def clean_oldpassword(self) -> str:
        given = str(self.cleaned_data.get("oldpassword", ""))
        if authenticate(context.request, username=self.user.username, password=given) is None:
            raise get_adapter().validation_error("enter_current_password")
        return given
