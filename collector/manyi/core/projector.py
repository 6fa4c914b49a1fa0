"""The projector: runs every projection after the ledger, each with its own cursor, none in the way of another.

    wake ─▶ ratings ─▶ wall, visits  one thread: a press is on the wall one short loop after its commit
                   └─▶ influx        a thread of its own: a server that hangs holds nothing else up

A projection that fails says so once, is tried again with back-off, and says so once when it is well; the
others go on. Everything it runs keeps its cursor in its own database, so it can be killed at any time. It
refuses to write the ledger.
"""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from threading import Event, Thread
from typing import TYPE_CHECKING

import structlog

from manyi.core import stores
from manyi.core.config import Config
from manyi.core.errors import InputError, SetupError
from manyi.core.ledger import schema
from manyi.core.ratings.store import Ratings
from manyi.core.visits import view as visits_view
from manyi.core.visits.store import VisitStore
from manyi.core.wall.health import Health
from manyi.core.wall.store import Wall
from manyi.core.workings import Workings
from manyi.words import both, many

if TYPE_CHECKING:
    from manyi.core.influx.feeds import Feed

TICK_S = 0.25  # without any news: releases hall batches, and looks whether beats have changed the health
HEARTBEAT_MS = 1_000  # the wall shows 数据停于 after 5 s without one
HEALTH_GAP_MS = 500  # between two looks at the health, or HEALTH_SHARE of the time if a look is slow
HEALTH_SHARE = 20  # a look may take at most a twentieth of the time
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0  # back-off of a projection that fails, doubling
INFLUX_TICK_S = 0.5  # looks for news without being woken
INFLUX_REST_S = 0.02  # between two rounds: what comes meanwhile goes with one write

log = structlog.get_logger("manyi.projector")


Clock = Callable[[], int]


def unix_ms() -> int:
    """Unix milliseconds UTC."""
    return time.time_ns() // 1_000_000


class Attempt:
    """One projection's state: well, or waiting for its next try. Logs only when that changes."""

    def __init__(
        self,
        name: str,
        clock: Callable[[], float] = time.monotonic,
        workings: Workings | None = None,
        now_ms: Clock = unix_ms,
    ) -> None:
        self._name, self._clock, self._now_ms = name, clock, now_ms
        self._workings = workings or Workings()
        self._wait_s = 0.0
        self._again = 0.0

    @property
    def is_well(self) -> bool:
        return self._wait_s == 0.0

    @property
    def due(self) -> bool:
        return self._wait_s == 0.0 or self._clock() >= self._again

    def well(self) -> None:
        if self._wait_s:
            log.info("projection is well again", projection=self._name)
            self._workings.well(self._name)
        self._wait_s = 0.0

    def failed(self, why: str, wait_s: float = 0.0) -> None:
        """`wait_s`: what the other side asked for."""
        if not self._wait_s:
            log.warning("projection fails", projection=self._name, why=why)
        self._workings.fails(self._name, why, self._now_ms())
        self._wait_s = min(max(self._wait_s * 2, FIRST_WAIT_S), LONGEST_WAIT_S)
        self._again = self._clock() + max(self._wait_s, min(wait_s, LONGEST_WAIT_S))


class Figures:
    """ratings.db and wall.db behind one ledger; step() is what the thread does each time round."""

    def __init__(self, config: Config, now_ms: Clock = unix_ms, workings: Workings | None = None) -> None:
        with ExitStack() as opened:
            self._ledger = opened.enter_context(closing(schema.open_for_reading(config.data.ledger)))
            self.ratings = opened.enter_context(closing(Ratings(config.data.ratings, self._ledger)))
            source = opened.enter_context(closing(stores.open_reader(config.data.ratings)))
            city = (config.city.name, config.city.name_en)
            self.wall = opened.enter_context(
                closing(Wall(config.data.wall, source, city, config.policy.hall_batch))
            )
            seen = opened.enter_context(closing(stores.open_reader(config.data.wall)))
            self._source, self._seen = source, seen
            self.visits = opened.enter_context(closing(VisitStore(config.data.visits)))
            self._counted = opened.enter_context(closing(stores.open_reader(config.data.visits)))
            self._health = Health(
                self._ledger,
                source,
                seen,
                config.policy.silent_s * 1000,
                alarms=config.alarms,
                certificates=config.certificates,
                folder=config.data.dir,
                workings=workings,
            )
            self._opened = opened.pop_all()
        self._now_ms = now_ms
        self._attempts = {
            name: Attempt(name, workings=workings, now_ms=now_ms)
            for name in ("ratings", "wall", "visits", "health")
        }
        self._beat_ms = self._looked_ms = self._look_gap_ms = self._visits_ms = 0
        self._told = ""

    def close(self) -> None:
        self._opened.close()

    def step(self) -> int:
        """Everything that is due; gives how much moved (0: nothing new)."""
        moved = self._try("ratings", self.ratings.step)
        moved += self._try("wall", self._wall)
        if counted := self._try("visits", lambda: self.visits.step(self._ledger, self._source)):
            self._visits_ms = 0  # the wall hears of it at once
            moved += counted
        self._try("health", self._tell)
        return moved

    def _try(self, name: str, run: Callable[[], int]) -> int:
        attempt = self._attempts[name]
        if not attempt.due:
            return 0
        try:
            moved = run()
        except Exception as error:  # whatever it is, the others go on, and it is tried again
            attempt.failed(f"{type(error).__name__}: {error}")
            return 0
        attempt.well()
        return moved

    def _wall(self) -> int:
        return self.wall.step() + self.wall.release(self._now_ms())

    def _tell(self) -> int:
        """The heartbeat, and the health if it has changed. A heartbeat says that ratings and wall are
        well.
        """
        now = self._now_ms()
        news: dict[str, str | int] = {}
        if abs(now - self._looked_ms) >= self._look_gap_ms:
            began = time.monotonic()
            health = json.dumps(self._health.look(self.wall.roster, now), ensure_ascii=False)
            took_ms = int((time.monotonic() - began) * 1000)
            self._looked_ms, self._look_gap_ms = now, max(HEALTH_GAP_MS, HEALTH_SHARE * took_ms)
            if health != self._told:
                news["health"] = health
        if abs(now - self._visits_ms) >= HEARTBEAT_MS:
            self._visits_ms = now
            visits = visits_view.told(self._counted, self.wall.roster, now)
            if visits != stores.get(self._seen, "visits"):
                news["visits"] = visits
        well = self._attempts["ratings"].is_well and self._attempts["wall"].is_well
        if well and (news or abs(now - self._beat_ms) >= HEARTBEAT_MS):
            news["projected_ms"] = self._beat_ms = now
        if news:
            self.wall.tell(**news)
            self._told = str(news.get("health", self._told))
        return 0


def run(
    stop: Event, wake: Event, config: Config, workings: Workings | None = None, now_ms: Clock = unix_ms
) -> None:
    """The projector's thread. `wake` is set after each commit of the ledger. Returns after `stop` is set (and `wake`,
    to hurry). Raises LedgerError if there is no ledger to follow.
    """
    news = Event()
    figures = Figures(config, now_ms, workings)
    influx = None
    if config.influx is not None:
        given = (stop, news, config, workings or Workings(), now_ms)
        influx = Thread(target=_influx, args=given, name="influx", daemon=True)
        influx.start()
    try:
        while not stop.is_set():
            wake.wait(TICK_S)
            wake.clear()
            while figures.step() and not stop.is_set():
                news.set()
    finally:
        news.set()
        figures.close()
        if influx is not None:
            influx.join(LONGEST_WAIT_S)


def _influx(stop: Event, news: Event, config: Config, workings: Workings, now_ms: Clock) -> None:
    opening = Attempt("influx", workings=workings, now_ms=now_ms)
    feeds: list[tuple[Attempt, Feed]] = []
    with ExitStack() as opened:
        while not stop.is_set():
            news.wait(INFLUX_TICK_S)
            news.clear()
            if not feeds and opening.due:
                try:
                    feeds = [
                        (Attempt(feed.name, workings=workings, now_ms=now_ms), feed)
                        for feed in _open_influx(config, opened, workings, now_ms)
                    ]
                    opening.well()
                except Exception as error:  # a token file that is not there yet, a disk that is full
                    opening.failed(f"{type(error).__name__}: {error}")
            while sum([_feed(stop, attempt, feed) for attempt, feed in feeds]):
                pass
            stop.wait(INFLUX_REST_S)


def _feed(stop: Event, attempt: Attempt, feed: "Feed") -> int:
    """One step of one feed, if it is due: they take turns, and none holds another."""
    if stop.is_set() or not attempt.due:
        return 0
    try:
        moved = feed.step()
    except Exception as error:  # the thread must outlive everything: the server's moods and our own bugs
        attempt.failed(f"{type(error).__name__}: {error}")
        return 0
    if not isinstance(moved, int):
        attempt.failed(moved.why, moved.wait_s)
        return 0
    attempt.well()
    return moved


def _open_influx(
    config: Config, opened: ExitStack, workings: Workings, now_ms: Clock = unix_ms, **how: int
) -> list["Feed"]:
    # Imported here: it costs 0.4 s and is not needed without InfluxDB.
    from manyi.core.influx import feeds  # noqa: PLC0415

    return feeds.open_all(config, opened, now_ms, workings, **how)


def rebuild(which: str, config: Config, say: Callable[[str], None] = print, now_ms: Clock = unix_ms) -> None:
    """Makes a projection again from nothing: `ratings` (and all that follow it), `wall` or `influx`.

    Safe while the service runs: both then fill the same store, each step a transaction. Raises InputError
    for another name, SetupError without an [influx] section or while InfluxDB does not answer, LedgerError
    without a ledger.
    """
    if which not in ("ratings", "wall", "influx"):
        raise InputError(
            both(
                f"没有 {which!r} 这种投影，只有 ratings、wall、influx",
                f"There is no projection {which!r}; say ratings, wall or influx.",
            )
        )
    with ExitStack() as opened:
        figures = opened.enter_context(closing(Figures(config, now_ms)))
        if which == "ratings":
            figures.ratings.reset()
            figures.visits.reset()
        if which == "wall":
            figures.wall.reset()
        while figures.step():
            pass
        shown = stores.get(opened.enter_context(closing(stores.open_reader(config.data.wall))), "shown", "0")
        if which == "influx" or (which == "ratings" and config.influx is not None):
            feeds = _open_influx(config, opened, Workings(), now_ms, gap_ms=0)
            for feed in feeds:
                feed.reset()
            _drain(feeds)
        say(both(f"{which}：已重建，所示按键 {int(shown):,}", f"{which}: {many(int(shown), 'press')} shown"))


def _drain(feeds: list["Feed"]) -> None:
    """Every feed to its end; one that cannot is named after the others are done."""
    problems = []
    for feed in feeds:
        while moved := feed.step():
            if not isinstance(moved, int):
                problems.append(
                    both(
                        f"InfluxDB 写不进去（{feed.name}）",
                        f"InfluxDB cannot be written ({feed.name}): {moved.why}.",
                    )
                )
                break
    if problems:
        raise SetupError(*problems, both("恢复后再执行同一命令", "Run the same command again when it can."))
