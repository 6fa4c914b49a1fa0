"""The projector: one projection in trouble, all of them at work, stopped and started, rebuilt."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import structlog
from manyi.core import projector, stores
from manyi.core.config import Broker, City, Config, Data, Influx, KeyFiles, Policy, Web
from manyi.core.errors import InputError, LedgerError, SetupError
from manyi.core.projector import FIRST_WAIT_S, LONGEST_WAIT_S, Attempt, Figures
from manyi.core.wall.store import shown, snapshot

from tests.collector.paper_ledger import MINUTE, NOON, TOWN, PaperLedger, placed
from tests.services.influx import Influx as RealInflux

LONG_S = 60.0  # to wait for a thread; it needs a fraction of it


def config(folder: Path, influx: Influx | None = None) -> Config:
    return Config(
        City("临江市", "Linjiang"), Data(folder), Broker("127.0.0.1", 1, "", None, True, None),
        KeyFiles(folder / "keys"), influx, Web("127.0.0.1", 1, None), Policy(5_000, 5, 180),
    )  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[PaperLedger]:
    made = PaperLedger(tmp_path)
    yield made
    made.close()


@pytest.fixture
def figures(tmp_path: Path, ledger: PaperLedger) -> Iterator[Figures]:
    made = Figures(config(tmp_path), lambda: NOON)
    yield made
    made.close()


def wall_shows(folder: Path) -> int:
    conn = stores.open_reader(folder / "wall.db")
    try:
        return shown(conn)
    finally:
        conn.close()


def until(folder: Path, presses: int) -> None:
    deadline = time.monotonic() + LONG_S
    while wall_shows(folder) != presses:
        assert time.monotonic() < deadline, f"{wall_shows(folder)} of {presses} shown"
        time.sleep(0.005)


def visits(ledger: PaperLedger, box: str, times: int) -> None:
    ledger.clock(box, 0, NOON)
    for i in range(times):
        ledger.press(box, (1 + i) * MINUTE, 1, NOON + (1 + i) * MINUTE)


# -- one projection's troubles


def test_failure_and_recovery_are_said_once_each() -> None:
    now = [0.0]
    attempt = Attempt("wall", lambda: now[0])
    with structlog.testing.capture_logs() as logs:
        attempt.well()
        for _ in range(5):
            attempt.failed("disk full")
        attempt.well()
        attempt.well()
    assert [(entry["log_level"], entry["projection"]) for entry in logs] == [
        ("warning", "wall"),
        ("info", "wall"),
    ]


def test_back_off_doubles_up_to_a_limit_and_listens_to_the_server() -> None:
    now = [0.0]
    attempt = Attempt("influx", lambda: now[0])
    waits = []
    for _ in range(9):
        attempt.failed("503")
        began = now[0]
        while not attempt.due:
            now[0] += 0.25
        waits.append(now[0] - began)
    assert waits[:3] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S]
    assert waits[-1] == LONGEST_WAIT_S
    attempt.well()
    attempt.failed("429", wait_s=7.0)
    now[0] += 6.9
    assert not attempt.due
    now[0] += 0.2
    assert attempt.due


def test_broken_wall_does_not_hold_the_ratings_and_has_no_heartbeat(
    figures: Figures, ledger: PaperLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> int:
        raise OSError("disk full")

    visits(ledger, "box-1", 3)
    with monkeypatch.context() as patch:
        patch.setattr(figures.wall, "step", breaks)
        assert figures.step() == 4
        conn = stores.open_reader(tmp_path / "wall.db")
        assert stores.get(conn, "projected_ms") == ""
        visits(ledger, "box-2", 1)
        assert figures.step() == 2, "ratings go on"
    assert wall_shows(tmp_path) == 0
    figures._attempts["wall"].well()
    assert figures.step() > 0
    assert wall_shows(tmp_path) == 4
    assert stores.get(conn, "projected_ms") == str(NOON)
    conn.close()


def test_nothing_new_writes_nothing_but_the_heartbeat(tmp_path: Path, ledger: PaperLedger) -> None:
    now = [NOON]
    figures = Figures(config(tmp_path), lambda: now[0])
    visits(ledger, "box-1", 1)
    while figures.step():
        pass
    conn = stores.open_reader(tmp_path / "wall.db")

    def version() -> int:
        return int(conn.execute("PRAGMA data_version").fetchone()[0])

    before = version()
    for _ in range(5):
        figures.step()
    assert version() == before
    now[0] += projector.HEARTBEAT_MS
    figures.step()
    assert version() != before
    assert snapshot(conn, now[0])["projected_ms"] == now[0]
    conn.close()
    figures.close()


def test_no_ledger_is_one_plain_error(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger"):
        Figures(config(tmp_path))


# -- the threads


def test_press_is_on_the_wall_when_woken_and_all_is_there_after_a_restart(
    tmp_path: Path, ledger: PaperLedger
) -> None:
    for round_ in (1, 2):
        stop, wake = Event(), Event()
        if round_ == 2:
            visits(ledger, "box-2", 5)
        thread = Thread(target=projector.run, args=(stop, wake, config(tmp_path)))
        thread.start()
        if round_ == 1:
            visits(ledger, "box-1", 7)
        wake.set()
        until_exists(tmp_path)
        until(tmp_path, 7 if round_ == 1 else 12)
        stop.set()
        wake.set()
        thread.join(LONG_S)
        assert not thread.is_alive()


def until_exists(folder: Path) -> None:
    deadline = time.monotonic() + LONG_S
    while True:
        try:
            wall_shows(folder)
        except sqlite3.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        else:
            return


def test_influx_that_is_away_holds_nothing_up_and_gets_everything_later(
    tmp_path: Path, ledger: PaperLedger, own_influx: RealInflux
) -> None:
    bucket = own_influx.bucket()
    token = tmp_path / "token"
    token.write_text(own_influx.token + "\n")
    where = Influx(own_influx.url, own_influx.org, bucket, token)
    ledger.fact(*TOWN)
    own_influx.kill()
    stop, wake = Event(), Event()
    thread = Thread(target=projector.run, args=(stop, wake, config(tmp_path, where)))
    thread.start()
    visits(ledger, "box-1", 9)
    wake.set()
    until_exists(tmp_path)
    until(tmp_path, 9)
    own_influx.start()
    deadline = time.monotonic() + LONG_S
    while (sums := own_influx.query(bucket, "SELECT sum(presses) AS p FROM rating")) == [] or sums[0][
        "p"
    ] != 9:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    stop.set()
    wake.set()
    thread.join(LONG_S)
    assert not thread.is_alive()


# -- rebuild


def test_rebuilds_end_in_the_same_figures(tmp_path: Path, ledger: PaperLedger, influx: RealInflux) -> None:
    bucket = influx.bucket()
    token = tmp_path / "token"
    token.write_text(influx.token)
    conf = config(tmp_path, Influx(influx.url, influx.org, bucket, token))
    ledger.fact(*TOWN)
    visits(ledger, "box-1", 9)
    visits(ledger, "box-2", 4)
    said: list[str] = []
    projector.rebuild("influx", conf, said.append)
    ledger.fact(placed("box-1", "w3", NOON + 3 * MINUTE), at_ms=NOON + 1)
    by = 'SELECT sum(presses) AS p FROM rating GROUP BY "window"'
    results = []
    for which in ("ratings", "wall", "influx"):
        projector.rebuild(which, conf, said.append)
        conn = stores.open_reader(tmp_path / "wall.db")
        results.append((snapshot(conn, NOON)["counties"], influx.query(bucket, by)))
        conn.close()
    assert results[0] == results[1] == results[2]
    assert {r["window"]: r["p"] for r in results[0][1]} == {"w1": 2, "w2": 4, "w3": 7}
    assert said == [
        f"{which}：已重建，所示按键 13 / {which}: 13 presses shown"
        for which in ("influx", "ratings", "wall", "influx")
    ]


def test_rebuild_says_what_to_do_instead(tmp_path: Path, ledger: PaperLedger) -> None:
    with pytest.raises(InputError, match="ratings, wall or influx"):
        projector.rebuild("grafana", config(tmp_path))
    with pytest.raises(SetupError, match=r"\[influx\]"):
        projector.rebuild("influx", config(tmp_path))
    away = Influx("http://127.0.0.1:9", "o", "b", tmp_path / "token")
    with pytest.raises(SetupError, match="token cannot be read"):
        projector.rebuild("influx", config(tmp_path, away))
    (tmp_path / "token").write_text("t")
    visits(ledger, "box-1", 1)
    with pytest.raises(SetupError, match="Run the same command again"):
        projector.rebuild("influx", config(tmp_path, away))
