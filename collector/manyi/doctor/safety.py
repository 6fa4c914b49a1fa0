"""What is needed on a bad day: certificates that will last, and a copy that is young, whole and on another disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from manyi.backup import manifest, rotation
from manyi.core.days import HOUR_MS
from manyi.core.errors import ManyiError
from manyi.doctor.finding import Finding, Level, Place, bad, good, skipped, warn, why
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
        yield bad(
            "authority",
            f"{path} 读不出根证书",
            f"{path} cannot be read as a certificate ({error})",
            "改 [broker] ca_file，指向 CA 的 root.crt（/etc/manyi/broker/ca.crt 是同一张）",
            "let [broker] ca_file name the authority's root.crt (/etc/manyi/broker/ca.crt is the same)",
        )
        return
    days = min(
        (each.not_valid_after_utc - datetime.fromtimestamp(place.now_ms / 1000, UTC)).days for each in roots
    )
    if days < WARN_DAYS:
        yield bad(
            "authority",
            f"根证书 {days} 天后到期，到那天评价器都连不上",
            f"The root ends in {many(days, 'day')}; no box connects from then on",
            "换根：建新的 CA，先把新根写进每台评价器（BROKER.md、CONSOLE.md 的 renew），再换服务器证书",
            "make a new authority, put its root into every box (BROKER.md; CONSOLE.md, renew), then change the server's",
        )
    else:
        yield good("authority", f"根证书还有 {days} 天", f"The root lasts {many(days, 'day')}.")


def copies(place: Place) -> Iterator[Finding]:
    folder = place.config.backup.dir
    if folder is None:
        yield warn(
            "backup",
            "没有配置 [backup] dir，没有人做备份",
            "No [backup] dir: nobody makes copies",
            f"写上 [backup] dir：{place.config_file}；再执行 systemctl enable --now manyi-backup.timer",
            f"set [backup] dir: {place.config_file}; then systemctl enable --now manyi-backup.timer",
        )
        return
    try:
        found = rotation.copies(folder) if folder.is_dir() else {}
    except OSError as error:
        yield skipped("backup", f"看不到 {folder}", f"{folder} cannot be looked at ({error.strerror}).")
        return
    if not found:
        yield bad(
            "backup",
            f"{folder} 里没有备份",
            f"No copy in {folder}",
            "systemctl enable --now manyi-backup.timer; systemctl start manyi-backup",
        )
        return
    newest = found[max(found)]
    try:
        made = manifest.read(newest)
    except ManyiError as error:
        zh, en = why(error)
        yield bad(
            "backup",
            f"最近的备份不能用：{newest}：{zh}",
            f"The newest copy cannot be used: {newest}: {en}",
            "systemctl start manyi-backup 重做一份；原因看 journalctl -u manyi-backup",
            "systemctl start manyi-backup makes another; journalctl -u manyi-backup says why",
        )
        return
    hours = (place.now_ms - made.at_ms) // HOUR_MS
    if hours > LATE_H:
        yield Finding(
            "backup",
            Level.bad if hours > OLD_H else Level.warn,
            f"最近的备份是 {hours} 小时前",
            f"The newest copy is {many(hours, 'hour')} old",
            "journalctl -u manyi-backup 看原因，再执行 systemctl start manyi-backup",
            "journalctl -u manyi-backup says why; then systemctl start manyi-backup",
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
            "备份不含密钥：没有 link.keys，恢复后认不出评价器",
            "The copy holds no secrets: without link.keys no box is known after a restore",
            f"写上 [backup] secrets = true（{place.config_file}），或另外封存 link.keys",
            f"set [backup] secrets = true ({place.config_file}), or keep link.keys elsewhere",
        )
    if place.config.data.dir.is_dir() and folder.stat().st_dev == place.config.data.dir.stat().st_dev:
        yield warn(
            "backup",
            "备份与台账在同一块盘上，盘坏了一起丢",
            "Copies lie on the ledger's own disk, and are lost with it",
            f"同步到另一台机器：rsync -a {folder}/ HOST:manyi-backup/",
            f"copy them to another machine: rsync -a {folder}/ HOST:manyi-backup/",
        )
