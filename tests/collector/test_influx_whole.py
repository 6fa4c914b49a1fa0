"""The whole of it on a real influxd: init, serve or rebuild with the collector's token, read with Grafana's, lose buckets,
rebuild. Every series, by InfluxQL, against figures worked out from the ratings one by one."""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from manyi.cli import app
from manyi.core import projector, stores
from manyi.core.config import Broker, City, Config, Data, Influx, KeyFiles, Policy, Web
from manyi.core.errors import SetupError
from manyi.core.rates import tally
from manyi.core.ratings.known_at import as_of
from manyi.core.ratings.rating import Rating
from typer.testing import CliRunner

from tests.collector.paper_ledger import MINUTE, TOWN, PaperLedger, on_duty, placed
from tests.collector.test_influx_rollup import COUNTS, expected
from tests.services.influx import Influx as Server

BUCKETS = ("manyi", "manyi_rollup", "manyi_day", "manyi_wall")
BEIJING = timezone(timedelta(hours=8))
LONG_S = 60.0


def yesterday_noon_ms() -> int:
    """Buckets refuse what is older than they keep, so the day is a real one."""
    today = datetime.now(BEIJING).replace(hour=12, minute=0, second=0, microsecond=0)
    return int((today - timedelta(days=1)).timestamp() * 1000)


NOON = yesterday_noon_ms()


class Whole:
    """A paper ledger in front of a server that `manyi influx init` has set up."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.server, self.folder, self.secrets = server, folder, folder / "secrets"
        self.init()
        self.ledger = PaperLedger(folder)
        where = Influx(
            server.url,
            "manyi",
            "manyi",
            self.secrets / "influx.token",
            "manyi_rollup",
            "manyi_day",
            "manyi_wall",
        )
        self.config = Config(
            City("临江市", "Linjiang"), Data(folder), Broker("127.0.0.1", 1, "", None, True, None),
            KeyFiles(folder / "keys"), where, Web("127.0.0.1", 1, None), Policy(5_000, 5, 180),
        )  # fmt: skip

    def init(self) -> None:
        done = CliRunner().invoke(
            app, ["influx", "init", "--url", self.server.url, "--dir", str(self.secrets)]
        )
        assert done.exit_code == 0, done.output

    def token(self, name: str) -> str:
        return (self.secrets / f"influx.{name}token").read_text().strip()

    def call(self, path: str, token: str, method: str = "GET") -> Any:
        request = urllib.request.Request(
            self.server.url + path, headers={"Authorization": f"Token {token}"}, method=method
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def ask(self, bucket: str, influxql: str) -> list[dict[str, Any]]:
        """As Grafana; the raw bucket, which Grafana may not read, as the operator."""
        asked = urllib.parse.urlencode({"db": bucket, "q": influxql, "epoch": "ms"})
        token = self.token("operator." if bucket == "manyi" else "grafana.")
        rows: list[dict[str, Any]] = []
        for result in self.call(f"/query?{asked}", token)["results"]:
            assert "error" not in result, result
            for series in result.get("series", []):
                tags = series.get("tags", {})
                rows += [tags | dict(zip(series["columns"], v, strict=True)) for v in series["values"]]
        return rows

    def drop(self, bucket: str) -> None:
        token = self.token("operator.")
        (found,) = self.call(f"/api/v2/buckets?name={bucket}", token)["buckets"]
        self.call(f"/api/v2/buckets/{found['id']}", token, "DELETE")

    def clock(self) -> int:
        return projector.unix_ms()

    def rebuild(self) -> None:
        projector.rebuild("influx", self.config, lambda _: None, self.clock)

    def press(self, box: str, times: int, level: int, since_ms: int, boot: int) -> None:
        self.ledger.clock(box, 0, since_ms, since_ms, boot=boot)
        for i in range(times):
            self.ledger.press(box, (1 + i) * MINUTE, level, since_ms + (1 + i) * MINUTE, boot=boot)

    def history(self) -> None:
        """Two days across Beijing's midnight, a correction, a late backlog, a move and a duty told too late."""
        self.ledger.fact(*TOWN)
        for box, level in (("box-1", 1), ("box-2", 2), ("box-3", 3), ("box-9", 1)):
            self.press(box, 30, level, NOON, 1)
        self.press("box-1", 20, 1, NOON + 12 * 60 * MINUTE - 10 * MINUTE, 2)

    def changes(self) -> None:
        self.ledger.press("box-3", 30 * MINUTE + 1_000, 1, NOON + 31 * MINUTE)
        self.press("box-2", 70, 1, NOON - 5 * 60 * MINUTE, 2)
        told = (placed("box-1", "w3", NOON + 10 * MINUTE), on_duty("w1", "cat", NOON + 5 * MINUTE))
        self.ledger.fact(*told, at_ms=NOON + 1)

    def ratings(self) -> list[Rating]:
        conn = stores.open_reader(self.config.data.ratings)
        try:
            return as_of(conn, 2**62)
        finally:
            conn.close()

    def check(self) -> None:
        """Every series of every bucket."""
        ratings = self.ratings()
        cells = expected(ratings)
        for bucket, name in (("manyi_rollup", "rollup_5m"), ("manyi_day", "rollup_day")):
            assert self.cells(bucket, name) == {k: v for k, v in cells.items() if k[0].startswith(name)}
        days = {k: v for k, v in cells.items() if k[0].startswith("rollup_day")}
        for row in self.ask("manyi_day", "SELECT * FROM summary"):
            if not row["n"]:
                continue
            said = tally(days[_at("rollup_day", row), f"{row['time']}000000"])
            assert (row["n"], row["corrected"], row["enough"]) == (
                said["n"], said["corrected"], int(said["rate"]["enough"]),
            )  # fmt: skip
            for rate in ("s", "sb"):
                shown = [row[f"rate_{rate}{end}"] for end in ("", "_lo", "_hi")]
                assert shown == pytest.approx(said["rate"][rate], abs=1e-6)
            assert [row[f"first_{x}"] for x in "sbd"] == said["first"]
        assert len([r for r in self.ask("manyi_day", "SELECT n FROM summary") if r["n"]]) == len(days)
        self.check_ratings("manyi", "staff", ratings)
        self.check_ratings("manyi_wall", "", ratings)
        keys = {r["tagKey"] for r in self.ask("manyi_wall", "SHOW TAG KEYS")}
        assert "box" in keys
        assert "staff" not in keys
        self.check_days(ratings)

    def cells(self, bucket: str, name: str) -> dict[tuple[str, str], tuple[int, ...]]:
        return {
            (_at(name, row), f"{row['time']}000000"): tuple(row[c] for c in COUNTS)
            for row in self.ask(bucket, f"SELECT * FROM {name}")
            if row["n"]
        }

    def check_ratings(self, bucket: str, staff: str, ratings: list[Rating]) -> None:
        by = ["county", "hall", "window", "box", *([staff] if staff else [])]
        rows = self.ask(
            bucket,
            f"SELECT sum(n) AS n, sum(d) AS d, sum(presses) AS presses FROM rating GROUP BY {','.join(by)}",
        )
        found: dict[tuple[str, ...], list[int]] = {}
        for r in ratings:
            row = found.setdefault(tuple(getattr(r, x) or "-" for x in by), [0, 0, 0])
            for i, value in enumerate((1, r.level == 3, r.presses)):
                row[i] += value
        assert {tuple(r[x] for x in by): [r["n"], r["d"], r["presses"]] for r in rows if r["n"]} == found

    def check_days(self, ratings: list[Rating]) -> None:
        """A day is Beijing's, from the rollups and from the wall's single ratings alike."""
        days: dict[str, int] = {}
        for r in ratings:
            day = datetime.fromtimestamp(r.time_ms / 1000, BEIJING).date().isoformat()
            days[day] = days.get(day, 0) + r.presses
        since = datetime.fromtimestamp(NOON / 1000 - 86_400, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        until = datetime.fromtimestamp(NOON / 1000 + 3 * 86_400, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for bucket, measurement, tier in (
            ("manyi_day", "rollup_day", "AND tier = 'city'"),
            ("manyi_rollup", "rollup_5m", "AND tier = 'hall'"),
            ("manyi_wall", "rating", ""),
        ):
            rows = self.ask(
                bucket,
                f"SELECT sum(presses) AS p FROM {measurement} WHERE time >= '{since}' AND time < '{until}' {tier}"
                " GROUP BY time(1d) fill(none) tz('Asia/Shanghai')",
            )
            shown = {
                datetime.fromtimestamp(r["time"] / 1000, BEIJING).date().isoformat(): r["p"] for r in rows
            }
            assert shown == days, measurement


def _at(name: str, row: dict[str, Any]) -> str:
    tags = ("tier", "county", "township", "hall", "window")
    return ",".join([name, *(f"{tag}={row[tag]}" for tag in tags if row.get(tag))])


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    server = Server(tmp_path / "influxd")
    server.start()
    made = Whole(tmp_path, server)
    yield made
    made.ledger.close()
    server.kill()


def test_everything_is_rebuilt_to_the_ledgers_figures_after_any_loss(whole: Whole) -> None:
    whole.history()
    whole.rebuild()
    whole.check()
    whole.changes()
    whole.rebuild()
    whole.check()
    assert whole.ask("manyi_wall", "SELECT last(shown) AS shown FROM account WHERE scope = 'city'") != []
    for bucket in ("manyi_day", "manyi_wall"):
        whole.drop(bucket)
    with pytest.raises(SetupError, match=r"(?s)influx wall.*influx day.*Run the same command again"):
        whole.rebuild()
    whole.init()
    whole.rebuild()
    whole.check()
    whole.drop("manyi_rollup")
    whole.drop("manyi")
    for name in ("influx.db", "influx_wall.db", "influx_rollup.db"):
        (whole.folder / name).unlink()
    whole.init()
    whole.rebuild()
    whole.check()


def test_late_records_and_a_move_correct_what_is_written_while_the_service_runs(whole: Whole) -> None:
    whole.history()
    stop, wake = Event(), Event()
    thread = Thread(target=projector.run, args=(stop, wake, whole.config))
    thread.start()
    try:
        wait_until(whole, 140)
        whole.changes()
        wake.set()
        wait_until(whole, 211)
    finally:
        stop.set()
        wake.set()
        thread.join(LONG_S)
    assert not thread.is_alive()
    whole.check()
    box_1 = "SELECT sum(presses) AS p FROM rollup_day WHERE tier = 'window' AND \"window\" = 'w1'"
    before = sum(r.presses for r in whole.ratings() if r.window == "w1")
    assert whole.ask("manyi_day", box_1)[0]["p"] == before


def test_one_bucket_that_is_missing_holds_no_other(whole: Whole) -> None:
    whole.history()
    assert whole.config.influx is not None
    broken = replace(whole.config, influx=replace(whole.config.influx, bucket="nobody-made-this"))
    stop, wake = Event(), Event()
    thread = Thread(target=projector.run, args=(stop, wake, broken))
    thread.start()
    try:
        wait_until(whole, 140)
    finally:
        stop.set()
        wake.set()
        thread.join(LONG_S)
    whole.check_ratings("manyi_wall", "", whole.ratings())


def test_what_is_older_than_single_ratings_are_kept_lives_on_in_the_days(whole: Whole) -> None:
    old = NOON - 100 * 24 * 60 * MINUTE
    whole.ledger.fact(*TOWN)
    whole.press("box-1", 12, 3, old, 1)
    whole.press("box-1", 5, 1, NOON, 2)
    whole.rebuild()
    assert [r["p"] for r in whole.ask("manyi", "SELECT sum(presses) AS p FROM rating")] == [5]
    days = {k: v for k, v in expected(whole.ratings()).items() if k[0].startswith("rollup_day")}
    assert whole.cells("manyi_day", "rollup_day") == days
    assert len(days) == 8
    for name in ("influx", "influx_wall", "influx_rollup"):
        conn = stores.open_reader(whole.folder / f"{name}.db")
        assert conn.execute("SELECT count(*) FROM aside").fetchone() == (0,), "too old is not bad"
        conn.close()


def wait_until(whole: Whole, presses: int) -> None:
    """Until all that dashboards read says so many."""
    deadline = time.monotonic() + LONG_S
    asked = (
        ("manyi_wall", "rating", ""),
        ("manyi_rollup", "rollup_5m", "WHERE tier = 'city'"),
        ("manyi_day", "rollup_day", "WHERE tier = 'city'"),
    )
    while True:
        rows = [whole.ask(b, f"SELECT sum(presses) AS p FROM {m} {where}") for b, m, where in asked]
        if all(r and r[0]["p"] == presses for r in rows):
            return
        assert time.monotonic() < deadline, rows
        time.sleep(0.1)
