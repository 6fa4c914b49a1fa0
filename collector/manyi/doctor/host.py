"""The machine: settings left as they came, file modes and owners, room on the disk, the clock.

Asks the time service's own tools whether the clock is kept; refuses to take a running daemon for a synchronised one.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from manyi.backup import secret_files
from manyi.broker.names import DOCTOR
from manyi.core.errors import ManyiError
from manyi.core.keys import load as load_keys
from manyi.core.ledger import schema
from manyi.doctor.finding import Finding, Place, bad, good, skipped, warn, why
from manyi.words import many

AS_DELIVERED: Final = ("请填写", "example.gov.cn", "broker.example")
FREE_RATIO_WARN: Final = 0.10
FREE_WARN, FREE_BAD = 2 << 30, 256 << 20  # bytes: months of a city's ledger; a day of its journals and logs
AHEAD_MS: Final = 60_000  # a clock that runs behind the ledger's newest row by more was set back
TOOL_S = 5.0  # for timedatectl or chronyc; neither asks another machine
TIMEDATECTL: Final = ("timedatectl", "show", "-p", "NTPSynchronized", "--value")
CHRONYC: Final = ("chronyc", "-c", "tracking")


def settings(place: Place) -> Iterator[Finding]:
    values = {"[city] name": place.config.city.name, "[broker] host": place.config.broker.host}
    left = [key for key, value in values.items() if any(word in value for word in AS_DELIVERED)]
    for key in left:
        yield bad(
            "config",
            f"{key} 还是示例值",
            f"{key} is still the example's",
            f"改成自己的：{place.config_file}",
            f"put in your own: {place.config_file}",
        )
    if not place.config.web.login:
        yield bad(
            "config",
            "[web] login = false 只供演示：谁打开网页都能看到一切",
            "[web] login = false is for the demo: whoever opens the page sees everything",
            f"改成 true：{place.config_file}；再执行 systemctl restart manyi",
            f"make it true: {place.config_file}; then systemctl restart manyi",
        )
        return
    mode = place.config_file.stat().st_mode
    if mode & 0o022:
        yield bad(
            "config",
            "配置文件可被其他账户修改",
            "Others can change the configuration file",
            f"chmod go-w {place.config_file}",
        )
    elif not left:
        yield good("config", f"{place.config_file} 可读且完整", f"{place.config_file} is read and complete.")


def secrets(place: Place) -> Iterator[Finding]:
    """Each file that the configuration names is there, readable by us, and by nobody else."""
    config, wrong = place.config, False
    for setting, path, is_secret in secret_files.named(config):
        if setting in secret_files.MADE and not path.exists():
            continue
        try:
            mode = path.stat().st_mode
            path.open("rb").close()
        except OSError as error:
            wrong = True
            yield bad(
                "secrets",
                f"{path} 无法读取（{error.strerror}）",
                f"{path} cannot be read ({error.strerror})",
                f"chown manyi:manyi {path}；没有这个文件，就从备份取回或重新生成",
                f"chown manyi:manyi {path}; if there is no such file, take it from a copy or make it anew",
            )
            continue
        if is_secret and mode & 0o077:
            wrong = True
            yield bad("secrets", f"{path} 别的账户能读", f"Others may read {path}", f"chmod 600 {path}")
    if not config.follows and not wrong:
        try:
            boxes = len(load_keys(config.keys.link_file, "link key file").keys() - {DOCTOR})
        except ManyiError as error:
            zh, en = why(error)
            yield bad(
                "secrets",
                f"密钥文件有误：{zh}",
                f"The key file is wrong: {en}",
                f"改正这一行，或从备份取回：{config.keys.link_file}",
                f"put that line right, or take the file from a copy: {config.keys.link_file}",
            )
            return
        if boxes == 0:
            yield warn(
                "secrets",
                "密钥文件里还没有评价器",
                "No box in the key file yet",
                f"manyi broker add BOX --dir /etc/manyi/broker --out boxes.jsonl --link-file {config.keys.link_file} "
                "--auditor-file /media/stick/auditor.keys",
            )
        else:
            yield good(
                "secrets",
                f"密钥文件都在，只有本账户可读；评价器 {boxes} 台",
                f"The secret files are all there, ours alone; keys of {many(boxes, 'box')}.",
            )
    elif not wrong:
        yield good(
            "secrets", "密钥文件都在，只有本账户可读", "The secret files are all there, and ours alone."
        )


def folder(place: Place) -> Iterator[Finding]:
    path = place.config.data.dir
    if not path.is_dir():
        yield bad(
            "data",
            f"{path} 不存在，服务还没有启动过",
            f"{path} is not there: the service has never run",
            "systemctl start manyi",
        )
        return
    info = path.stat()
    if os.geteuid() == 0 and info.st_uid != 0:
        yield warn(
            "data",
            "体检是用 root 执行的：服务不能做的，root 能做，查不出来",
            "Root runs this: it may do what the service may not, so that stays unseen",
            "runuser -u manyi -- manyi doctor",
        )
    if not os.access(path, os.W_OK | os.X_OK):
        yield bad(
            "data",
            f"{path} 不可写",
            f"{path} cannot be written by this account",
            f"chown -R manyi:manyi {path}",
        )
    elif stat.S_IMODE(info.st_mode) & 0o007:
        yield warn(
            "data",
            f"别的账户能进入 {path}（里面有人员姓名）",
            f"Others may look into {path} (names of staff are there)",
            f"chmod 700 {path}",
        )
    else:
        yield good("data", f"{path} 可写，别人进不去", f"{path} is ours.")


def disk(place: Place) -> Iterator[Finding]:
    path = place.config.data.dir
    if not path.is_dir():
        return
    usage = shutil.disk_usage(path)
    said_zh, said_en = f"剩余 {usage.free >> 20} MB", f"{usage.free >> 20} MB free"
    if usage.free < FREE_BAD:
        yield bad(
            "disk",
            f"{said_zh}，快写不进台账（那时评价器会等，不丢记录）",
            f"{said_en}: soon the ledger cannot be written (boxes wait then, and lose nothing)",
            f"马上清理旧备份、旧日志，或扩容：df -h {path}",
            f"make room now, old copies and logs first, or add space: df -h {path}",
        )
    elif usage.free < FREE_WARN or usage.free < usage.total * FREE_RATIO_WARN:
        yield warn(
            "disk",
            f"{said_zh}，不多了",
            f"{said_en} is little",
            f"清理旧备份，或扩容：df -h {path}",
            f"keep fewer copies, or add space: df -h {path}",
        )
    else:
        yield good("disk", said_zh, said_en)


def clock(place: Place) -> Iterator[Finding]:
    """Boxes learn the time from us: a wrong clock here dates every press wrongly."""
    newest = 0
    if place.config.data.ledger.exists():
        try:
            with closing(schema.open_for_reading(place.config.data.ledger)) as conn:
                newest = conn.execute(
                    "SELECT coalesce(max(at_ms), 0) FROM (SELECT at_ms FROM row ORDER BY id DESC LIMIT 1000)"
                ).fetchone()[0]
        except ManyiError:
            pass  # the ledger's own check says what is wrong with it
    if newest > place.now_ms + AHEAD_MS:
        late = (newest - place.now_ms) // 1000
        yield bad(
            "clock",
            f"系统时间比台账最新记录还早 {late} 秒",
            f"The clock is {late} s behind the ledger's newest row",
            "校准时间（timedatectl set-time），再执行 systemctl restart manyi",
            "set it right (timedatectl set-time), then systemctl restart manyi",
        )
        return
    kept = synchronised()
    if kept is None:
        yield skipped(
            "clock",
            "问不到系统时间是否已同步（timedatectl、chronyc 都没有回答）",
            "Whether the clock is synchronised cannot be told: neither timedatectl nor chronyc answers.",
        )
    elif kept:
        yield good("clock", "系统时间已与时间服务器同步", "The clock is synchronised with a time server.")
    else:
        yield warn(
            "clock",
            "系统时间没有同步：每一次按键的时间都由它定",
            "The clock is not synchronised, and every press is dated by it",
            "timedatectl set-ntp true；没有时间服务就 apt install chrony，在 /etc/chrony/chrony.conf 写本网的时间服务器",
            "timedatectl set-ntp true; without a time service apt install chrony, and name the network's own server in "
            "/etc/chrony/chrony.conf",
        )


def synchronised() -> bool | None:
    """What the time service says of itself, by systemd's word or by chrony's; None if neither tool answers."""
    said = _told(TIMEDATECTL)
    if said in ("yes", "no"):
        return said == "yes"
    return None if (said := _told(CHRONYC)) is None else said.endswith(",Normal")


def _told(command: tuple[str, ...]) -> str | None:
    """What a tool prints; None if there is none, it fails, or it gives no answer in time."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TOOL_S,
            check=True,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
