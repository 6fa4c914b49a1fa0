"""The command line: what it prints, its exit codes, and that mistakes end in plain words."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import Result
from manyi import __version__
from manyi.cli import app
from manyi.cli.serve import log_to_stderr
from manyi.core.ledger import schema, writer
from manyi.core.pipeline import unix_ms
from typer.testing import CliRunner

from tests.collector.box_double import BOX, K_CHAIN, BoxDouble
from tests.collector.speaking import K_LINK
from tests.services.processes import free_port

PATIENCE_S = 60  # Python alone takes seconds to start on a loaded machine
CONFIG = """
[city]
name = "示范市"
[data]
dir = "data"
[broker]
host = "127.0.0.1"
port = {broker}
plain = true
[keys]
link_file = "link.keys"
[web]
port = {web}
login = false
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "manyi.toml").write_text(CONFIG.format(broker=free_port(), web=free_port()), encoding="utf-8")
    for name, key in (("link.keys", K_LINK), ("auditor.keys", K_CHAIN)):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(f"{BOX} {key.hex()}\n")
    return tmp_path


@pytest.fixture
def ledger(folder: Path) -> Path:
    (folder / "data").mkdir()
    conn = schema.open_for_writing(folder / "data" / "ledger.db")
    box = BoxDouble()
    box.press(1, 3)
    box.press(3)
    writer.commit(conn, writer.Work([box.batch()]), unix_ms())
    conn.close()
    return folder


def manyi(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(folder / "manyi.toml"), *words])


def edit(folder: Path, sql: str) -> None:
    conn = schema.open_for_writing(folder / "data" / "ledger.db")
    conn.executescript("DROP TRIGGER row_is_never_changed;" + sql)
    conn.close()


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"manyi {__version__}\n"


def test_no_configuration_says_where_to_begin(tmp_path: Path) -> None:
    done = manyi(tmp_path, "account")
    assert (done.exit_code, "manyi.example.toml" in done.output) == (2, True)
    assert "Traceback" not in done.output


def test_no_ledger_yet_says_so(folder: Path) -> None:
    for words in (
        ["account"],
        ["verify"],
        ["root"],
        ["export", "--from", "2026-01-01", "--to", "2026-01-02", "--out", "x"],
    ):
        done = manyi(folder, *words)
        assert (done.exit_code, "There is no ledger" in done.output) == (2, True), words


def test_a_file_that_is_no_ledger_is_refused(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "ledger.db").write_text("hello, I am not a database at all\n" * 50)
    assert "cannot be read as a ledger" in manyi(folder, "account").output


def test_account_that_adds_up(ledger: Path) -> None:
    done = manyi(ledger, "account")
    assert done.exit_code == 0
    assert "评价器" in done.output
    assert "adds up" in manyi(ledger, "account", "--lang", "en").output
    said = json.loads(manyi(ledger, "account", "--json").output)
    assert said["ok"] is True
    assert (said["total"]["pressed"], said["total"]["stored"], said["total"]["lost"]) == (4, 4, 0)
    assert said["boxes"][0]["box"] == BOX


def test_account_that_does_not_add_up_ends_with_1(ledger: Path) -> None:
    edit(ledger, "UPDATE head SET stored_s = 2")
    done = manyi(ledger, "account")
    assert (done.exit_code, "否" in done.output) == (1, True)
    assert json.loads(manyi(ledger, "account", "--json").output)["ok"] is False


def test_verify_untouched_and_touched(ledger: Path) -> None:
    keys = str(ledger / "auditor.keys")
    done = manyi(ledger, "verify", "--keys", keys)
    assert (done.exit_code, "4 tags" in done.output) == (0, True)
    edit(ledger, "UPDATE row SET at_ms = 0 WHERE id = 3")
    done = manyi(ledger, "verify")
    assert (done.exit_code, f"row 3, box {BOX}" in done.output, "seq 3" in done.output) == (1, True, True)


def test_root_of_a_day(ledger: Path) -> None:
    (at_ms,) = (
        schema.open_for_reading(ledger / "data" / "ledger.db")
        .execute("SELECT max(at_ms) FROM row")
        .fetchone()
    )
    for ago, rows in ((0, 4), (1, 0)):
        day = time.strftime("%Y-%m-%d", time.gmtime(at_ms / 1000 + 8 * 3600 - ago * 86_400))
        done = manyi(ledger, "root", "--day", day)
        assert (done.exit_code, f"rows {rows}\n" in done.output) == (0, True)
    assert "rows " in manyi(ledger, "root").output, "yesterday's"
    done = manyi(ledger, "root", "--day", "yesterday")
    assert (done.exit_code, "is not a day" in done.output) == (2, True)


def test_export_and_its_check_without_configuration(ledger: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = manyi(ledger, "export", "--from", "2020-01-01", "--to", "2099-12-31", "--out", str(out))
    assert (done.exit_code, "4 rows" in done.output) == (0, True)
    alone = CliRunner().invoke(app, ["--config", "/nowhere", "verify", "--export", str(out)])
    assert alone.exit_code == 0, alone.output
    (out / "records.csv").write_text("hello\n")
    assert CliRunner().invoke(app, ["verify", "--export", str(out)]).exit_code == 2


def test_roster_with_a_mistake_ends_with_1_and_imports_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "offices.csv").write_text("nonsense\n1\n", encoding="utf-8")
    assert manyi(folder, "roster", "check", str(tmp_path / "r")).exit_code == 1
    assert manyi(folder, "roster", "import", str(tmp_path / "r")).exit_code == 1
    conn = schema.open_for_reading(folder / "data" / "ledger.db")
    assert conn.execute("SELECT count(*) FROM row").fetchone() == (0,)


def test_roster_dry_run_needs_no_ledger_and_makes_none(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "offices.csv").write_text("编号,类型,上级编号,名称\nc1,县区,,东县\n", encoding="utf-8")
    for words in (["import", "--dry-run"], ["check", "--diff"]):
        done = manyi(folder, "roster", *words, str(tmp_path / "r"), "--lang", "en")
        assert (done.exit_code, "added 1, ended 0, changed 0." in done.output) == (0, True), done.output
    assert not (folder / "data").exists()
    done = manyi(folder, "roster", "import", str(tmp_path / "r"))
    assert (done.exit_code, "共记录 1 处变化" in done.output) == (0, True)
    assert (
        "added 0, ended 0"
        in manyi(folder, "roster", "check", "--diff", str(tmp_path / "r"), "--lang", "en").output
    )


def test_a_ledger_that_is_locked_is_one_plain_line(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_MS", 50)
    city = Path(schema.__file__).parents[2] / "demo" / "city"
    other = schema.open_for_writing(ledger / "data" / "ledger.db")
    other.execute("BEGIN IMMEDIATE")
    done = manyi(ledger, "roster", "import", str(city))
    assert (done.exit_code, "database is locked" in done.stderr) == (2, True)
    other.execute("ROLLBACK")
    assert manyi(ledger, "roster", "import", str(city)).exit_code == 0


def test_rebuild_without_influx_says_what_is_missing(ledger: Path) -> None:
    done = manyi(ledger, "rebuild", "influx")
    assert (done.exit_code, "[influx]" in done.output) == (2, True)
    assert manyi(ledger, "rebuild", "wall").exit_code == 0


# ---- serve, as a process


class Serve:
    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "manyi", "--config", str(folder / "manyi.toml"), "serve"]
        self.log = folder / "serve.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stderr=log, env=os.environ | {"PYTHONUNBUFFERED": "1"})
        text = (folder / "manyi.toml").read_text(encoding="utf-8")
        self.web = int(re.findall(r"port = (\d+)", text)[-1])

    def ready(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while "event=ready" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}{path}", timeout=PATIENCE_S) as answer:
            return answer.read()


@pytest.fixture
def serve(ledger: Path) -> Iterator[Serve]:
    running = Serve(ledger)
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.process.wait()


def test_serve_without_a_broker_shows_the_wall_and_stops_cleanly(serve: Serve, ledger: Path) -> None:
    serve.ready()
    assert b"manyi_ledger_rows_total" in serve.get("/metrics")
    stranger = urllib.request.Request(f"http://127.0.0.1:{serve.web}/", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(stranger, timeout=PATIENCE_S)
    assert "evil.example" in serve.log.read_text()
    assert "Traceback" not in serve.log.read_text()
    second = Serve(ledger)
    assert second.process.wait(PATIENCE_S) == 2, "a second one on the same folder"
    assert "another `manyi serve`" in second.log.read_text()
    serve.process.send_signal(signal.SIGTERM)
    assert serve.process.wait(PATIENCE_S) == 0
    assert (ledger / "data" / "roots" / "latest").exists()
    assert manyi(ledger, "verify").exit_code == 0


def test_serve_ends_with_2_if_the_web_port_is_taken(ledger: Path) -> None:
    text = (ledger / "manyi.toml").read_text(encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(re.findall(r"port = (\d+)", text)[-1])))
        taken.listen()
        running = Serve(ledger)
        assert running.process.wait(PATIENCE_S) == 2
    assert "cannot be listened on" in running.log.read_text()


def test_a_thread_that_dies_ends_the_service_with_1(ledger: Path) -> None:
    script = ledger / "dies.py"
    script.write_text(
        "import sys\nfrom manyi.core.pipeline import Pipeline\nfrom manyi.cli import main\n"
        "def run(self, stop):\n    raise ZeroDivisionError('a bug')\n"
        "Pipeline.run = run\nmain()\n"
    )
    command = [sys.executable, str(script), "--config", str(ledger / "manyi.toml"), "serve"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1, done.stderr
    assert "event=thread_died" in done.stderr
    assert "pipeline" in done.stderr


def test_a_log_whose_stderr_was_closed_goes_to_the_one_of_now(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, gone = structlog.get_logger(area="test"), StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", gone)
        log_to_stderr()
        log.info("first")
    gone.close()
    try:
        log.info("second")
    finally:
        structlog.reset_defaults()
    assert "event=second" in capsys.readouterr().err
