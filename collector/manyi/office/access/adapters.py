"""What allauth and axes ask the application about: addresses, names, signup (closed), single sign-on (known accounts only).

It refuses to make an account out of a login, whoever vouches for it.
"""

from __future__ import annotations

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount
from cryptography.fernet import Fernet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import salted_hmac

from manyi.office.access import audit, device, first
from manyi.office.access.models import User
from manyi.office.access.scope import OFFICERS, Role

APP = "allauth.account"


def address(request: HttpRequest | None) -> str:
    """The browser's address. A reverse proxy's word on it was taken by uvicorn already, if that proxy is trusted."""
    return str(request.META.get("REMOTE_ADDR") or "") if request is not None else ""


def typed_name(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """The account that somebody tries, so that case and blanks are no way around a lock."""
    typed = (credentials or {}).get("username") or (request.POST.get("login", "") if request else "")
    return str(typed).strip().lower()


def counted_name(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """Under which name axes counts a failure."""
    return device.counted_as(request, typed_name(request, credentials))


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Login and logout."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """On to the work: allauth would show the same empty form again, as if nothing had been changed."""
        return reverse("home")

    def get_client_ip(self, request: HttpRequest) -> str:
        return address(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """As allauth does it, but under names of our own: its key has the host name in it, and every port in `Host:` would be
        another five tries; and a browser that the account knows is not counted with strangers, nor with its neighbours.
        """
        name = typed_name(request, credentials)
        number = device.of(request, name)
        tried = ratelimit.consume(request, app=APP, action="login_tried", key=number or address(request))
        self._login_failed_rl_usage = tried and ratelimit.consume(
            request,
            app=APP,
            action="login_failed_at_home" if number else "login_failed",
            key=counted_name(request, credentials),
        )
        if not self._login_failed_rl_usage:
            raise self.validation_error("too_many_login_attempts")

    def pre_login(self, request: HttpRequest, user: User, **more: Any) -> HttpResponse | None:
        answer: HttpResponse | None = super().pre_login(request, user, **more)
        if answer is None and "sociallogin" not in (more["signal_kwargs"] or {}):
            answer = first.refused(request, user)
            if answer is not None:
                clear_login(request)
        return answer

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """Closed networks have no mail; what would have been said stands in the audit log."""

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """As above."""


class SecondFactor(DefaultMFAAdapter):  # type: ignore[misc]
    """The authenticator's secrets, unreadable in a stolen copy of office.db without the service's secret file."""

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _box().decrypt(encrypted_text.encode()).decode()


def _box() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(salted_hmac("manyi.office.mfa", "", algorithm="sha256").digest()))


class SingleSignOn(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """An identity is matched to the account of the same name, once; the three officers log in here alone.

    Another identity that comes under the same name is refused: a provider that gives a name away again (or lets people
    choose it) would give the account away. A reset second factor forgets the match (officers.py).
    """

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        name = _claimed(sociallogin)
        user = sociallogin.user if sociallogin.is_existing else User.objects.filter(username=name).first()
        why = _refused(user, name)
        if not why and not sociallogin.is_existing and SocialAccount.objects.filter(user=user).exists():
            why = "the account is matched to another identity"
        if why:
            audit.record(request, audit.Event.sso_refused, subject=name, why=why)
            raise ImmediateHttpResponse(render(request, "access/no_account.html", {"name": name}, status=403))
        if not sociallogin.is_existing:
            sociallogin.connect(request, user)
            audit.record(request, audit.Event.sso_connected, subject=name, actor=user)


def _claimed(sociallogin: Any) -> str:
    data = sociallogin.account.extra_data
    for part in (data.get("userinfo") or {}, data.get("id_token") or {}, data):
        if part.get("preferred_username"):
            return str(part["preferred_username"]).strip().lower()
    return ""


def _refused(user: User | None, name: str) -> str:
    if user is None or not name:
        return "no such account"
    if user.username != name:
        return "the identity was matched to another account"
    if not user.is_active or not user.role:
        return "disabled or without a role"
    if Role(user.role) in OFFICERS or Role(user.role) is Role.screen:
        return "this role logs in here alone"
    return ""
