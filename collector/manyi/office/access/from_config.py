"""The configuration's [web] and [audit] as the office's settings.

It refuses roles that do not exist, and secrets that others may read.
"""

from __future__ import annotations

from manyi.core.config import Config, Web, secret
from manyi.core.errors import SetupError
from manyi.office.access.policy import DEMANDING, Oidc, Policy
from manyi.office.access.scope import Role
from manyi.office.runtime import OfficeSettings


def office_settings(config: Config) -> OfficeSettings:
    """Raises SetupError."""
    web = config.web
    return OfficeSettings(
        config.data.dir,
        web.host,
        web.port,
        web.allowed_hosts,
        web.secret_file,
        silent_ms=config.policy.silent_s * 1000,
        login=web.login,
        access=policy(config),
        public_port=web.public_port or None,
        cert_file=web.cert_file,
        key_file=web.key_file,
        proxies=web.proxies,
        inner=config.follows,
        visits_file=config.visits.sources,
    )


def policy(config: Config) -> Policy:
    """What the configuration says about access."""
    web = config.web
    return Policy(
        https=web.https,
        idle_minutes=web.idle_minutes,
        session_hours=web.session_hours,
        second_factor=_roles(web),
        oidc=_oidc(web),
        metrics_token=secret(web.metrics_token_file, "token") if web.metrics_token_file else "",
        syslog=config.audit.syslog,
        keep_days=config.audit.keep_days,
    )


def _roles(web: Web) -> tuple[str, ...]:
    if web.second_factor is None:
        return tuple(DEMANDING)
    strange = [name for name in web.second_factor if name not in set(Role)]
    if strange:
        raise SetupError(
            f"[web] second_factor：没有角色 {'、'.join(strange)} / there is no role {', '.join(strange)}. "
            f"Roles: {', '.join(Role)}."
        )
    return web.second_factor


def _oidc(web: Web) -> Oidc | None:
    if web.oidc is None:
        return None
    given = web.oidc
    return Oidc(
        given.name, given.server_url, given.client_id, secret(given.client_secret_file, "client secret")
    )
