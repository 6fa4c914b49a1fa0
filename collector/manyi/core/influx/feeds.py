"""Which feeds InfluxDB gets: one for every bucket that the configuration names, each with a store and cursor of its own.

| feed | bucket | store |
|---|---|---|
| influx | bucket: single ratings, with the staff tag | influx.db |
| influx wall | wall_bucket: the same without it | influx_wall.db |
| influx red | wall_bucket: dissatisfied ratings, with whom to call | influx_red.db |
| influx health | wall_bucket: boxes and account | none |
| influx watch | wall_bucket: alarms, the collector, certificates | none |
| influx rollup, influx day | rollup_bucket, day_bucket | influx_rollup.db, added up once for both |
| influx visits | day_bucket: fields of summary | influx_visits.db, from visits.db |
| influx compare | day_bucket: baseline, profile, ranking | influx_compare.db, made from influx_rollup.db |

It refuses to run anything: the projector does, one step each in turn, so that a bucket that fails holds no other.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial

from manyi.core import stores
from manyi.core.config import Config, Influx
from manyi.core.errors import SetupError
from manyi.core.influx import compare, lines, red, rollup
from manyi.core.influx.compared import LOOK_MS, Compared
from manyi.core.influx.follow import Follow
from manyi.core.influx.health import Health
from manyi.core.influx.red import Reds
from manyi.core.influx.rolled import GAP_MS, Rolled, Sender
from manyi.core.influx.visited import LOOK_MS as VISITS_MS
from manyi.core.influx.visited import Visited
from manyi.core.influx.watch import Watch
from manyi.core.influx.writer import Keep, Writer
from manyi.core.ledger import schema
from manyi.core.workings import Workings
from manyi.words import both

Step = Callable[[], int | Keep]


@dataclass(frozen=True, slots=True)
class Feed:
    """`step` gives how much moved (0: nothing to do now) or Keep; `reset` lets it begin from nothing."""

    name: str
    step: Step
    reset: Callable[[], None]
    lag: Callable[[], int] = lambda: 0
    """Changes or cells that it has not sent."""


def open_all(
    config: Config,
    opened: ExitStack,
    now_ms: Callable[[], int],
    workings: Workings,
    gap_ms: int = GAP_MS,
) -> list[Feed]:
    """Everything lives as long as `opened`. Raises SetupError without an [influx] section or its token."""
    where = config.influx
    if where is None:
        raise SetupError(
            both("配置里没有 [influx] 一节", "There is no [influx] section in the configuration.")
        )
    token = _token(where)

    def server(bucket: str, *owns: str) -> Writer:
        made = Writer(where.url, where.org, bucket, token, owns=owns)
        return opened.enter_context(closing(made))

    data = config.data
    source = opened.enter_context(closing(stores.open_reader(data.ratings)))
    raw = opened.enter_context(
        closing(Follow(data.influx, source, server(where.bucket, lines.MEASUREMENT), now_ms))
    )
    lags: dict[str, Callable[[], int]] = {}
    feeds = [Feed("influx", raw.step, raw.reset, lambda: raw.lag)]
    if where.wall_bucket:
        to_wall = server(where.wall_bucket, lines.MEASUREMENT)
        path = data.dir / "influx_wall.db"
        wall = opened.enter_context(closing(Follow(path, source, to_wall, now_ms, lines.wall_point)))
        ledger = opened.enter_context(closing(schema.open_for_reading(data.ledger)))
        shown = opened.enter_context(closing(stores.open_reader(data.wall)))
        health = Health(ledger, source, shown, to_wall, config.policy.silent_s * 1000, now_ms)
        to_reds = server(where.wall_bucket, red.MEASUREMENT)
        reds = opened.enter_context(closing(Reds(data.dir / "influx_red.db", source, to_reds, now_ms)))
        watch = Watch(
            ledger, source, shown, to_wall, now_ms, ledger_path=data.ledger, named=config.certificates,
            lags=lags, workings=workings,
        )  # fmt: skip
        feeds += [
            Feed("influx wall", wall.step, wall.reset, lambda: wall.lag),
            Feed("influx red", reds.step, reds.reset, lambda: reds.lag),
            Feed("influx health", health.step, health.reset),
            Feed("influx watch", watch.step, watch.reset),
        ]
    if where.rollup_bucket or where.day_bucket:
        rolled = opened.enter_context(closing(Rolled(data.dir / "influx_rollup.db", source, now_ms)))
        for name, bucket, owns in (
            ("influx rollup", where.rollup_bucket, (rollup.SHORT,)),
            ("influx day", where.day_bucket, (rollup.DAY, rollup.SUMMARY)),
        ):
            if bucket:
                sender = Sender(rolled, owns[0], server(bucket, *owns), gap_ms)
                feeds.append(Feed(name, sender.step, sender.reset, partial(_to_send, rolled, owns[0])))
        if where.day_bucket:
            sums = opened.enter_context(closing(stores.open_reader(data.dir / "influx_rollup.db")))
            to_day = server(where.day_bucket, compare.BASELINE, compare.PROFILE, compare.RANKING)
            path, look_ms = data.dir / "influx_compare.db", LOOK_MS if gap_ms else 0
            compared = opened.enter_context(closing(Compared(path, sums, source, to_day, now_ms, look_ms)))
            told = opened.enter_context(closing(stores.open_reader(data.visits)))
            path, look_ms = data.dir / "influx_visits.db", VISITS_MS if gap_ms else 0
            visited = opened.enter_context(
                closing(Visited(path, told, sums, source, server(where.day_bucket), now_ms, look_ms))
            )
            feeds += [  # last: a rebuild adds up first
                Feed("influx compare", compared.step, compared.reset),
                Feed("influx visits", visited.step, visited.reset),
            ]
    lags.update({feed.name: feed.lag for feed in feeds})
    return feeds


def _to_send(rolled: Rolled, name: str) -> int:
    return rolled.lag + rolled.waiting(name)


def _token(where: Influx) -> str:
    try:
        return where.token_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SetupError(
            both(f"{where.token_file}：读不出（{error}）", f"the InfluxDB token cannot be read ({error}).")
        ) from error
