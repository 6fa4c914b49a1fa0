"""Alerts that go nowhere: Grafana's settings as they came, and with somebody's address in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from manyi.cli import app
from manyi.doctor import alerts
from manyi.doctor.finding import Finding, Level, Place
from typer.testing import CliRunner

from tests.deploy.town import T0, Town

CAME = (Path(__file__).parents[2] / "dashboards" / "provisioning" / "grafana.env").read_text(encoding="utf-8")


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path / "etc")


def ask(town: Town, env: Path, grafana: str = "http://127.0.0.1:3000") -> list[Finding]:
    return list(alerts.alerts(Place(town.config, town.file, T0, grafana, grafana_env=env)))


def env(tmp_path: Path, more: str = "", before: str = CAME) -> Path:
    path = tmp_path / "grafana-server"
    path.write_text(before + more, encoding="utf-8")
    return path


def test_the_settings_as_they_came_reach_nobody(town: Town, tmp_path: Path) -> None:
    (found,) = ask(town, env(tmp_path))
    assert found.level == Level.warn
    assert f"改 {tmp_path / 'grafana-server'}" in found.do_zh


@pytest.mark.parametrize(
    "more",
    [
        "MANYI_ALERT_WEBHOOK=https://desk.daizhou.test/hook?key=SECRET\n",
        'MANYI_ALERT_EMAIL="duty@daizhou.test"\n',
        "MANYI_ALERT_WEBHOOK=http://127.0.0.1:9009/alerts\n",
        "MANYI_ALERT_EMAIL='a@b.test'\nMANYI_ALERT_WEBHOOK=http://127.0.0.1:9/alerts\n",
    ],
)
def test_one_address_of_somebody_is_enough_and_is_never_printed(
    town: Town, tmp_path: Path, more: str
) -> None:
    (found,) = ask(town, env(tmp_path, more))
    assert found.level == Level.good
    assert "SECRET" not in found.zh + found.en
    assert "daizhou" not in found.zh + found.en


@pytest.mark.parametrize(
    "more",
    [
        "# MANYI_ALERT_WEBHOOK=https://desk.daizhou.test/hook\n",
        "MANYI_ALERT_EMAIL=a@b.test\nMANYI_ALERT_EMAIL=duty@example.invalid\n",
        "MANYI_ALERT_WEBHOOK=\n",
        "MANYI_ALERT_WEBHOOK=http://desk:notaport/\n",
    ],
)
def test_what_only_looks_like_an_address_is_none(town: Town, tmp_path: Path, more: str) -> None:
    assert [found.level for found in ask(town, env(tmp_path, more))] == [Level.warn]


def test_what_cannot_be_read_is_not_called_good_or_bad(town: Town, tmp_path: Path) -> None:
    for path in (
        tmp_path / "nowhere",
        tmp_path,
        env(tmp_path, before="", more="GF_SERVER_HTTP_ADDR=127.0.0.1\n"),
    ):
        (found,) = ask(town, path)
        assert (found.level, bool(found.do_zh)) == (Level.skipped, True)


def test_without_a_grafana_nothing_is_said(town: Town, tmp_path: Path) -> None:
    assert ask(town, env(tmp_path), grafana="") == []


def test_the_command_reads_the_file_that_it_is_told(town: Town, tmp_path: Path) -> None:
    where = ["--grafana", "http://127.0.0.1:9", "--grafana-env", str(env(tmp_path))]
    said = CliRunner().invoke(app, ["-c", str(town.file), "doctor", *where]).output
    assert "Grafana 的报警没有人收到" in said
