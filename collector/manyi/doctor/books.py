"""The service's heartbeat, the ledger's end, what the service's own check of it has found, the account, the daily roots."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

from manyi.core import account, checked, root, stores
from manyi.core.days import DAY_MS, date_of
from manyi.core.errors import ManyiError
from manyi.core.ledger import reader, schema
from manyi.doctor.finding import Finding, Place, bad, good, skipped, warn, why
from manyi.words import many

TAIL_ROWS: Final = 5_000  # well under a second; `manyi verify` reads all
VERIFY: Final = "runuser -u manyi -- manyi verify"
CHECK_LATE_MS: Final = 3 * DAY_MS  # it begins once a day and at every start
SEALED_MS: Final = 600_000  # after midnight: a day is hashed again before it is sealed
BEAT_LIMIT_MS: Final = 15_000  # the projector beats every second


def running(place: Place) -> bool:
    """Whether a service holds the data folder."""
    try:
        with (place.config.data.dir / "serve.lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def service(place: Place) -> Iterator[Finding]:
    if not running(place):
        yield bad(
            "service",
            "服务没有运行",
            "The service does not run",
            "systemctl start manyi；起不来就看 journalctl -u manyi",
            "systemctl start manyi; if it does not start, journalctl -u manyi says why",
        )
        return
    beat = meta(place.config.data.wall, "projected_ms")
    if beat is None:
        yield bad(
            "service",
            "服务在运行，但还没有算出数字",
            "The service runs and has worked out no figures yet",
            "等一分钟再体检；还这样就看 journalctl -u manyi",
            "try again in a minute; if it stays so, journalctl -u manyi says why",
        )
    elif place.now_ms - beat > BEAT_LIMIT_MS:
        late = (place.now_ms - beat) // 1000
        yield bad(
            "service",
            f"服务在运行，但心跳停了 {late} 秒",
            f"The service runs, but its heart stopped {late} s ago",
            "journalctl -u manyi 看原因，再执行 systemctl restart manyi",
            "journalctl -u manyi says why; then systemctl restart manyi",
        )
    else:
        yield good("service", "服务在运行，心跳正常", "The service runs, and its heart beats.")


def ledger(place: Place) -> Iterator[Finding]:
    data = place.config.data
    try:
        with closing(schema.open_for_reading(data.ledger)) as conn:
            yield from _tail(conn, data.roots)
            yield from _checked(data.checked, place.now_ms)
            yield from _account(conn, place)
            yield from _roots(conn, data.roots, place.now_ms)
    except (ManyiError, sqlite3.Error) as error:
        zh, en = why(error)
        yield bad(
            "ledger",
            f"台账打不开：{zh}",
            f"The ledger cannot be opened: {en}",
            f"查 ls -l {data.ledger}：属主应是 manyi；文件坏了，照报警手册（RUNBOOK）restore 一节恢复",
            f"look at ls -l {data.ledger}: it is manyi's; if the file is broken, see RUNBOOK, restore",
        )


def _tail(conn: sqlite3.Connection, roots: Path) -> Iterator[Finding]:
    last, _ = reader.tail(conn)
    before_id = max(0, last - TAIL_ROWS)
    before = root.hash_of(conn, before_id)
    for row in reader.rows_after(conn, before_id, TAIL_ROWS):
        if not row.follows(before):
            yield _not_what_was_written(
                "ledger",
                f"台账第 {row.id} 行被改动过",
                f"Row {row.id} of the ledger was changed",
                roots.parent,
            )
            return
        before = row.hash
    latest = root.read_latest(roots)
    if latest is not None and latest.row <= last and root.hash_of(conn, latest.row) != latest.hash:
        yield _not_what_was_written(
            "ledger",
            f"台账与 {roots / 'latest'} 不符",
            f"The ledger is not the one that {roots / 'latest'} saw",
            roots.parent,
        )
    elif latest is not None and latest.row > last:
        yield _not_what_was_written(
            "ledger",
            f"台账少了 {latest.row - last} 行",
            f"{many(latest.row - last, 'row')} of the ledger gone since {roots / 'latest'}",
            roots.parent,
        )
    else:
        yield good(
            "ledger",
            f"台账共 {last} 行，最后 {last - before_id} 行与写入时一致",
            f"{many(last, 'row')}; the last {last - before_id} are what was written.",
        )


def _not_what_was_written(what: str, zh: str, en: str, folder: Path) -> Finding:
    """`folder`: where the ledger and all that belongs to it lie."""
    return bad(
        what,
        zh,
        en,
        f"复制整个 {folder}，再执行 {VERIFY}；别的都不要动，见报警手册（RUNBOOK）chain 一节",
        f"copy all of {folder}, then {VERIFY}; change nothing else, see RUNBOOK, chain",
    )


def _checked(path: Path, now_ms: int) -> Iterator[Finding]:
    """What the service's own check of the whole ledger has found (core/checking.py)."""
    found = checked.read(path)
    whole, broken = found.whole, found.broken
    if broken is not None:
        yield _not_what_was_written(
            "check",
            f"服务自己查出台账{_where(broken.row)[0]}与写入时不符",
            f"The service's own check found {_where(broken.row)[1]} of the ledger not to be what was written",
            path.parent,
        )
    elif whole is None:
        yield skipped(
            "check",
            "服务还没有把整个台账查完一遍（启动后开始，每天一遍）",
            "The service has not checked the whole ledger to its end yet (it begins at its start, and daily).",
        )
    elif now_ms - whole.ended_ms > CHECK_LATE_MS:
        days = (now_ms - whole.ended_ms) // DAY_MS
        yield warn(
            "check",
            f"服务已有 {days} 天没有把整个台账查完一遍（应每天一遍）",
            f"The service last checked the whole ledger {many(days, 'day')} ago (it should daily)",
            f"{VERIFY} 先查一遍；原因看 journalctl -u manyi",
            f"{VERIFY} checks it meanwhile; journalctl -u manyi says why",
        )
    else:
        yield good(
            "check",
            f"服务把台账从头查过一遍，到第 {whole.row} 行完好",
            f"The service has checked all of the ledger: it holds, up to row {whole.row}.",
        )


def _where(row: int) -> tuple[str, str]:
    """0 is no row (core/checked.py)."""
    return (f"第 {row} 行", f"row {row}") if row else ("旁边的计数", "the counters")


def _rest(names: list[str]) -> str:
    return f" …（{len(names)}）" if len(names) > 5 else ""


def _account(conn: sqlite3.Connection, place: Place) -> Iterator[Finding]:
    found = account.read(conn, place.now_ms, place.config.policy.silent_s * 1000)
    wrong = [line.box for line in found.lines if not line.ok]
    if wrong:
        yield bad(
            "account",
            f"对账不符：{'、'.join(wrong[:5])}{_rest(wrong)}",
            f"It does not add up for {', '.join(wrong[:5])}{_rest(wrong)}",
            f"runuser -u manyi -- manyi account 看差在哪里，再执行 {VERIFY}；见报警手册（RUNBOOK）account 一节",
            f"runuser -u manyi -- manyi account shows where; then {VERIFY}; see RUNBOOK, account",
        )
    else:
        total = found.total
        yield good(
            "account",
            f"按键 {total.pressed} = 已存 {total.stored} + 待传 {total.waiting} + 丢失 {total.lost}",
            f"pressed {total.pressed} = stored {total.stored} + waiting {total.waiting} + lost {total.lost}",
        )
    newest = conn.execute("SELECT max(at_ms) FROM beat").fetchone()[0]
    if newest is not None and place.now_ms - newest > place.config.policy.silent_s * 1000:
        minutes = (place.now_ms - newest) // 60_000
        yield warn(
            "boxes",
            f"已有 {minutes} 分钟没有任何评价器的消息",
            f"No box has been heard for {many(minutes, 'minute')}",
            "systemctl status mosquitto；在运行就查到各大厅的网络（都停用时是正常的）",
            "systemctl status mosquitto; if it runs, look at the network to the halls (right if all are shut off)",
        )


def _roots(conn: sqlite3.Connection, folder: Path, now_ms: int) -> Iterator[Finding]:
    yesterday = date_of(now_ms - SEALED_MS) - timedelta(days=1)
    first = conn.execute(
        "SELECT at_ms FROM row WHERE at_ms >= ? ORDER BY id LIMIT 1", (root.NEVER_BEFORE_MS,)
    ).fetchone()
    if first is None or date_of(first[0]) > yesterday:
        return
    try:
        have = root.published(folder)
    except ManyiError as error:
        zh, en = why(error)
        yield bad(
            "roots",
            f"封印目录里有不认识的文件：{zh}",
            f"A stray file among the roots: {en}",
            f"移走它：ls -l {folder}",
            f"move it away: ls -l {folder}",
        )
        return
    if not have or have[-1].day < yesterday:
        yield warn(
            "roots",
            f"还没有 {yesterday} 的封印",
            f"No root of {yesterday} yet",
            "journalctl -u manyi 看夜里为什么没有写；查出台账不符的那天不写封印",
            "journalctl -u manyi says why none was written at night; a day on which the ledger is found wrong gets none",
        )
    else:
        yield good(
            "roots",
            f"封印到 {have[-1].day}；用 manyi root 打印，每天公布",
            f"Sealed up to {have[-1].day}; manyi root prints it, to be published daily.",
        )


def meta(path: Path, key: str) -> int | None:
    try:
        with closing(stores.open_reader(path)) as conn:
            said = stores.get(conn, key)
            return int(said) if said else None
    except (sqlite3.Error, ValueError):
        return None
