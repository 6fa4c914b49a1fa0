"""What is needed on a bad day: certificates that will last, and a copy that is young, whole and on another disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from manyi.backup import manifest, rotation
from manyi.core.days import HOUR_MS
from manyi.core.errors import ManyiError
from manyi.doctor.finding import Finding, Place, bad, good, skipped, warn
from manyi.words import many

WARN_DAYS: Final = 60
LATE_H, OLD_H = 26, 72  # a night with its delay; three nights


def authority(place: Place) -> Iterator[Finding]:
    path = place.config.broker.ca_file
    if path is None:
        return
    try:
        roots = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        yield bad("authority", f"{path} 不是证书", f"{path} is no certificate ({error}).")
        return
    days = min(
        (each.not_valid_after_utc - datetime.fromtimestamp(place.now_ms / 1000, UTC)).days for each in roots
    )
    if days < WARN_DAYS:
        yield bad(
            "authority",
            f"根证书 {days} 天后到期：所有评价器都要换",
            f"The root ends in {many(days, 'day')}: every box needs the next one first.",
        )
    else:
        yield good("authority", f"根证书还有 {days} 天", f"The root lasts {many(days, 'day')}.")


def copies(place: Place) -> Iterator[Finding]:
    folder = place.config.backup.dir
    if folder is None:
        yield warn("backup", "没有配置 [backup] dir", "No [backup] dir: nobody makes copies.")
        return
    try:
        found = rotation.copies(folder) if folder.is_dir() else {}
    except OSError as error:
        yield skipped("backup", f"看不到 {folder}", f"{folder} cannot be looked at ({error.strerror}).")
        return
    if not found:
        yield bad(
            "backup",
            f"{folder} 里没有备份：systemctl enable --now manyi-backup.timer",
            f"No copy in {folder}: systemctl enable --now manyi-backup.timer, or manyi backup.",
        )
        return
    newest = found[max(found)]
    try:
        made = manifest.read(newest)
    except ManyiError as error:
        yield bad("backup", f"{newest}：{error}", str(error))
        return
    hours = (place.now_ms - made.at_ms) // HOUR_MS
    if hours > LATE_H:
        say = bad if hours > OLD_H else warn
        yield say(
            "backup",
            f"最近的备份是 {hours} 小时前：journalctl -u manyi-backup",
            f"The newest copy is {many(hours, 'hour')} old: journalctl -u manyi-backup",
        )
    else:
        yield good(
            "backup",
            f"最近的备份 {hours} 小时前，{made.rows} 行",
            f"The newest copy is {many(hours, 'hour')} old, with {many(made.rows, 'row')}.",
        )
    if not made.secrets:
        yield warn(
            "backup",
            "备份不含密钥：link.keys 另外封存了吗？",
            "No secrets in it: is link.keys kept elsewhere?",
        )
    if place.config.data.dir.is_dir() and folder.stat().st_dev == place.config.data.dir.stat().st_dev:
        yield warn(
            "backup",
            "备份与台账在同一块盘上：请同步到另一台机器",
            "Copies lie on the ledger's own disk: carry them to another machine too.",
        )
