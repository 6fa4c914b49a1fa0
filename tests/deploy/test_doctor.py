"""Each check, and the very thing broken that it is there for."""

from __future__ import annotations

import fcntl
import http.server
import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from manyi.backup import copy
from manyi.cli import app
from manyi.core import root
from manyi.core.checking import Checking
from manyi.core.days import DAY_MS, day_begin
from manyi.core.influx import setup
from manyi.core.wall.store import Wall
from manyi.doctor import behind, books, host, link, safety, servers
from manyi.doctor.finding import Check, Level, Place
from typer.testing import CliRunner

from tests.collector.box_double import BOX, BoxDouble
from tests.deploy.town import T0, Town
from tests.services.certs import Certs
from tests.services.influx import Influx
from tests.services.mosquitto import Mosquitto
from tests.services.processes import free_port

PATIENCE_S = 60.0


@pytest.fixture
def town(tmp_path: Path) -> Town:
    found = Town(tmp_path / "etc", port=free_port(), web=free_port())
    box = BoxDouble()
    box.press(1, 5)
    found.take(box)
    root.write_latest(found.conn, found.config.data.roots, found.at_ms)
    found.secret("link.keys", f"{BOX} {'ab' * 32}\n")
    found.config.data.dir.chmod(0o700)
    return found


def ask(town: Town, check: Check, now_ms: int = T0, **how: object) -> dict[str, Level]:
    """The worst level of everything that the check speaks of."""
    place = Place(town.config, town.file, now_ms, **{"timeout_s": PATIENCE_S} | how)  # type: ignore[arg-type]
    said: dict[str, Level] = {}
    for each in check(place):
        assert each.zh
        assert each.en
        if each.level >= Level.warn:
            assert each.do_zh
            assert each.do_en
        said[each.what] = max(each.level, said.get(each.what, Level.good))
    return said


def place(town: Town, now_ms: int = T0) -> Place:
    return Place(town.config, town.file, now_ms, timeout_s=PATIENCE_S)


def edit(town: Town, old: str, new: str) -> None:
    text = town.file.read_text(encoding="utf-8")
    assert old in text
    town.file.write_text(text.replace(old, new), encoding="utf-8")


# --- the machine


def test_settings_left_as_they_came(town: Town) -> None:
    assert ask(town, host.settings) == {"config": Level.good}
    edit(town, '"岱州市"', '"请填写城市名称"')
    assert ask(town, host.settings) == {"config": Level.bad}


def test_a_web_without_login(town: Town) -> None:
    edit(town, "[web]\n", "[web]\nlogin = false\n")
    assert ask(town, host.settings) == {"config": Level.bad}


def test_a_configuration_that_others_may_change(town: Town) -> None:
    town.file.chmod(0o666)
    assert ask(town, host.settings) == {"config": Level.bad}


@pytest.mark.parametrize("name", ["link.keys", "broker.password"])
def test_secrets_that_others_may_read_or_that_are_gone(town: Town, name: str) -> None:
    assert ask(town, host.secrets) == {"secrets": Level.good}
    path = town.folder / "secrets" / name
    path.chmod(0o640)
    assert ask(town, host.secrets) == {"secrets": Level.bad}
    path.unlink()
    assert ask(town, host.secrets) == {"secrets": Level.bad}


def test_every_secret_that_a_setting_names_is_looked_at(town: Town) -> None:
    edit(town, "[web]\n", '[web]\nmetrics_token_file = "secrets/metrics.token"\n')
    assert ask(town, host.secrets) == {"secrets": Level.bad}
    town.secret("metrics.token", "t")
    assert ask(town, host.secrets) == {"secrets": Level.good}
    assert town.folder / "secrets" / "metrics.token" in copy.files_to_keep(town.config)


def test_a_key_file_without_boxes_and_one_that_is_wrong(town: Town) -> None:
    town.secret("link.keys", "")
    assert ask(town, host.secrets) == {"secrets": Level.warn}
    town.secret("link.keys", "not a key\n")
    assert ask(town, host.secrets) == {"secrets": Level.bad}


def test_a_data_folder_that_others_may_enter_or_that_is_not_there(town: Town) -> None:
    if os.geteuid() == town.config.data.dir.stat().st_uid:
        assert ask(town, host.folder) == {"data": Level.good}
    town.config.data.dir.chmod(0o755)
    assert ask(town, host.folder) == {"data": Level.warn}
    edit(town, 'dir = "data"', 'dir = "nowhere"')
    assert ask(town, host.folder) == {"data": Level.bad}


@pytest.mark.parametrize(("limit", "level"), [("FREE_WARN", Level.warn), ("FREE_BAD", Level.bad)])
def test_a_disk_that_fills(town: Town, limit: str, level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "FREE_RATIO_WARN", 0)
    monkeypatch.setattr(host, "FREE_WARN", 0)
    monkeypatch.setattr(host, "FREE_BAD", 0)
    assert ask(town, host.disk) == {"disk": Level.good}
    monkeypatch.setattr(host, limit, 1 << 60)
    assert ask(town, host.disk) == {"disk": level}


def test_a_clock_that_was_set_back(town: Town) -> None:
    assert ask(town, host.clock, now_ms=town.at_ms)["clock"] != Level.bad
    assert ask(town, host.clock, now_ms=town.at_ms - 600_000) == {"clock": Level.bad}


TRACKING = (
    "A9FEA97B,169.254.169.123,4,1795233600.1,0.00001,0.00002,0.00003,-9.5,0.001,0.02,0.0003,0.0002,16.2,"
)
HANGS = "exec sleep 86400"


@pytest.mark.parametrize(
    ("tools", "level"),
    [
        ({}, Level.skipped),
        ({"timedatectl": "echo yes"}, Level.good),
        ({"timedatectl": "echo no"}, Level.warn),
        ({"timedatectl": "echo no", "chronyc": f"echo '{TRACKING}Normal'"}, Level.warn),
        ({"timedatectl": "echo no bus >&2; exit 1"}, Level.skipped),
        ({"timedatectl": "exit 1", "chronyc": f"echo '{TRACKING}Normal'"}, Level.good),
        ({"chronyc": f"echo '{TRACKING}Not synchronised'"}, Level.warn),
        ({"chronyc": "echo 506 Cannot talk to daemon; exit 1"}, Level.skipped),
    ],
)
def test_whether_the_clock_is_kept_by_the_word_of_the_time_service(
    town: Town, tmp_path: Path, tools: dict[str, str], level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "TOOL_S", PATIENCE_S)
    only(tmp_path / "bin", tools, monkeypatch)
    assert ask(town, host.clock, now_ms=town.at_ms) == {"clock": level}


def test_a_time_service_that_hangs_holds_nobody_up(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "TOOL_S", 0.1)
    only(tmp_path / "bin", {"timedatectl": HANGS, "chronyc": HANGS}, monkeypatch)
    assert ask(town, host.clock, now_ms=town.at_ms) == {"clock": Level.skipped}


def only(folder: Path, tools: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has these tools of a time service and no others."""
    folder.mkdir()
    sleep = shutil.which("sleep")
    for name, script in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{script.replace('sleep', str(sleep))}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


# --- the broker


def test_a_broker_that_is_not_there(town: Town) -> None:
    assert ask(town, link.broker) == {"broker": Level.bad}


def test_a_broker_as_it_should_be(
    town: Town, make_mosquitto: Callable[..., Mosquitto], certs: Certs, tmp_path: Path
) -> None:
    acl = tmp_path / "acl"
    acl.write_text("user manyi_collector\ntopic read manyi/1/+/record\n")
    acl.chmod(0o700)
    broker = make_mosquitto(users={"manyi_collector": "p"}, tls=certs, extra=f"acl_file {acl}")
    secure(town, broker, certs.ca)
    said = ask(town, link.broker, now_ms=_now())
    assert said == {
        "certificate": Level.bad,
        "strangers": Level.good,
        "login": Level.good,
        "access": Level.good,
    }
    # bad: the test's certificate ends in two days


def test_a_broker_with_every_door_open(town: Town, make_mosquitto: Callable[..., Mosquitto]) -> None:
    broker = make_mosquitto()
    edit(town, f"port = {town.config.broker.port}", f"port = {broker.port}")
    said = ask(town, link.broker)
    assert said == {"broker": Level.good, "strangers": Level.bad, "login": Level.good, "access": Level.bad}


def test_a_password_that_is_another(town: Town, make_mosquitto: Callable[..., Mosquitto]) -> None:
    broker = make_mosquitto(users={"manyi_collector": "other"})
    edit(town, f"port = {town.config.broker.port}", f"port = {broker.port}")
    assert ask(town, link.broker) == {"broker": Level.good, "strangers": Level.good, "login": Level.bad}


def test_a_service_that_runs_is_not_thrown_out_by_a_login(
    town: Town, make_mosquitto: Callable[..., Mosquitto]
) -> None:
    broker = make_mosquitto(users={"manyi_collector": "other"})
    edit(town, f"port = {town.config.broker.port}", f"port = {broker.port}")
    with (town.config.data.dir / "serve.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert ask(town, link.broker)["login"] == Level.skipped
        assert ask(town, link.broker, login=True)["login"] == Level.bad


def test_a_certificate_of_somebody_else(
    town: Town, make_mosquitto: Callable[..., Mosquitto], certs: Certs, tmp_path: Path
) -> None:
    from tests.services.certs import make_certs  # noqa: PLC0415

    broker = make_mosquitto(tls=certs)
    secure(town, broker, make_certs(tmp_path / "foreign").ca)
    assert ask(town, link.broker) == {"broker": Level.bad}


def test_a_port_without_tls(town: Town, make_mosquitto: Callable[..., Mosquitto], certs: Certs) -> None:
    secure(town, make_mosquitto(), certs.ca)
    assert ask(town, link.broker) == {"broker": Level.bad}


def secure(town: Town, broker: Mosquitto, ca: Path) -> None:
    edit(town, f"port = {town.config.broker.port}\nplain = true", f'port = {broker.port}\nca_file = "{ca}"')


# --- ledger and figures


def test_a_service_that_does_not_run_and_one_whose_heart_has_stopped(town: Town) -> None:
    assert ask(town, books.service) == {"service": Level.bad}
    with (town.config.data.dir / "serve.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert ask(town, books.service) == {"service": Level.bad}, "nothing worked out yet"
        ratings(town)
        wall = Wall(town.config.data.wall, sqlite3.connect(town.config.data.ratings), ("x", "x"))
        wall.tell(projected_ms=T0)
        assert ask(town, books.service, now_ms=T0 + 1000) == {"service": Level.good}
        assert ask(town, books.service, now_ms=T0 + 60_000) == {"service": Level.bad}
        wall.close()


def ratings(town: Town) -> None:
    from manyi.core.ratings.store import Ratings  # noqa: PLC0415

    with closing(Ratings(town.config.data.ratings, town.conn)) as made:
        while made.step():
            pass


def test_a_row_that_was_changed_and_rows_that_are_gone(town: Town) -> None:
    found = ask(town, books.ledger, now_ms=town.at_ms)
    assert found == {"ledger": Level.good, "check": Level.skipped, "account": Level.good}
    town.conn.execute("DROP TRIGGER row_is_never_changed")
    town.conn.execute("UPDATE row SET at_ms = at_ms + 1 WHERE id = 4")
    assert ask(town, books.ledger, now_ms=town.at_ms)["ledger"] == Level.bad
    town.conn.execute("UPDATE row SET at_ms = at_ms - 1 WHERE id = 4")
    town.conn.execute("DROP TRIGGER row_is_never_deleted")
    town.conn.execute("DELETE FROM row WHERE id = 5")
    said = ask(town, books.ledger, now_ms=town.at_ms)
    assert said["ledger"] == Level.bad


def test_what_the_service_s_own_check_has_found_and_when_it_ended(town: Town) -> None:
    def check() -> None:
        checking = Checking(town.config.data, lambda: town.at_ms)
        while not checking.slice(town.conn):
            pass

    check()
    assert ask(town, books.ledger, now_ms=town.at_ms)["check"] == Level.good
    assert ask(town, books.ledger, now_ms=town.at_ms + books.CHECK_LATE_MS)["check"] == Level.good
    assert ask(town, books.ledger, now_ms=town.at_ms + books.CHECK_LATE_MS + 1)["check"] == Level.warn
    town.conn.execute("DROP TRIGGER row_is_never_changed")
    town.conn.execute("UPDATE row SET at_ms = at_ms + 1 WHERE id = 2")
    check()
    assert ask(town, books.ledger, now_ms=town.at_ms)["check"] == Level.bad


def test_an_account_that_does_not_add_up(town: Town) -> None:
    town.conn.execute("UPDATE head SET stored_s = stored_s - 1")
    assert ask(town, books.ledger, now_ms=town.at_ms)["account"] == Level.bad


def test_roots_that_were_not_written_and_a_stray_file_among_them(town: Town) -> None:
    tomorrow = town.at_ms + DAY_MS
    midnight = day_begin(tomorrow)
    assert "roots" not in ask(town, books.ledger, now_ms=midnight + 300_000), "the service is at work on it"
    assert ask(town, books.ledger, now_ms=midnight + 600_000)["roots"] == Level.warn
    assert ask(town, books.ledger, now_ms=tomorrow)["roots"] == Level.warn
    root.publish(town.conn, town.config.data.roots, tomorrow)
    assert ask(town, books.ledger, now_ms=tomorrow)["roots"] == Level.good
    (town.config.data.roots / "notes.txt").write_text("x")
    assert ask(town, books.ledger, now_ms=tomorrow)["roots"] == Level.bad


def test_boxes_that_nobody_hears(town: Town) -> None:
    values = (BOX, "00112233445566ff", T0, 1, 1, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1, 0, 1, 1, 1, 0, "")
    town.conn.execute(f"INSERT INTO beat VALUES ({','.join('?' * 23)})", values)
    assert "boxes" not in ask(town, books.ledger, now_ms=T0 + 1000)
    assert ask(town, books.ledger, now_ms=T0 + 3_600_000)["boxes"] == Level.warn


def test_projections_that_are_behind_and_lines_that_were_refused(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(town, behind.projections) == {"projections": Level.skipped}
    ratings(town)
    assert ask(town, behind.projections) == {"projections": Level.good}
    for name in ("influx.db", "influx_red.db", "influx_rollup.db"):
        with closing(sqlite3.connect(town.config.data.dir / name)) as conn:
            conn.executescript(
                "CREATE TABLE aside (id INTEGER PRIMARY KEY, why TEXT);"
                "INSERT INTO aside VALUES (1, 'an old one'), (2, 'field type conflict');"
            )
        assert ask(town, behind.projections) == {"projections": Level.warn}, name
        (said,) = [each for each in behind.projections(place(town)) if each.level == Level.warn]
        assert "field type conflict" in said.zh
        (town.config.data.dir / name).unlink()
    monkeypatch.setattr(behind, "BEHIND_ROWS", -1)
    assert ask(town, behind.projections) == {"projections": Level.warn}


def test_a_ledger_that_is_none(town: Town) -> None:
    town.conn.close()
    town.config.data.ledger.write_bytes(b"x" * 4096)
    assert ask(town, books.ledger) == {"ledger": Level.bad}


# --- servers


class Answers:
    """A server of canned answers: path to (status, body)."""

    def __init__(self) -> None:
        answers: dict[str, tuple[int, bytes]] = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answers.get(self.path.partition("?")[0], (404, b"{}"))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.answers = answers
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def answers() -> Iterator[Answers]:
    made = Answers()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_web_that_is_not_there_and_one_that_is_not_well(town: Town, answers: Answers) -> None:
    assert ask(town, servers.web) == {"web": Level.bad}
    edit(town, f"port = {town.config.web.port}", f"port = {answers.server.server_port}")
    answers.answers["/healthz"] = (200, b'{"ok":true}')
    assert ask(town, servers.web) == {"web": Level.good}
    answers.answers["/healthz"] = (503, b'{"ok":false}')
    assert ask(town, servers.web) == {"web": Level.bad}


def test_grafana_and_its_data_sources(town: Town, answers: Answers) -> None:
    assert ask(town, servers.grafana) == {"grafana": Level.skipped}
    assert ask(town, servers.grafana, grafana="http://127.0.0.1:9") == {"grafana": Level.bad}
    token = town.secret("grafana.token", "t\n")
    answers.answers |= {
        "/api/health": (200, b'{"database":"ok"}'),
        "/api/datasources": (200, b'[{"uid":"a","name":"wall"}]'),
        "/api/datasources/uid/a/health": (200, b"{}"),
    }
    how = {"grafana": answers.url, "grafana_token": token}
    good = ask(town, servers.grafana, now_ms=_now(), **how)
    assert good == {"grafana": Level.good, "sources": Level.good}
    assert ask(town, servers.grafana, now_ms=_now() - 3_600_000, **how)["clock"] == Level.warn
    an_hour_of_checks = {"now_ms": _now() - 3_600_000, "began_s": time.monotonic() - 3600}
    assert "clock" not in ask(town, servers.grafana, **an_hour_of_checks, **how)  # type: ignore[arg-type]
    answers.answers["/api/datasources/uid/a/health"] = (400, b"no database")
    assert ask(town, servers.grafana, now_ms=_now(), **how)["sources"] == Level.bad
    answers.answers["/api/datasources"] = (200, b"[]")
    assert ask(town, servers.grafana, now_ms=_now(), **how)["sources"] == Level.bad
    answers.answers["/api/health"] = (200, b'{"database":"failing"}')
    assert ask(town, servers.grafana, **how) == {"grafana": Level.bad}


def test_influxdb_and_what_its_tokens_may_do(town: Town, own_influx: Influx) -> None:
    assert ask(town, servers.influx) == {"influx": Level.skipped}
    secrets = town.folder / "secrets"
    operator = town.secret("influx.operator.token", own_influx.token + "\n")
    names, files = (
        setup.Names(),
        setup.Files(operator, secrets / "p", secrets / "influx.token", secrets / "influx.grafana.token"),
    )
    setup.init(own_influx.url, names, files, lambda _: None)
    text = town.file.read_text(encoding="utf-8")
    section = (
        f'[influx]\nurl = "{own_influx.url}"\norg = "manyi"\nbucket = "manyi"\nwall_bucket = "manyi_wall"\n'
        'token_file = "secrets/influx.token"\n'
    )
    town.file.write_text(text + section, encoding="utf-8")
    assert ask(town, servers.influx, now_ms=_now()) == {"influx": Level.good}

    was = files.grafana.read_text()
    files.grafana.write_text(own_influx.token)
    assert ask(town, servers.influx, now_ms=_now())["influx"] == Level.bad, "Grafana could write"
    files.grafana.write_text(was)

    ours = files.collector.read_text()
    files.collector.write_text(was)
    assert ask(town, servers.influx, now_ms=_now())["influx"] == Level.bad, "we could not write"
    files.collector.write_text(own_influx.token)
    assert ask(town, servers.influx, now_ms=_now())["influx"] == Level.warn, "we could read persons"
    files.collector.write_text(ours)

    edit(town, '"manyi_wall"', '"manyi_gone"')
    assert ask(town, servers.influx, now_ms=_now())["influx"] == Level.bad
    own_influx.kill()
    assert ask(town, servers.influx) == {"influx": Level.bad}


# --- for a bad day


def test_a_root_that_ends_and_a_file_that_is_no_certificate(town: Town, certs: Certs) -> None:
    edit(town, "plain = true", f'ca_file = "{certs.ca}"')
    assert ask(town, safety.authority, now_ms=_now()) == {"authority": Level.bad}, "it ends in two days"
    assert ask(town, safety.authority, now_ms=_now() - 90 * DAY_MS) == {"authority": Level.good}
    edit(town, str(certs.ca), str(town.file))
    assert ask(town, safety.authority) == {"authority": Level.bad}


def test_copies_that_are_missing_old_without_keys_or_on_the_same_disk(town: Town, tmp_path: Path) -> None:
    assert ask(town, safety.copies) == {"backup": Level.warn}
    town.file.write_text(
        town.file.read_text(encoding="utf-8") + '[backup]\ndir = "../copies"\n', encoding="utf-8"
    )
    assert ask(town, safety.copies) == {"backup": Level.bad}
    copy.write(town.config, town.file, tmp_path / "copies", (), T0, secrets=True)
    hour = 3_600_000
    place = Place(town.config, town.file, T0 + hour)
    assert [(e.level, "disk" in e.en) for e in safety.copies(place)] == [
        (Level.good, False),
        (Level.warn, True),
    ]
    assert ask(town, safety.copies, now_ms=T0 + 30 * hour) == {"backup": Level.warn}
    assert ask(town, safety.copies, now_ms=T0 + 100 * hour) == {"backup": Level.bad}
    copy.write(town.config, town.file, tmp_path / "copies", (), T0 + 1000, secrets=False)
    assert any("link.keys" in e.en for e in safety.copies(Place(town.config, town.file, T0 + hour)))


# --- the command


def test_the_command_names_every_fault_in_two_languages_and_ends_with_1(town: Town) -> None:
    result = CliRunner().invoke(app, ["-c", str(town.file), "doctor"])
    assert result.exit_code == 1
    lines = result.output.splitlines()
    said = json.loads(CliRunner().invoke(app, ["-c", str(town.file), "doctor", "--json"]).output)
    assert said["ok"] is False
    faults = [each for each in said["findings"] if each["level"] in ("warn", "bad")]
    assert {"broker", "service", "backup"} <= {each["what"] for each in faults}
    for each in faults:
        at = next(i for i, line in enumerate(lines) if f"{each['zh']} / {each['en']}" in line)
        assert lines[at + 1].strip() == f"→ {each['do_zh']}"
        assert each["do_en"] in (each["do_zh"], lines[at + 2].strip())
    assert {e["what"] for e in said["findings"]} >= {
        "config",
        "secrets",
        "disk",
        "broker",
        "service",
        "ledger",
        "backup",
    }


def test_without_a_configuration_it_ends_with_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["-c", str(tmp_path / "manyi.toml"), "doctor"])
    assert (result.exit_code, "manyi.example.toml" in result.output) == (2, True)


def _now() -> int:
    return time.time_ns() // 1_000_000
