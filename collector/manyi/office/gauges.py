"""The office's own figures for Prometheus. It refuses to count anything that manyi.core counts."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from manyi.office.hub import Hub


class _OfHub(Collector):
    """The hub's fields are the truth; nothing is counted a second time here."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        hub = self._hub
        yield GaugeMetricFamily("manyi_office_streams", "Screens connected now", hub.watching)
        yield CounterMetricFamily("manyi_office_pictures", "Snapshots of the wall sent out", hub.pictures)
        yield CounterMetricFamily(
            "manyi_office_frames_dropped", "Frames a slow screen skipped for newer ones", hub.frames_dropped
        )
        yield CounterMetricFamily(
            "manyi_office_streams_refused", "Screens turned away: every place was taken", hub.refused
        )


def own_metrics(hub: Hub) -> bytes:
    """Prometheus text of one hub."""
    registry = CollectorRegistry()
    registry.register(_OfHub(hub))
    return generate_latest(registry)
