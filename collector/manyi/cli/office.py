"""`manyi office`: what has to be done on the server's own console: first officers, wall links, unlocking, resets.

Whoever may run this may read the configuration and the accounts; every command is an entry of the audit log. It refuses
default passwords and never prints one to a terminal that was not asked for.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from manyi.core import config as configs
from manyi.core.errors import InputError
from manyi.words import both

office_app = typer.Typer(
    no_args_is_help=True, help=both("网页账号：三员、大屏、解锁", "Accounts of the web application.")
)

# The three officers of 三员分立 and the account names they get.
FIRST = {"administrator": "系统管理员", "security": "安全管理员", "auditor": "审计员"}


@contextmanager
def _accounts(context: typer.Context) -> Iterator[configs.Config]:
    """The accounts of this configuration, migrated and ready."""
    from django.db import connections  # noqa: PLC0415  Django: only these commands need it

    from manyi.office.access.from_config import office_settings  # noqa: PLC0415
    from manyi.office.runtime import configure  # noqa: PLC0415

    config = configs.load(context.obj)
    config.data.dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    configure(replace(office_settings(config), login=True))
    try:
        yield config
    finally:
        connections.close_all()


@office_app.command()
def migrate(context: typer.Context) -> None:
    """建立或升级账号库（manyi serve 启动时也会做） / Make or bring up to date the accounts (manyi serve does so too)."""
    with _accounts(context) as config:
        typer.echo(both(f"账号库已就绪：{config.data.dir / 'office.db'}", "The accounts are up to date."))


@office_app.command()
def init(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(help=both("初始口令写入此文件夹", "The folder for the first passwords."))
    ] = None,
) -> None:
    """建立三员账号：系统管理员、安全管理员、审计员 / Make the three officers, each with a first password of its own."""
    with _accounts(context) as config:
        from manyi.office.access.models import User  # noqa: PLC0415

        if User.objects.filter(role__in=FIRST).exists():
            raise InputError(
                both(
                    "已有三员账号，没有改动。增补或重置请用 manyi office officer",
                    "There are officers already; nothing was changed. Use manyi office officer.",
                )
            )
        folder = out or config.data.dir / "first-passwords"
        for role, name in FIRST.items():
            _officer(role, role, name, lambda user: _to_file(folder, user))
        typer.echo(
            both(
                f"初始口令在 {folder} 的三个文件里，请分别当面交给三个人，交完删除；首次登录必须修改",
                f"The first passwords are in {folder}: hand each to its person and delete the file.",
            )
        )


@office_app.command()
def officer(
    context: typer.Context,
    role: Annotated[str, typer.Argument(help=both("administrator、security 或 auditor", "The role."))],
    username: Annotated[str, typer.Argument(help=both("账号", "The account's name."))],
    name: Annotated[str, typer.Option(help=both("姓名", "The person's name."))] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            help=both("写入此文件夹；不给则手工输入", "A folder; without it you type the password.")
        ),
    ] = None,
) -> None:
    """增加一名三员，或重置其口令和二次验证 / Add an officer, or reset one's password and second factor."""
    if role not in FIRST:
        raise InputError(
            both(f"没有三员角色 {role}，只有 {'、'.join(FIRST)}", f"Officers are: {', '.join(FIRST)}.")
        )
    with _accounts(context):
        _officer(role, username, name or FIRST[role], (lambda u: _to_file(out, u)) if out else _typed)
        typer.echo(both(f"{username}：已就绪，首次登录必须修改口令", f"{username} is ready."))


@office_app.command()
def disable(
    context: typer.Context,
    username: Annotated[str, typer.Argument(help=both("账号", "The account's name."))],
) -> None:
    """停用账号并立即退出其所有登录 / Disable an account and log it out everywhere."""
    with _accounts(context):
        from manyi.office.access import audit  # noqa: PLC0415
        from manyi.office.access.models import end_sessions  # noqa: PLC0415

        user = _find(username)
        user.is_active = False
        user.save()
        end_sessions(user)
        audit.record(None, audit.Event.account_changed, subject=user.username, console="disabled")
        typer.echo(both(f"{username} 已停用", f"{username} is disabled."))


@office_app.command()
def unlock(
    context: typer.Context,
    username: Annotated[str, typer.Argument(help=both("账号", "The account's name."))],
) -> None:
    """解除因口令输错造成的锁定 / Unlock an account after wrong passwords."""
    with _accounts(context):
        from manyi.office.access import audit, officers  # noqa: PLC0415

        user = _find(username)
        found = officers.unlock(user.username)
        audit.record(None, audit.Event.unlocked, subject=user.username, console=found)
        typer.echo(
            both(f"{username} 已解锁", f"{username} is unlocked.")
            if found
            else both("没有锁定", "Not locked.")
        )


@office_app.command()
def screen(
    context: typer.Context,
    username: Annotated[str, typer.Argument(help=both("大屏账号，例如 wall-1", "The wall, such as wall-1."))],
    county: Annotated[str, typer.Option(help=both("只显示此县区", "Show this county only."))] = "",
    hall: Annotated[str, typer.Option(help=both("只显示此大厅", "Show this hall only."))] = "",
    url: Annotated[str, typer.Option(help=both("大屏的网址", "The wall's address."))] = "",
) -> None:
    """生成无人值守大屏的一次性登录链接 / Make a login link for an unattended wall; it works once."""
    with _accounts(context) as config:
        from django.core import signing  # noqa: PLC0415

        from manyi.office.access import audit  # noqa: PLC0415
        from manyi.office.access.models import User  # noqa: PLC0415
        from manyi.office.access.pages import LINK_SALT  # noqa: PLC0415
        from manyi.office.access.policy import LINK_MINUTES  # noqa: PLC0415

        _known_place(county, hall)
        user = User.objects.filter(username=username).first() or User(
            username=username, display_name=username
        )
        if user.pk and user.role != "screen":
            raise InputError(both(f"{username} 不是大屏账号", f"{username} is not a wall."))
        user.role, user.county, user.hall, user.is_active = "screen", county, hall, True
        user.must_change, user.link = False, secrets.token_urlsafe(24)
        user.set_unusable_password()
        user.full_clean()
        user.save()
        audit.record(None, audit.Event.screen_link, subject=user.username, county=county, hall=hall)
        web = config.web
        base = url.rstrip("/") or f"{'https' if web.https else 'http'}://{web.host}:{web.port}"
        typer.echo(f"{base}/screen/{signing.dumps([user.pk, user.link], salt=LINK_SALT)}/")
        typer.echo(
            both(
                f"请在大屏浏览器中打开，{LINK_MINUTES} 分钟内有效，只能用一次",
                f"Open it in the wall's browser within {LINK_MINUTES} minutes; it works once.",
            ),
            err=True,
        )


def _known_place(county: str, hall: str) -> None:
    """Raises InputError if the roster has no such place; before there is a ledger nobody can tell."""
    from manyi.office.errors import SourceDown  # noqa: PLC0415
    from manyi.office.runtime import current  # noqa: PLC0415

    try:
        places = current().source.roster()
    except SourceDown:
        return
    for tier, wanted in (("county", county), ("hall", hall)):
        if wanted and wanted not in {each[0] for each in places[tier]}:
            raise InputError(both(f"名册中没有 {wanted}", f"The roster has no {tier} {wanted}."))


def _officer(role: str, username: str, name: str, deliver: Callable[[Any], None]) -> None:
    from django.core.exceptions import ValidationError  # noqa: PLC0415

    from manyi.office.access import audit, officers  # noqa: PLC0415
    from manyi.office.access.models import User  # noqa: PLC0415

    user = User.objects.filter(username=username).first() or User(username=username, display_name=name)
    if user.pk and user.role != role:
        raise InputError(
            both(
                f"{username} 是别的角色，请换一个账号名", f"{username} has another role; choose another name."
            )
        )
    user.role, user.is_active, user.made_by = role, True, user.made_by or audit.CONSOLE
    try:
        user.full_clean(exclude=["password"])
        deliver(user)
    except ValidationError as error:
        raise InputError("; ".join(error.messages)) from error
    user.save()
    officers.reset_factor(user)
    officers.unlock(user.username)
    audit.record(None, audit.Event.account_made, subject=username, role=role, console="officer")


def _to_file(folder: Path, user: Any) -> None:
    from manyi.office.access import audit, first  # noqa: PLC0415

    password = first.made(user, audit.CONSOLE)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{user.username}.txt"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{user.username}\n{password}\n")


def _typed(user: Any) -> None:
    from django.contrib.auth.password_validation import validate_password  # noqa: PLC0415

    from manyi.office.access import audit, first  # noqa: PLC0415

    if not sys.stdin.isatty():
        raise InputError(
            both(
                "没有终端，无法输入口令；请加 --out 文件夹",
                "There is no terminal to type it at; give --out FOLDER.",
            )
        )
    password = typer.prompt(both("初始口令", "First password"), hide_input=True, confirmation_prompt=True)
    validate_password(password, user)
    first.given(user, password, audit.CONSOLE)


def _find(username: str) -> Any:
    from manyi.office.access.models import User  # noqa: PLC0415

    found = User.objects.filter(username=username.strip().lower()).first()
    if found is None:
        raise InputError(both(f"没有账号 {username}", f"There is no account {username}."))
    return cast(Any, found)
