"""What follows the ledger, and how far it is behind: ratings, what InfluxDB is sent, and an inner zone's files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from manyi.core import stores
from manyi.core.errors import ManyiError
from manyi.core.ledger import reader, schema
from manyi.doctor import books
from manyi.doctor.finding import REBUILD_INFLUX, Finding, Place, bad, good, skipped, warn
from manyi.words import many

BEHIND_ROWS: Final = 1_000
# The collector's zone writes a file a minute at least; the gap takes its time.
FEED_LATE_MS: Final = 10 * 60_000


def projections(place: Place) -> Iterator[Finding]:
    data = place.config.data
    cursor = books.meta(data.ratings, "cursor")
    if cursor is None:
        yield skipped("projections", "还没有评价库", "There are no ratings yet.")
        return
    with closing(schema.open_for_reading(data.ledger)) as conn:
        behind = reader.tail(conn)[0] - cursor
    if behind > BEHIND_ROWS:
        yield warn(
            "projections",
            f"评价落后台账 {behind} 行",
            f"Ratings are {behind} rows behind the ledger",
            "等几分钟再体检（正在重建时是正常的）；不减少就看 journalctl -u manyi",
            "try again in a few minutes (right while it is rebuilt); if they grow no fewer, journalctl -u manyi",
        )
    else:
        yield good("projections", "评价跟上了台账", "Ratings have followed the ledger.")
    for path in sorted(data.dir.glob("influx*.db")):  # one store a feed; not every one has an outbox
        name = path.name
        aside = _first(path, "SELECT count(*) FROM aside")
        waiting = _first(path, "SELECT count(*) FROM outbox")
        if aside:
            why = _first(path, "SELECT why FROM aside ORDER BY id DESC LIMIT 1")
            yield warn(
                "projections",
                f"{name}：InfluxDB 拒收 {aside} 行，最近一行的原因：{why}",
                f"{name}: InfluxDB refused {aside} lines, the last because of: {why}",
                f"排除这个原因，再重建：{REBUILD_INFLUX}",
                f"mend that, then send all again: {REBUILD_INFLUX}",
            )
        if waiting:
            yield warn(
                "projections",
                f"{name}：有数据等着发给 InfluxDB，不会丢",
                f"{name}: lines wait for InfluxDB; they are not lost",
                "等一分钟再体检；还有就看 systemctl status influxdb",
                "try again in a minute; if some still wait, systemctl status influxdb",
            )


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
            "No file of the collector's zone has come yet",
            "查网闸和采集区的 systemctl status manyi-feed-out.timer；再看本机 journalctl -u manyi",
            "look at the gap, and in the collector's zone at systemctl status manyi-feed-out.timer; here at journalctl -u manyi",
        )
    elif place.now_ms - int(found[0]) > FEED_LATE_MS:
        minutes = (place.now_ms - int(found[0])) // 60_000
        yield bad(
            "feed",
            f"采集区最近的文件是 {minutes} 分钟前的",
            f"The newest file of the collector's zone is {many(minutes, 'minute')} old",
            "查网闸和采集区的 systemctl status manyi-feed-out.timer",
            "look at the gap, and in the collector's zone at systemctl status manyi-feed-out.timer",
        )
    else:
        yield good("feed", "文件按时收到", "Files come in time.")


def _first(path: Path, query: str) -> Any:
    """None if there is no such table."""
    try:
        with closing(stores.open_reader(path)) as conn:
            return conn.execute(query).fetchone()[0]
    except sqlite3.Error:
        return None
