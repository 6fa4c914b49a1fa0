"""What the collector counts, for /metrics. One registry of our own: no process-wide surprises in tests.

Refuses per-box labels: 100,000 boxes would be 100,000 series; the wall shows boxes.
"""

from __future__ import annotations

from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from manyi.core.wire import Batch, Beat, Fetch, Reply, State, Unreadable, Why

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_messages = Counter("manyi_messages", "Messages received, by what they were", ["what"], registry=REGISTRY)
_unreadable = Counter("manyi_unreadable", "Messages kept aside, by why", ["why"], registry=REGISTRY)
_notable = Counter("manyi_notable_rows", "Loss, break and fork rows", ["kind"], registry=REGISTRY)

# Children are looked up once: a label lookup costs more than decoding a beat.
MESSAGES: Final = {
    c: _messages.labels(c.__name__.lower()) for c in (Batch, Beat, State, Reply, Fetch, Unreadable)
}
UNREADABLE: Final = {why: _unreadable.labels(why) for why in get_args(Why)}
NOTABLE: Final = {kind: _notable.labels(kind) for kind in ("loss", "break", "fork")}
ROWS: Final = Counter("manyi_ledger_rows", "Rows appended from boxes", registry=REGISTRY)
ACKS: Final = Counter("manyi_acks", "Batches answered", registry=REGISTRY)
DROPPED: Final = Counter(
    "manyi_inbox_dropped", "Messages dropped because the inbox was full", registry=REGISTRY
)
INBOX: Final = Gauge("manyi_inbox", "Messages and batches waiting for a commit", registry=REGISTRY)
COMMITS_FAILED: Final = Counter("manyi_commits_failed", "Transactions that failed", registry=REGISTRY)
CONNECTED: Final = Gauge("manyi_broker_connected", "1 while subscribed at the broker", registry=REGISTRY)
FAILING: Final = Gauge(
    "manyi_failing", "1 while a part of the service fails and retries", ["part"], registry=REGISTRY
)
DISK_FREE: Final = Gauge("manyi_disk_free_bytes", "Free bytes on the data folder's disk", registry=REGISTRY)
BEHIND: Final = Gauge(
    "manyi_behind_rows", "Rows and changes that a projection has not taken in", ["feed"], registry=REGISTRY
)
LIVE_LAG: Final = Gauge(
    "manyi_live_lag_ms", "Age of the oldest row that the wall has not taken in", registry=REGISTRY
)
COMMIT_SECONDS: Final = Histogram(
    "manyi_commit_seconds",
    "One ledger transaction, with its fsync",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
    registry=REGISTRY,
)


def value(metric: Counter | Gauge) -> float:
    """What a metric without labels stands at."""
    return float(next(iter(metric.collect())).samples[0].value)


def text() -> bytes:
    """Everything in the exposition format (text/plain; version=0.0.4)."""
    return generate_latest(REGISTRY)
