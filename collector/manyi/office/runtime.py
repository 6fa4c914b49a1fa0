"""The office's settings and its parts, made once per process. It refuses to guess: DEBUG does not exist, the secret is a file."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import django
from django.conf import settings as django_settings

from manyi import __version__
from manyi.core.account import SILENT_MS
from manyi.core.config import secret as existing_secret
from manyi.core.errors import SetupError
from manyi.office.access import settings as access
from manyi.office.access.policy import Policy
from manyi.office.bounds import TOLD_MAX
from manyi.office.hub import MAX_STREAMS, Hub
from manyi.office.source import Source
from manyi.office.stores import Stores
from manyi.words import both

HERE = Path(__file__).parent
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
ALONE = ("localhost", "127.0.0.1", "::1")
# Listening on these says nothing about the name a browser will use.
ANY_ADDRESS = frozenset({"0.0.0.0", "::", ""})
SECRET_BYTES = 48
FIELDS_MAX = 100  # of a form or an address; the longest form has a dozen


@dataclass(frozen=True, slots=True)
class OfficeSettings:
    """What the office needs to know. `source` is for another place of figures than the stores in `data_dir`."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()
    secret_file: Path | None = None
    silent_ms: int = SILENT_MS
    max_streams: int = MAX_STREAMS
    source: Source | None = None
    login: bool = True
    """False: no accounts; everybody is the control centre. For this machine alone."""
    access: Policy = field(default_factory=Policy)
    public_port: int | None = None
    """A second port for the halls' public screens alone; None: none, 0: any free one."""
    cert_file: Path | None = None
    key_file: Path | None = None
    proxies: tuple[str, ...] = ("127.0.0.1",)
    inner: bool = False
    """The ledger is a copy that comes in files ([feed] in): nothing is written here, and pages say where to."""
    visits_file: Path | None = None
    """The systems that may tell visits and sign-ins; None: /api/visits and /api/duty are not there."""


@dataclass(slots=True)
class Runtime:
    """The parts that the views use. `public_port` is known once the server listens."""

    settings: OfficeSettings
    source: Source
    hub: Hub
    build: str
    public_port: int = 0


_runtime: Runtime | None = None


def configure(settings: OfficeSettings) -> Runtime:
    """Set Django up (the first time) and put the office's parts in place. Called before anything else of the office.

    Raises SetupError if there is no login and other machines could reach it, or if the accounts cannot be kept.
    """
    global _runtime  # noqa: PLW0603  Django itself is one per process
    if not settings.login and settings.host not in ALONE:
        raise SetupError(
            f"[web] login = false 只能用于本机，而 host = {settings.host!r} 别的机器可以访问 / "
            f"login = false is for this machine alone, and host = {settings.host!r} is seen from others."
        )
    settings = replace(
        settings, access=replace(settings.access, database=settings.data_dir / settings.access.database)
    )
    first = not django_settings.configured
    if first:
        django_settings.configure(**_django(settings))
        django.setup()
    for name, value in _chosen(settings).items():
        setattr(django_settings, name, value)
    build = _build()
    source = settings.source or Stores(settings.data_dir, settings.silent_ms)
    _runtime = Runtime(settings, source, Hub(source, build, limit=settings.max_streams), build)
    _open_accounts(settings, first)
    return _runtime


def _open_accounts(settings: OfficeSettings, first: bool) -> None:
    from manyi.office.access import audit, database  # noqa: PLC0415  models exist only after django.setup()

    if not first:
        database.point_at(settings.access.database)
    audit.send_to(settings.access.syslog if settings.login else "")
    if settings.login:
        database.migrate(settings.access.database)


def current() -> Runtime:
    """The parts in place."""
    if _runtime is None:
        raise RuntimeError("manyi.office.configure() has not been called")
    return _runtime


def secret(path: Path) -> str:
    """The secret key in that file; made at the first start, for the service alone.

    Raises SetupError if it cannot be made, or if others may read it.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return existing_secret(path, "secret key")
    except OSError as error:
        raise SetupError(
            both(f"{path}：无法生成密钥", f"the secret key cannot be made ({error}).")
        ) from error
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES) + "\n")
    except OSError as error:
        path.unlink()  # half a secret would be refused at every later start
        raise SetupError(
            both(f"{path}：无法写入密钥", f"the secret key cannot be written ({error}).")
        ) from error
    return existing_secret(path, "secret key")


def _build() -> str:
    """Names this version of the screens; a page that finds another one at the server loads itself again."""
    digest = hashlib.sha256(__version__.encode())
    for path in sorted(
        [*HERE.glob("static/**/*.*"), *HERE.glob("templates/**/*.html"), *HERE.glob("locale/**/*.mo")]
    ):
        digest.update(path.read_bytes())
    return f"{__version__}-{digest.hexdigest()[:8]}"


def _hosts(settings: OfficeSettings) -> list[str]:
    own = [] if settings.host in ANY_ADDRESS else [settings.host]
    return [*LOOPBACK, *own, *settings.allowed_hosts]


def _chosen(settings: OfficeSettings) -> dict[str, Any]:
    """What one office of a process may have different from the one before it (tests start several)."""
    middleware = [*OUTER, *(access.MIDDLEWARE if settings.login else ["manyi.office.middleware.nobody"])]
    if settings.login:
        middleware.insert(OUTER.index(STATIC) + 1, "django.contrib.sessions.middleware.SessionMiddleware")
    hosts = _hosts(settings)
    return {
        "ALLOWED_HOSTS": hosts,
        "MIDDLEWARE": middleware,
        "ROOT_URLCONF": "manyi.office.urls" if settings.login else "manyi.office.urls_open",
        **access.chosen(settings.access, [host for host in hosts if host not in LOOPBACK]),
    }


STATIC = "manyi.office.middleware.StaticFiles"
OUTER = [
    "django.middleware.security.SecurityMiddleware",
    "manyi.office.middleware.screen_policy",
    STATIC,
    "manyi.office.middleware.public_only",
    "django.middleware.common.CommonMiddleware",  # it is the one that checks the host name
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "manyi.office.middleware.language",
]


def _django(settings: OfficeSettings) -> dict[str, Any]:
    return {
        "DEBUG": False,
        "SECRET_KEY": secret(settings.secret_file or settings.data_dir / "office.secret"),
        **_chosen(replace(settings, login=True)),  # the packages look for their middleware at the start
        **access.fixed(),
        "INSTALLED_APPS": ["django.contrib.staticfiles", "manyi.office", *access.APPS],
        "DATABASES": {"default": access.database(settings.access)},
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        *(f"django.template.context_processors.{name}" for name in ("i18n", "request")),
                        "manyi.office.access.menu.context",
                    ]
                },
            }
        ],
        "USE_I18N": True,
        "LANGUAGE_CODE": "zh-hans",
        "LANGUAGES": [("zh-hans", "中文"), ("en", "English")],
        "LANGUAGE_COOKIE_AGE": 365 * 24 * 3600,
        "LANGUAGE_COOKIE_SAMESITE": "Lax",
        "LANGUAGE_COOKIE_HTTPONLY": True,
        "LOCALE_PATHS": [str(HERE / "locale"), str(HERE / "access" / "packages")],
        "USE_TZ": True,
        "TIME_ZONE": "Asia/Shanghai",
        "STATIC_URL": "/static/",
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "WHITENOISE_MAX_AGE": 0,  # modules import each other by plain names; a 304 costs nothing on a local network
        "WHITENOISE_ALLOW_ALL_ORIGINS": False,
        "X_FRAME_OPTIONS": "DENY",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        # Behind bounds.py, which refuses more before Django hears of it.
        "DATA_UPLOAD_MAX_MEMORY_SIZE": TOLD_MAX,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": FIELDS_MAX,
        "DATA_UPLOAD_MAX_NUMBER_FILES": 0,  # no page takes a file
        "LOGGING_CONFIG": None,
    }
