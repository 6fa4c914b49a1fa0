"""Hooks the audit log to what Django, allauth and axes report. It refuses to decide anything."""

from __future__ import annotations

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "manyi.office.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from auditlog.registry import auditlog  # noqa: PLC0415  models exist only now

        from manyi.office.access.models import User  # noqa: PLC0415
        from manyi.office.access.signals import connect  # noqa: PLC0415

        # Logins and first passwords are events of their own; password and link would put secrets into the log.
        own = ["made_by", "first_login", "first_address", "password_by", "password_at", "password_used"]
        auditlog.register(User, exclude_fields=["last_login", "password", "link", *own])
        connect()
