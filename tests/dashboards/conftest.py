"""One seeded city for all figures: it is only read. `seeded` has a server of its own, so buckets have their real names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.dashboards.seeded import Seeded
from tests.services.certs import make_certs
from tests.services.influx import Influx


@pytest.fixture(scope="package")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    folder = tmp_path_factory.mktemp("seeded")
    server = Influx(folder / "influxd")
    server.start()
    try:
        made = Seeded(folder, server)
        certs = make_certs(folder / "certs")
        made.config = replace(made.config, certificates=(("ca", certs.ca), ("broker", certs.server_cert)))
        made.seed()
        looked = ("SELECT last(up_ms) FROM collector", "SELECT last(boxes) FROM account")
        made.serve(lambda: all(made.ask_source("manyi-wall", asked) for asked in looked))
        yield made
        made.ledger.close()
    finally:
        server.kill()
