"""The account: who somebody is, which role, and for which place. It holds no password rule and no permission table.

An account is never deleted, only disabled: the audit log names it. What a role may do stands in scope.py alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.models import Session
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    _When = models.DateTimeField[datetime | None, datetime | None]

# Small letters only, so that "Admin" and "admin" cannot be two people.
USERNAME = RegexValidator(r"^[a-z0-9][a-z0-9._-]{1,31}\Z")
ID_CHARACTERS = 64  # as long as an id of the roster may be


class Accounts(BaseUserManager["User"]):
    """Finds accounts by name, whatever the case."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=(username or "").strip().lower())


class User(AbstractBaseUser):
    """`county`, `hall` and `staff` are ids of the roster; which of them counts depends on the role."""

    username: models.CharField[str, str] = models.CharField(max_length=32, unique=True, validators=[USERNAME])
    display_name: models.CharField[str, str] = models.CharField(max_length=64)
    role: models.CharField[str, str] = models.CharField(max_length=16, blank=True, default="")
    county: models.CharField[str, str] = models.CharField(max_length=ID_CHARACTERS, blank=True, default="")
    hall: models.CharField[str, str] = models.CharField(max_length=ID_CHARACTERS, blank=True, default="")
    staff: models.CharField[str, str] = models.CharField(max_length=ID_CHARACTERS, blank=True, default="")
    is_active: models.BooleanField[bool, bool] = models.BooleanField(default=True)
    must_change: models.BooleanField[bool, bool] = models.BooleanField(default=True)
    """The password was set by somebody else: nothing else is answered until it has been changed."""
    link: models.CharField[str, str] = models.CharField(max_length=64, blank=True, default="")
    """Of an unattended wall: what its next login link must name; empty once it was used."""
    made: models.DateTimeField[datetime, datetime] = models.DateTimeField(auto_now_add=True)
    made_by: models.CharField[str, str] = models.CharField(max_length=32, blank=True, default="")
    first_login: _When = models.DateTimeField(null=True, blank=True)
    first_address: models.CharField[str, str] = models.CharField(max_length=45, blank=True, default="")
    password_by: models.CharField[str, str] = models.CharField(max_length=32, blank=True, default="")
    """Who set the password, "" once its owner has; then `password_at` is when, `password_used` when it opened its one session."""
    password_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=timezone.now)
    password_used: _When = models.DateTimeField(null=True, blank=True)

    objects = Accounts()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name"]

    class Meta:
        ordering: ClassVar[list[str]] = ["username"]

    def __str__(self) -> str:
        return str(self.username)


def end_sessions(user: User, besides: str | None = None) -> None:
    """Log the account out everywhere, except of the session `besides`."""
    for session in Session.objects.iterator():
        if session.session_key != besides and session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()
