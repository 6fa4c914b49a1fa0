"""The machine: settings left as they came, file modes and owners, room on the disk, the clock."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from manyi.backup import secret_files
from manyi.broker.names import DOCTOR
from manyi.core.errors import ManyiError
from manyi.core.keys import load as load_keys
from manyi.core.ledger import schema
from manyi.doctor.finding import Finding, Place, bad, good, skipped, warn
from manyi.words import many

AS_DELIVERED: Final = ("请填写", "example.gov.cn", "broker.example")
FREE_RATIO_WARN: Final = 0.10
FREE_WARN, FREE_BAD = 2 << 30, 256 << 20  # bytes: months of a city's ledger; a day of its journals and logs
AHEAD_MS: Final = 60_000  # a clock that runs behind the ledger's newest row by more was set back
TIMESYNC: Final = (
    Path("/run/systemd/timesync/synchronized"),
    Path("/run/chrony/chronyd.pid"),
    Path("/run/ntpd.pid"),
    Path("/run/ntpsec/ntpd.pid"),
)


def settings(place: Place) -> Iterator[Finding]:
    values = {"[city] name": place.config.city.name, "[broker] host": place.config.broker.host}
    left = [key for key, value in values.items() if any(word in value for word in AS_DELIVERED)]
    for key in left:
        yield bad(
            "config", f"{key} 还是示例值，请改成自己的", f"{key} is still the example's: put in your own."
        )
    if not place.config.web.login:
        yield bad(
            "config",
            "[web] login = false：谁打开网页都能看到一切，只供演示",
            "[web] login = false: whoever opens the page sees everything. It is for the demo.",
        )
        return
    mode = place.config_file.stat().st_mode
    if mode & 0o022:
        yield bad(
            "config",
            f"配置文件可被其他账户修改：chmod go-w {place.config_file}",
            "Others can change the configuration file.",
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
                f"{path} 无法读取（{error.strerror}）：文件应属于服务账户",
                f"{path} cannot be read ({error.strerror}): it must be there and belong to the service's account.",
            )
            continue
        if is_secret and mode & 0o077:
            wrong = True
            yield bad("secrets", f"其他账户能读：chmod 600 {path}", f"Others may read it: chmod 600 {path}")
    if not config.follows and not wrong:
        try:
            boxes = len(load_keys(config.keys.link_file, "link key file").keys() - {DOCTOR})
        except ManyiError as error:
            yield bad("secrets", f"密钥文件有误：{error}", f"The key file is wrong: {error}")
            return
        if boxes == 0:
            yield warn(
                "secrets",
                "密钥文件里还没有评价器",
                "No box in the key file yet: manyi broker add, manyi box flash.",
            )
        else:
            yield good(
                "secrets",
                f"密钥文件都在，只有本账户可读；评价器 {boxes} 台",
                f"All there and ours alone; keys of {many(boxes, 'box')}.",
            )
    elif not wrong:
        yield good("secrets", "密钥文件都在，只有本账户可读", "All there, and ours alone.")


def folder(place: Place) -> Iterator[Finding]:
    path = place.config.data.dir
    if not path.is_dir():
        yield bad(
            "data", f"{path} 不存在：服务还没有启动过？", f"{path} is not there: has the service ever run?"
        )
        return
    info = path.stat()
    if os.geteuid() == 0 and info.st_uid != 0:
        yield warn(
            "data",
            "请用服务账户执行：runuser -u manyi -- manyi doctor",
            "Run it as the service's account: root may do what the service may not.",
        )
    if not os.access(path, os.W_OK | os.X_OK):
        yield bad(
            "data",
            f"{path} 不可写：chown -R manyi:manyi {path}",
            f"{path} cannot be written by this account.",
        )
    elif stat.S_IMODE(info.st_mode) & 0o007:
        yield warn(
            "data",
            f"其他账户能进入：chmod 700 {path}",
            f"Others may look into it (names of staff are there): chmod 700 {path}",
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
            f"{said_zh}：马上清理。写不进台账时评价器会等，不丢记录",
            f"{said_en}: make room now. Boxes wait meanwhile and lose nothing.",
        )
    elif usage.free < FREE_WARN or usage.free < usage.total * FREE_RATIO_WARN:
        yield warn("disk", f"{said_zh}：请扩容或清理旧备份", f"{said_en}: add space, or keep fewer copies.")
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
            f"系统时间比台账最新记录还早 {late} 秒：请校时",
            f"The clock is {late} s behind the ledger's newest row: set it right.",
        )
    elif any(_there(path) for path in TIMESYNC):
        yield good("clock", "时间同步服务已同步", "A time service keeps it.")
    elif Path("/run/systemd/system").is_dir():
        yield warn(
            "clock",
            "没有发现时间同步（chrony 或 systemd-timesyncd）",
            "No time service is seen: apt install chrony, and name the network's own NTP server.",
        )
    else:
        yield skipped("clock", "无法判断是否校时", "Whether a time service runs cannot be told here.")


def _there(path: Path) -> bool:
    """A folder that only the time service may enter is its folder all the same."""
    try:
        return path.exists()
    except PermissionError:
        return True
