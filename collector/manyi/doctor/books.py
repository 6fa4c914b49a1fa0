"""The ledger's end, the account, the daily roots, the service's heartbeat, and how far projections are behind."""

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
from manyi.core.ledger import chain, reader, schema
from manyi.doctor.finding import Finding, Place, bad, good, skipped, warn
from manyi.words import apart, many

TAIL_ROWS: Final = 5_000  # well under a second; `manyi verify` reads all
CHECK_LATE_MS: Final = 3 * DAY_MS  # it begins once a day and at every start
BEAT_LIMIT_MS: Final = 15_000  # the projector beats every second
BEHIND_ROWS: Final = 1_000
# The collector's zone writes a file a minute at least; the gap takes its time.
FEED_LATE_MS: Final = 10 * 60_000


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
            "服务没有运行：systemctl start manyi；journalctl -u manyi",
            "It does not run: systemctl start manyi, and journalctl -u manyi says why not.",
        )
        return
    beat = _meta(place.config.data.wall, "projected_ms")
    if beat is None:
        yield bad(
            "service",
            "服务在运行，但还没有算出数字",
            "It runs and has worked out no figures yet: journalctl -u manyi",
        )
    elif place.now_ms - beat > BEAT_LIMIT_MS:
        late = (place.now_ms - beat) // 1000
        yield bad(
            "service",
            f"服务的心跳停了 {late} 秒：journalctl -u manyi",
            f"Its heartbeat stopped {late} s ago: journalctl -u manyi says why.",
        )
    else:
        yield good("service", "服务在运行，心跳正常", "It runs, and its heart beats.")


def ledger(place: Place) -> Iterator[Finding]:
    data = place.config.data
    try:
        with closing(schema.open_for_reading(data.ledger)) as conn:
            yield from _tail(conn, data.roots)
            yield from _checked(data.checked, place.now_ms)
            yield from _account(conn, place)
            yield from _roots(conn, data.roots, place.now_ms)
    except (ManyiError, sqlite3.Error) as error:
        zh, en = apart(error)
        yield bad("ledger", f"台账打不开：{zh}", f"The ledger cannot be opened: {en}")


def _tail(conn: sqlite3.Connection, roots: Path) -> Iterator[Finding]:
    last, _ = reader.tail(conn)
    before_id = max(0, last - TAIL_ROWS)
    before = root.hash_of(conn, before_id)
    for row in reader.rows_after(conn, before_id, TAIL_ROWS):
        before = chain.row_hash(
            before, (row.id, row.at_ms, row.kind, row.box, row.life, row.branch, row.seq), row.body
        )
        if before != row.hash:
            yield bad(
                "ledger",
                f"第 {row.id} 行被改动过：先做备份，再执行 manyi verify",
                f"Row {row.id} was changed: make a copy, then run manyi verify.",
            )
            return
    latest = root.read_latest(roots)
    if latest is not None and latest.row <= last and root.hash_of(conn, latest.row) != latest.hash:
        yield bad(
            "ledger",
            "与 roots/latest 不符：执行 manyi verify",
            "It is not the one that roots/latest saw: run manyi verify.",
        )
    elif latest is not None and latest.row > last:
        yield bad(
            "ledger",
            f"少了 {latest.row - last} 行：执行 manyi verify",
            f"{many(latest.row - last, 'row')} gone since roots/latest: run manyi verify.",
        )
    else:
        yield good("ledger", f"共 {last} 行，末尾的链完好", f"{many(last, 'row')}, the chain's end holds.")


def _checked(path: Path, now_ms: int) -> Iterator[Finding]:
    """What the service's own check of the whole ledger has found (core/checking.py)."""
    found = checked.read(path)
    whole, broken = found.whole, found.broken
    if broken is not None:
        yield bad(
            "check",
            f"服务查出第 {broken.row} 行与写入时不符：先做备份，再执行 manyi verify；见报警手册 chain",
            f"The service found row {broken.row} not to be what was written: make a copy, then run manyi verify.",
        )
    elif whole is None:
        yield skipped("check", "整个台账还没有查完一遍", "The whole ledger was not checked to its end yet.")
    elif now_ms - whole.ended_ms > CHECK_LATE_MS:
        days = (now_ms - whole.ended_ms) // DAY_MS
        yield warn(
            "check",
            f"整个台账已有 {days} 天没有查完一遍：执行 journalctl -u manyi 看原因",
            f"The whole ledger was last checked {many(days, 'day')} ago: journalctl -u manyi says why.",
        )
    else:
        yield good(
            "check",
            f"整个台账查过，到第 {whole.row} 行完好",
            f"All of it was checked and holds, up to row {whole.row}.",
        )


def _account(conn: sqlite3.Connection, place: Place) -> Iterator[Finding]:
    found = account.read(conn, place.now_ms, place.config.policy.silent_s * 1000)
    wrong = [line.box for line in found.lines if not line.ok]
    if wrong:
        yield bad(
            "account",
            f"对账不符：{'、'.join(wrong[:5])}；执行 manyi account",
            f"It does not add up for {', '.join(wrong[:5])}: run manyi account.",
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
            f"No box has been heard for {many(minutes, 'minute')}: look at broker and network.",
        )


def _roots(conn: sqlite3.Connection, folder: Path, now_ms: int) -> Iterator[Finding]:
    yesterday = date_of(now_ms) - timedelta(days=1)
    first = conn.execute(
        "SELECT at_ms FROM row WHERE at_ms >= ? ORDER BY id LIMIT 1", (root.NEVER_BEFORE_MS,)
    ).fetchone()
    if first is None or date_of(first[0]) > yesterday:
        return
    try:
        have = root.published(folder)
    except ManyiError as error:
        yield bad("roots", f"封印目录里有不认识的文件：{error}", f"A stray file among the roots: {error}")
        return
    if not have or have[-1].day < yesterday:
        yield warn(
            "roots",
            f"还没有 {yesterday} 的封印：服务夜里没有运行？",
            f"No root of {yesterday} yet: did the service run after midnight?",
        )
    else:
        yield good(
            "roots", f"封印到 {have[-1].day}，请公布", f"Sealed up to {have[-1].day}; publish it: manyi root"
        )


def projections(place: Place) -> Iterator[Finding]:
    data = place.config.data
    cursor = _meta(data.ratings, "cursor")
    if cursor is None:
        yield skipped("projections", "还没有评价库", "There are no ratings yet.")
        return
    with closing(schema.open_for_reading(data.ledger)) as conn:
        behind = reader.tail(conn)[0] - cursor
    if behind > BEHIND_ROWS:
        yield warn(
            "projections",
            f"评价落后 {behind} 行",
            f"Ratings are {behind} rows behind: a rebuild, or the service does not run.",
        )
    else:
        yield good("projections", "评价跟上了台账", "Ratings have followed the ledger.")
    for path in sorted(data.dir.glob("influx*.db")):  # one store a feed; not every one has an outbox
        name = path.name
        aside = _count(path, "SELECT count(*) FROM aside")
        waiting = _count(path, "SELECT count(*) FROM outbox")
        if aside:
            yield warn(
                "projections",
                f"{name}：InfluxDB 拒收 {aside} 行",
                f"{name}: InfluxDB refused {aside} lines; the table aside says why.",
            )
        if waiting:
            yield warn(
                "projections", f"{name}：有数据等着发送", f"{name}: lines wait to be sent; is InfluxDB there?"
            )


def _meta(path: Path, key: str) -> int | None:
    try:
        with closing(stores.open_reader(path)) as conn:
            said = stores.get(conn, key)
            return int(said) if said else None
    except (sqlite3.Error, ValueError):
        return None


def _count(path: Path, query: str) -> int:
    try:
        with closing(stores.open_reader(path)) as conn:
            return int(conn.execute(query).fetchone()[0])
    except sqlite3.Error:
        return 0


def feed(place: Place) -> Iterator[Finding]:
    """An inner zone: how old the newest file was that came through the gap."""
    if not place.config.follows:
        return
    try:
        with closing(schema.open_for_reading(place.config.data.ledger)) as conn:
            found = conn.execute("SELECT value FROM meta WHERE key = 'feed_ms'").fetchone()
    except (ManyiError, sqlite3.Error):
        return  # the ledger's own check says what is wrong
    if found is None:
        yield bad(
            "feed",
            "还没有收到采集区的文件",
            "No file of the collector's zone has come yet: journalctl -u manyi",
        )
    elif place.now_ms - int(found[0]) > FEED_LATE_MS:
        minutes = (place.now_ms - int(found[0])) // 60_000
        yield bad(
            "feed",
            f"最近的文件是 {minutes} 分钟前的：查网闸和采集区的 manyi-feed-out",
            f"The newest file is {many(minutes, 'minute')} old: look at the gap, and at manyi-feed-out in the collector's zone.",
        )
    else:
        yield good("feed", "文件按时收到", "Files come in time.")
