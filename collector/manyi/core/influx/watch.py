"""The wall's alarms, the service itself and its certificates, as points in the wall's bucket.

    alarm,kind=..,subject=..,county=..,name=..,name_en=.. active=1i,text_zh="..",text_en="..",since_ms=..i,rank=..i
    collector records=..i,...          collector,feed=.. lag=..i,failing=0i
    certificate,name=.. expires_ms=..i,days_left=..i

An alarm that has ended is said to be over (active 0) for 15 minutes, then never mentioned. Refuses to speak for a service
that does not run here: `manyi rebuild` writes no `collector`.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from manyi.core import disk, metrics, stores
from manyi.core.alarms import certificates
from manyi.core.alarms.kinds import RANK
from manyi.core.alarms.rules import Every
from manyi.core.influx.follow import Server
from manyi.core.influx.lines import tag, text
from manyi.core.influx.looks import Looks
from manyi.core.ledger import reader
from manyi.core.ratings import store as ratings
from manyi.core.roster.names import named
from manyi.core.wall import health as wall_health
from manyi.core.workings import Workings

OVER_MS: Final = 900_000  # longer than any panel looks back for the last word

Lags = Mapping[str, Callable[[], int]]


class Watch(Looks):
    """A feed of the wall's bucket."""

    def __init__(
        self,
        ledger: sqlite3.Connection,
        source: sqlite3.Connection,
        wall: sqlite3.Connection,
        server: Server,
        now_ms: Callable[[], int],
        *,
        ledger_path: Path,
        named: tuple[tuple[str, Path], ...],
        lags: Lags,
        workings: Workings,
    ) -> None:
        """`lags` by feed: how many changes it has not sent."""
        super().__init__(server, now_ms)
        self._ledger, self._source, self._wall, self._path = ledger, source, wall, ledger_path
        self._lags, self._workings = lags, workings
        self._certificates = Every(lambda _: certificates.read(named))
        self._alarms_told: dict[str, tuple[str, int]] = {}
        self._current = ratings.current_roster()

    def _look(self, now_ms: int) -> Iterator[tuple[str, str]]:
        yield from self._alarms(now_ms)
        found = certificates.with_brokers(self._certificates.get(now_ms), self._workings.broker_ends_ms)
        for one in found:
            if one.expires_ms is not None:
                at = f"certificate,name={tag(one.name)}"
                yield at, f"expires_ms={one.expires_ms}i,days_left={one.days_left(now_ms)}i"
        if self._workings.started_ms:
            yield from self._service(now_ms)

    def _alarms(self, now_ms: int) -> Iterator[tuple[str, str]]:
        alarms = json.loads(stores.get(self._wall, "health", "{}")).get("alarms", [])
        now: dict[str, str] = {}
        self._roster = self._current.of(self._source)
        for a in alarms:
            zh, en = self._name(a["subject"], now_ms)
            at = (
                f"alarm,kind={tag(a['kind'])},subject={tag(a['subject'])},county={tag(a['county'])}"
                f",name={tag(zh)},name_en={tag(en)}"
            )
            said = f"text_zh={text(a['text_zh'])},text_en={text(a['text_en'])}"
            fields = f"{said},since_ms={a['since_ms']}i,rank={RANK[a['kind']]}i"
            now.setdefault(at, fields)  # the newest of several losses of one box
        self._alarms_told |= {at: (fields, now_ms) for at, fields in now.items()}
        for at, (fields, seen_ms) in list(self._alarms_told.items()):
            if now_ms - seen_ms > OVER_MS:
                del self._alarms_told[at]
            else:
                yield at, f"active={int(at in now)}i,{fields}"

    def _name(self, subject: str, now_ms: int) -> tuple[str, str]:
        """Where that is, in both languages, for whoever reads an alert on a telephone: a unit's name, a box's window's."""
        unit = self._roster.where(subject, now_ms).window or subject
        return named(self._roster, unit) if unit in self._roster.units else (subject, subject)

    def _service(self, now_ms: int) -> Iterator[tuple[str, str]]:
        room = disk.room(self._path.parent)
        sizes = [p.stat().st_size for p in self._path.parent.glob(f"{self._path.name}*")]
        aside = self._ledger.execute("SELECT count(*) FROM aside").fetchone()[0]
        yield (
            "collector",
            f"records={reader.tail(self._ledger)[0]}i,batches={int(metrics.value(metrics.ACKS))}i,aside={aside}i"
            f",queue={int(metrics.value(metrics.INBOX))}i"
            f",live_lag_ms={wall_health.live_lag_ms(self._ledger, self._source, self._wall, now_ms)}i"
            f",ledger_bytes={sum(sizes)}i,disk_free_bytes={room.free}i,disk_free_ratio={room.ratio:.4f}"
            f",up_ms={now_ms - self._workings.started_ms}i",
        )
        behind = wall_health.behind(self._ledger, self._source, self._wall)
        lags = {**behind, **{feed: lag() for feed, lag in self._lags.items()}}
        troubles = self._workings.troubles()
        for feed, lag in lags.items():
            metrics.BEHIND.labels(feed).set(lag)
            yield f"collector,feed={tag(feed)}", f"lag={lag}i,failing={int(feed in troubles)}i"
