"""The office's own figures for Prometheus. It refuses to count anything that manyi.core counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from manyi.office.hub import Hub


def own_metrics(hub: Hub) -> bytes:
    """Prometheus text of one hub. The registry is made anew: the hub's fields are the truth."""
    registry = CollectorRegistry()
    Gauge("manyi_office_streams", "Screens connected now", registry=registry).set(hub.watching)
    for name, help_text, value in (
        ("manyi_office_pictures", "Snapshots of the wall sent out", hub.pictures),
        ("manyi_office_frames_dropped", "Frames a slow screen skipped for newer ones", hub.frames_dropped),
        ("manyi_office_streams_refused", "Screens turned away because every place was taken", hub.refused),
    ):
        Counter(name, help_text, registry=registry).inc(value)
    return generate_latest(registry)
