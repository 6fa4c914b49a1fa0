"""Django's settings for accounts: the kept packages, configured. It refuses e-mail, self-registration and a debug mode."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from manyi.office.access import policy as figures
from manyi.office.access.policy import Policy

OIDC_ID = "sso"

APPS = [
    "manyi.office.access",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
    "auditlog",
]

# In this order, inside the screens' own. All of them run asynchronously; what reads the database does so on a thread.
MIDDLEWARE = [
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "manyi.office.access.gate.gate",
    "axes.middleware.AxesMiddleware",
]


def fixed() -> dict[str, Any]:
    """What no configuration changes."""
    return {
        "AUTH_USER_MODEL": "access.User",
        "AUTHENTICATION_BACKENDS": [
            "axes.backends.AxesStandaloneBackend",
            "allauth.account.auth_backends.AuthenticationBackend",
        ],
        "PASSWORD_HASHERS": ["manyi.office.access.passwords.Argon2"],
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
            for name, options in (
                ("MinimumLengthValidator", {"min_length": figures.PASSWORD_CHARACTERS}),
                ("UserAttributeSimilarityValidator", {"user_attributes": ("username", "display_name")}),
                ("CommonPasswordValidator", {}),
                ("NumericPasswordValidator", {}),
            )
        ],
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
                "OPTIONS": {"MAX_ENTRIES": figures.CACHE_ENTRIES},
            }
        },
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "home",
        "CSRF_FAILURE_VIEW": "manyi.office.access.pages.csrf_failure",
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",  # Strict would lose the session on the way back from single sign-on
        "SESSION_SAVE_EVERY_REQUEST": True,  # the idle time counts from the last request
        "SESSION_ENGINE": "django.contrib.sessions.backends.db",
        "ACCOUNT_FORMS": {"change_password": "manyi.office.access.own_password.ChangePassword"},
        "ACCOUNT_ADAPTER": "manyi.office.access.adapters.Accounts",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*"],
        "ACCOUNT_USER_MODEL_EMAIL_FIELD": None,
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_PRESERVE_USERNAME_CASING": False,
        "ACCOUNT_SESSION_REMEMBER": False,
        "ACCOUNT_LOGOUT_REDIRECT_URL": "account_login",
        "ACCOUNT_RATE_LIMITS": {
            "login": "",  # of an address alone: whoever sits behind the same router could use it up
            "login_tried": figures.LOGIN_RATE,
            "sso_started": figures.SSO_RATE,
            "login_failed": f"{figures.ADDRESS_RATE},{figures.ACCOUNT_RATE}",
            "login_failed_at_home": figures.ACCOUNT_RATE,
        },
        "MFA_ADAPTER": "manyi.office.access.adapters.SecondFactor",
        "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes"],
        "MFA_TOTP_ISSUER": "manyi",
        # A used code is remembered for one period; with tolerance it would be good for longer than that.
        "MFA_TOTP_TOLERANCE": 0,
        "SOCIALACCOUNT_ADAPTER": "manyi.office.access.adapters.SingleSignOn",
        "SOCIALACCOUNT_AUTO_SIGNUP": False,
        "SOCIALACCOUNT_ONLY": False,
        "SOCIALACCOUNT_STORE_TOKENS": False,
        "AXES_FAILURE_LIMIT": figures.FAILURES,
        "AXES_COOLOFF_TIME": timedelta(minutes=figures.LOCK_MINUTES),
        "AXES_LOCKOUT_PARAMETERS": [["username", "ip_address"]],
        "AXES_LOCKOUT_CALLABLE": "manyi.office.access.pages.locked",
        "AXES_USERNAME_CALLABLE": "manyi.office.access.adapters.counted_name",
        "AXES_CLIENT_IP_CALLABLE": "manyi.office.access.adapters.address",
        "AXES_RESET_ON_SUCCESS": True,
        "AXES_DISABLE_ACCESS_LOG": True,  # the audit log keeps logins
        "AXES_VERBOSE": False,
        "AUDITLOG_DISABLE_REMOTE_ADDR": False,
    }


def chosen(policy: Policy, hosts: list[str]) -> dict[str, Any]:
    """What the configuration decides."""
    secure = policy.https
    return {
        # The __Host- prefix: a browser takes it only over TLS, from this host, for every path.
        "SESSION_COOKIE_NAME": "__Host-manyi" if secure else "manyi",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_AGE": policy.idle_minutes * 60,
        "CSRF_COOKIE_NAME": "__Host-manyi-csrf" if secure else "manyi-csrf",
        "CSRF_COOKIE_SECURE": secure,
        "CSRF_TRUSTED_ORIGINS": [f"https://{host}" for host in hosts] if secure else [],
        "ACCOUNT_DEFAULT_HTTP_PROTOCOL": "https" if secure else "http",
        "SECURE_HSTS_SECONDS": 365 * 24 * 3600 if secure else 0,
        "SOCIALACCOUNT_PROVIDERS": _providers(policy),
    }


def _providers(policy: Policy) -> dict[str, Any]:
    if policy.oidc is None:
        return {}
    app = {
        "provider_id": OIDC_ID,
        "name": policy.oidc.name,
        "client_id": policy.oidc.client_id,
        "secret": policy.oidc.client_secret,
        "settings": {"server_url": policy.oidc.server_url},
    }
    return {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}


def database(policy: Policy) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(policy.database),
        "OPTIONS": {
            "timeout": 10,
            "transaction_mode": "IMMEDIATE",  # two writers wait for each other instead of failing half-way
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
    }
