"""The units: what systemd says of them, that they name what is there, and that the service tells when it is ready."""

from __future__ import annotations

import configparser
import re
import socket
import subprocess
from pathlib import Path

import pytest
from manyi import notify
from manyi.cli import app
from manyi.core import config as configs
from typer.main import get_command

from tests.services.processes import find, missing

DEPLOY = Path(__file__).resolve().parents[2] / "collector" / "deploy"
UNITS = sorted([*DEPLOY.glob("systemd/*.service"), *DEPLOY.glob("systemd/*.timer")])
SERVICES = [path for path in UNITS if path.suffix == ".service"]


def unit(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, comment_prefixes=("#",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_systemd_reads_every_line(path: Path, tmp_path: Path) -> None:
    analyze = find("systemd-analyze")
    if analyze is None:
        missing("systemd-analyze", "sudo apt install systemd (or: make services)")
    assert analyze is not None
    for each in UNITS:  # a program that is there, so that only the unit itself is judged
        text = each.read_text(encoding="utf-8").replace("/opt/manyi/current/bin/manyi", "/bin/true")
        (tmp_path / each.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [analyze, "verify", str(tmp_path / path.name)], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "manyi" in line and "man " not in line]
    assert ours == []


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.name)
def test_every_unit_runs_a_command_that_exists_under_its_own_account(path: Path) -> None:
    service = unit(path)["Service"]
    assert service["User"] == "manyi"
    words = service["ExecStart"].split()
    assert words[:3] == ["/opt/manyi/current/bin/manyi", "--config", "/etc/manyi/manyi.toml"]
    command = get_command(app)
    for word in [w for w in words[3:] if not w.startswith("--")]:
        command = command.commands[word]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.name)
def test_every_service_is_shut_in(path: Path) -> None:
    service = unit(path)["Service"]
    for key in (
        "NoNewPrivileges",
        "ProtectHome",
        "PrivateTmp",
        "PrivateDevices",
        "RestrictNamespaces",
        "LockPersonality",
    ):
        assert service[key] == "true", key
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert service["UMask"] == "0077"


def test_every_timer_has_its_service() -> None:
    assert {p.stem for p in UNITS if p.suffix == ".timer"} == {p.stem for p in SERVICES} - {"manyi"}


def test_the_installed_configuration_is_one(tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / "manyi.toml").read_text(encoding="utf-8")
    found = configs.parse(text, tmp_path)
    assert found.backup.secrets
    on = re.sub(r"^# (?=\[influx\]|\w+ = )", "", text, flags=re.MULTILINE)
    assert configs.parse(on, tmp_path).influx is not None


def test_the_service_tells_systemd_and_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        sock.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notify.notify("READY=1")
        assert sock.recv(100) == b"READY=1"
    notify.notify("STOPPING=1")  # nobody listens any more
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify.notify("READY=1")
