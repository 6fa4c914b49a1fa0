"""What is wrong with an installed broker's folder, all at once (`manyi broker check`).

Reads the folder for the judges, and looks at owners and modes itself.
Refuses to repair anything, and to say "nothing wrong" of what it could not read.
"""

import os
import pwd
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from manyi.broker import ca, install, judge, judge_accounts, judge_certificate, mosquitto
from manyi.broker.judge import Finding, finding
from manyi.broker.names import BrokerError
from manyi.words import both


def _judge_modes(directory: Path, account: str) -> Iterator[Finding]:
    try:
        uid: int | None = pwd.getpwnam(account).pw_uid
    except KeyError:
        uid = None
    for name in (mosquitto.SERVER_PEM, mosquitto.PASSWORDS, mosquitto.ACL):
        path = directory / name
        if not path.exists():
            continue
        if path.is_symlink():
            yield finding(
                name,
                "是符号链接，Mosquitto 2.1 不读",
                "is a link: Mosquitto 2.1 will not follow it",
                f"换成文件本身：cp --remove-destination $(readlink -f {path}) {path}",
                f"put the file itself here: cp --remove-destination $(readlink -f {path}) {path}",
            )
        info = path.stat()
        if info.st_mode & 0o077 and name != mosquitto.ACL:
            yield finding(name, "可被其他账户读取", "others can read it", f"chmod 600 {path}")
        if info.st_mode & 0o022:
            yield finding(name, "可被其他账户修改", "others can change it", f"chmod go-w {path}")
        if os.geteuid() == 0 and uid is not None and info.st_uid != uid:
            yield finding(
                name,
                f"不属于 {account}，消息服务器读不了",
                f"is not {account}'s: the broker cannot read it",
                f"chown {account} {path}",
            )
    if directory.stat().st_mode & 0o022:
        yield finding(
            str(directory), "目录可被其他账户写入", "others can write here", f"chmod go-w {directory}"
        )
    for path in sorted((directory / install.HANDOVER).glob("*")):
        yield finding(
            f"{install.HANDOVER}/{path.name}",
            "口令还放在这里",
            "a password still lies here",
            f"交给用它的人，再删掉：rm {path}",
            f"hand it to whoever uses it, then rm {path}",
        )


def _judge_paths(directory: Path, config: judge.Config) -> Iterator[Finding]:
    """The files judged must be the files used."""
    used = {**config.general, **(config.listeners[0] if config.listeners else {})}
    for option, name in (
        ("password_file", mosquitto.PASSWORDS),
        ("acl_file", mosquitto.ACL),
        ("certfile", mosquitto.SERVER_PEM),
        ("keyfile", mosquitto.SERVER_PEM),
    ):
        if option in used and Path(used[option]).resolve() != (directory / name).resolve():
            yield finding(
                mosquitto.CONF,
                f"{option} 指向别处：{used[option]}，那个文件没有检查",
                f"{option} is {used[option]}, which is elsewhere and unchecked",
                f"改成 {option} {directory / name}",
                f"make it {option} {directory / name}",
            )


def _judge_age(directory: Path, rules: str) -> Iterator[Finding]:
    """An access list of an earlier release: what came since cannot be said or heard."""
    newest = mosquitto.acl(mosquitto.Setup(str(directory))).splitlines()
    if {line for line in newest if line and not line.startswith("#")} - set(rules.splitlines()):
        yield finding(
            mosquitto.ACL,
            "缺少本版本的规则，是早先的版本写的",
            "lacks rules of this release: an earlier one wrote it",
            f"manyi broker acl --dir {directory}",
        )


def inspect(directory: Path, now: datetime) -> list[Finding]:
    """Everything that is wrong with the folder. Raises BrokerError if it is none."""
    conf = directory / mosquitto.CONF
    if not conf.is_file():
        raise BrokerError(
            both(
                f"{conf} 不存在，先执行 manyi broker init --dir {directory}",
                f"no broker's folder: manyi broker init --dir {directory}",
            )
        )
    found: list[Finding] = []

    def read(name: str) -> bytes | None:
        try:
            return (directory / name).read_bytes()
        except OSError as error:
            found.append(
                finding(
                    name,
                    f"无法读取（{error.strerror}）",
                    f"cannot be read ({error.strerror})",
                    f"查 ls -l {directory / name}；没有就从备份取回，有就用 root 再查一遍",
                    f"look at ls -l {directory / name}; if it is gone, take it from a copy; if not, check as root",
                )
            )
            return None

    def text(name: str) -> str | None:
        data = read(name)
        return None if data is None else data.decode(errors="replace")

    main = text(mosquitto.CONF)
    if main is not None:
        found += judge.judge_config(mosquitto.CONF, main)
        found += _judge_paths(directory, judge.parse_config(main))
    if (directory / mosquitto.CONF_21).exists() and (newer := text(mosquitto.CONF_21)) is not None:
        found += judge.judge_config(mosquitto.CONF_21, newer)
    if (rules := text(mosquitto.ACL)) is not None:
        found += judge_accounts.judge_acl(mosquitto.ACL, rules, str(directory))
        found += _judge_age(directory, rules)
    if (accounts := text(mosquitto.PASSWORDS)) is not None:
        found += judge_accounts.judge_passwords(mosquitto.PASSWORDS, accounts, str(directory))
    server, root = read(mosquitto.SERVER_PEM), read(mosquitto.CA_PEM)
    crl = (directory / ca.CA_CRL).read_bytes() if (directory / ca.CA_CRL).exists() else None
    if server is not None and root is not None:
        found += judge_certificate.judge_certificate(
            mosquitto.SERVER_PEM, server, root, crl, now, str(directory)
        )
    account = judge.parse_config(main or "").general.get("user", "mosquitto")  # Mosquitto's own default
    found += _judge_modes(directory, account)
    return found
