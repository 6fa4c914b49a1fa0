"""An installed broker's folder: made by `init`, given boxes by `add`, rid of them by `remove`, its access list made
anew by `renew_acl` after an upgrade.

    mosquitto.conf mosquitto-2.1.conf acl passwords server.pem ca.crt ca.der ca.crl handover/

Refuses: to overwrite, to add half of a list, to put an auditor's key where the collector or the broker is. It
never signals a broker: who may read the new password file says so himself, with SIGHUP.
"""

import json
import os
import pwd
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from manyi.broker import ca, files, mosquitto, passwords
from manyi.broker.names import BOX, DOCTOR, SERVICES, BrokerError, is_account
from manyi.words import both

HANDOVER = "handover"
DIR_MODE, CONF_MODE = 0o750, 0o640


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs the server's certificate, and for which names."""

    authority: Path
    names: list[str]
    passphrase: bytes | None


def init(directory: Path, setup: mosquitto.Setup, signing: Signing | None, now: datetime) -> None:
    """The whole folder, or nothing. Without `signing` the CA is elsewhere, and server.pem and the root come by
    hand. Raises BrokerError."""
    _check(setup)
    secrets = {user: passwords.mint(user, keys=False).password for user in SERVICES}
    with files.new_dir(directory, DIR_MODE) as stage:
        files.write_new(stage / mosquitto.CONF, mosquitto.config(setup).encode(), CONF_MODE)
        plugins = mosquitto.config(setup, plugins=True).encode()
        files.write_new(stage / mosquitto.CONF_21, plugins, CONF_MODE)
        files.write_new(stage / mosquitto.ACL, mosquitto.acl(setup).encode())
        lines = "".join(f"{passwords.line(user, secret)}\n" for user, secret in secrets.items())
        files.write_new(stage / mosquitto.PASSWORDS, lines.encode())
        (stage / HANDOVER).mkdir(files.SECRET_DIR)
        for user, secret in secrets.items():
            files.write_new(stage / HANDOVER / f"{user}.password", f"{secret}\n".encode())
        if signing:
            ca.issue(signing.authority, signing.names, stage, signing.passphrase, now)
        _give(stage, setup.account)


def _check(setup: mosquitto.Setup) -> None:
    problems = []
    for what in (setup.directory, setup.log, setup.bind, setup.account, setup.plugins):
        if not what.isprintable():
            problems.append(both(f"{what!r} 含有不可见字符", "has characters that cannot be printed"))
    if setup.log not in (mosquitto.SYSLOG, mosquitto.STDERR) and not setup.log.startswith("/"):
        problems.append(both(f"日志“{setup.log}”不是绝对路径", "--log: syslog, stderr or an absolute path"))
    if os.geteuid() == 0 and not _account(setup.account):
        problems.append(both(f"没有系统账户 {setup.account}", "--account: no such account on this machine"))
    if problems:
        raise BrokerError(*problems)


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _give(stage: Path, account: str) -> None:
    """Root gives the broker's account what it reads again at each reload, and no more: not the configuration,
    which it may read but not write, and not the hand-over folder. Mosquitto 2.1 wants to own the secrets."""
    entry = _account(account)
    if os.geteuid() != 0 or entry is None:
        return
    os.chown(stage, 0, entry.pw_gid)
    for name in (mosquitto.CONF, mosquitto.CONF_21):
        os.chown(stage / name, 0, entry.pw_gid)
    for name in (mosquitto.ACL, mosquitto.PASSWORDS, mosquitto.SERVER_PEM):
        if (stage / name).exists():
            os.chown(stage / name, entry.pw_uid, entry.pw_gid)


def _password_file(directory: Path) -> Path:
    path = directory / mosquitto.PASSWORDS
    if not path.is_file():
        raise BrokerError(
            both(f"{path} 不存在，先执行 manyi broker init", "no broker here: manyi broker init")
        )
    return path


def add(
    directory: Path, boxes: list[str], handover: Path, link_file: Path | None, auditor_file: Path | None
) -> None:
    """Credentials for all of these boxes, or for none. With both key files, also their keys. Raises
    BrokerError.

    `handover` is new, 0600, one JSON object a line, in the order given: box, user, password, k_link, k_chain.
    The password file is written last: what a crash leaves behind before that opens nothing.
    """
    path = _password_file(directory)
    with files.locked(directory):
        text = path.read_text(encoding="utf-8")
        problems = _problems(boxes, {entry.user for entry in passwords.parse(text)}, handover)
        problems += _key_problems(directory, boxes, link_file, auditor_file)
        if problems:
            raise BrokerError(*problems)
        minted = [
            passwords.mint(box, keys=link_file is not None and BOX.fullmatch(box) is not None)
            for box in boxes
        ]
        files.write_new(handover, "".join(_handover_line(one) for one in minted).encode())
        if auditor_file:
            _append(auditor_file, "".join(f"{one.box} {one.k_chain}\n" for one in minted if one.k_chain))
        if link_file:
            _append(link_file, "".join(f"{one.box} {one.k_link}\n" for one in minted if one.k_link))
        lines = "".join(f"{passwords.line(one.box, one.password)}\n" for one in minted)
        files.replace(path, (text + lines).encode())


def _handover_line(one: passwords.Credential) -> str:
    keys = {name: key for name, key in (("k_link", one.k_link), ("k_chain", one.k_chain)) if key}
    return json.dumps({"box": one.box, "user": one.box, "password": one.password, **keys}) + "\n"


def _append(path: Path, lines: str) -> None:
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    gap = "\n" if old and not old.endswith("\n") else ""
    files.replace(path, (old + gap + lines).encode())


def _problems(boxes: list[str], known: set[str], handover: Path) -> list[str]:
    problems = []
    for box, times in Counter(boxes).items():
        if not is_account(box):
            zh = f"“{box}”不是评价器编号（3 至 24 位小写字母、数字、连字符）"
            problems.append(both(zh, f"{box!r} is no box id (docs/WIRE.md)"))
        elif box in known:
            problems.append(both(f"{box} 已有账户", f"{box} has an account: remove it first"))
        if times > 1:
            problems.append(both(f"{box} 出现 {times} 次", f"{box} is named {times} times"))
    if not boxes:
        problems.append(both("没有给出评价器", "no box is named"))
    if handover.exists():
        problems.append(both(f"{handover} 已存在，不会覆盖", "exists and is not overwritten"))
    if not handover.absolute().parent.is_dir():
        problems.append(both(f"{handover.parent} 不是目录", "is not a directory"))
    return problems


def _key_problems(
    directory: Path, boxes: list[str], link_file: Path | None, auditor_file: Path | None
) -> list[str]:
    if DOCTOR in boxes:
        if len(boxes) > 1 or link_file is None or auditor_file is not None:
            zh = "体检账户要单独开，只给 --link-file：它没有按键，也就没有审计密钥"
            return [both(zh, "the doctor is added alone, with --link-file only: it presses nothing")]
    elif link_file is None and auditor_file is None:
        return []
    elif link_file is None or auditor_file is None:
        return [both("两个密钥文件须同时给出", "--link-file and --auditor-file go together")]
    problems = []
    near = {directory.resolve(), link_file.resolve().parent}
    if auditor_file and (
        auditor_file.resolve().parent in near or link_file.resolve() == auditor_file.resolve()
    ):
        problems.append(
            both(
                f"审计密钥 {auditor_file} 不能与采集或消息服务器的文件放在一起",
                "the auditor's keys may not lie with the collector's or the broker's files",
            )
        )
    for path in filter(None, (link_file, auditor_file)):
        if path.exists():
            have = _boxes_in(path)
            problems += [both(f"{path} 已有 {box}", f"{box} has a key there") for box in boxes if box in have]
        elif not path.absolute().parent.is_dir():
            problems.append(both(f"{path.parent} 不是目录", "is not a directory"))
    return problems


def _boxes_in(path: Path) -> set[str]:
    """Whose key a key file has. Raises BrokerError if others can read it."""
    lines = files.read_secret(path).decode(errors="replace").splitlines()
    return {line.split()[0] for line in lines if line.split("#", 1)[0].split()}


def remove(directory: Path, boxes: list[str]) -> None:
    """Takes all of these accounts off the password file, or none. Raises BrokerError."""
    path = _password_file(directory)
    with files.locked(directory):
        text = path.read_text(encoding="utf-8")
        known = {entry.user for entry in passwords.parse(text)}
        if unknown := [both(f"{box} 没有账户", f"{box} has no account") for box in boxes if box not in known]:
            raise BrokerError(*unknown)
        files.replace(path, passwords.without(text, set(boxes)).encode())


def renew_acl(directory: Path) -> bool:
    """The access list as this release writes it, in place of an earlier one's; whether that changed anything. What
    somebody wrote into it by hand is gone, but the collector's sight of $SYS stays. Raises BrokerError."""
    path = _password_file(directory).with_name(mosquitto.ACL)
    with files.locked(directory):
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        new = mosquitto.acl(mosquitto.Setup(str(directory), metrics=mosquitto.METRICS in old))
        if new != old:
            files.replace(path, new.encode())
        return new != old
