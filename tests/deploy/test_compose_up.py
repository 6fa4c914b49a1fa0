"""up.sh against a stand-in for `docker` that writes down what it is asked, and lets the real `manyi` make certificates and
passwords."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from manyi.core import config as configs

from tests.deploy.test_compose import COMPOSE, OF, secrets_of, services

DOCKER = """#!/bin/sh
echo "$*" >>"$LOG"
case "$1 $2" in
"compose version") exit ${NO_COMPOSE:-0} ;;
"info ") exit ${NO_ENGINE:-0} ;;
"network inspect") echo "${GATEWAY:-172.17.0.1}" ;;
"run --rm")
    while [ "${1#manyi:}" = "$1" ]; do shift; done
    shift
    case "$1" in
    ca | broker) exec "$MANYI" $(printf "%s " "$@" | sed "s|/state|$PWD/state|g") ;;
    esac ;;
"compose run") for name in influx.operator.token influx.admin.password influx.grafana.token influx.token; do
        printf $name >state/influx/$name
    done ;;
esac
"""


class Machine:
    """A checkout with nothing but the compose folder and a bundle, and a `docker` on PATH."""

    def __init__(self, folder: Path, docker: bool = True) -> None:
        self.here = folder / "collector" / "deploy" / "compose"
        shutil.copytree(COMPOSE, self.here, ignore=shutil.ignore_patterns("state", ".env"))
        (folder / "build" / "bundle" / "manyi-9.9.9").mkdir(parents=True)
        settings = Path("dashboards", "provisioning", "grafana.env")
        (folder / settings).parent.mkdir(parents=True)
        shutil.copy(COMPOSE.parents[2] / settings, folder / settings)
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.log = folder / "log"
        self.log.touch()
        for name, text in (("docker", DOCKER if docker else ""), ("chown", "#!/bin/sh\n")):
            if text:
                (self.bin / name).write_text(text)
                (self.bin / name).chmod(0o755)

    def up(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        manyi = str(Path(sys.executable).parent / "manyi")
        basics = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "LOG": str(self.log),
            "MANYI": manyi,
            "HOME": str(self.bin),
        }
        command = ["sh", str(self.here / "up.sh"), *words]
        return subprocess.run(command, env=basics | environment, capture_output=True, text=True, check=False)


def test_without_docker_it_says_where_to_read_on(tmp_path: Path) -> None:
    if Path("/usr/bin/docker").exists():
        pytest.skip("this machine has Docker in /usr/bin, which cannot be hidden")
    done = Machine(tmp_path, docker=False).up(HOST="mq.x.cn")
    assert (done.returncode, "administrator.md" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("what", "said"), [("NO_COMPOSE", "docker-compose-plugin"), ("NO_ENGINE", "does not answer")]
)
def test_half_a_docker_is_said(tmp_path: Path, what: str, said: str) -> None:
    done = Machine(tmp_path).up(HOST="mq.x.cn", **{what: "1"})
    assert (done.returncode, said in done.stderr) == (2, True)


def test_the_first_start_needs_a_name_and_makes_secrets_once(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert "HOST=" in machine.up().stderr
    done = machine.up(HOST="mq.x.cn")
    assert done.returncode == 0, done.stdout + done.stderr
    state = machine.here / "state"
    made = {p: p.read_bytes() for name in OF for p in (state / name).rglob("*") if p.is_file()}
    assert {
        name: {str(p.relative_to(state / name)) for p in made if state / name in p.parents} for name in OF
    } == OF
    assert all(p.stat().st_mode & 0o077 == 0 for p in made)
    assert (state / "secrets" / "influx.token").read_text() == "influx.token"
    assert (state / "grafana-secrets" / "influx.token").read_text() == "influx.grafana.token"
    assert list(state.glob("broker/**/*.password")) == []
    assert configs.load(state / "manyi.toml").broker.host == "mq.x.cn"
    again = machine.up()
    assert again.returncode == 0, again.stderr
    assert {p: p.read_bytes() for p in made} == made
    assert "compose up --detach --wait" in machine.log.read_text()


def test_what_the_owner_carried_away_is_not_missed(tmp_path: Path) -> None:
    """README.md says to; the next `make up` found no passphrase, no password and no operator's token, and stopped."""
    machine = Machine(tmp_path)
    assert machine.up(HOST="mq.x.cn").returncode == 0
    state = machine.here / "state"
    shutil.rmtree(state / "owner")
    (state / "influx" / "influx.operator.token").unlink()
    (state / "influx" / "influx.admin.password").unlink()
    machine.log.write_text("")
    done = machine.up()
    assert done.returncode == 0, done.stderr
    assert "compose run" not in machine.log.read_text()
    assert "state/influx" in done.stdout


def test_the_newest_bundle_is_started_not_the_last_by_letter(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    (tmp_path / "build" / "bundle" / "manyi-9.10.0").mkdir()
    assert machine.up(HOST="mq.x.cn").returncode == 0
    assert "MANYI_VERSION=9.10.0\n" in (machine.here / ".env").read_text()


def test_another_name_is_refused_because_boxes_would(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.up(HOST="mq.x.cn").returncode == 0
    (machine.here / "state" / ".made").unlink()  # a first run that was cut off: its certificate is there
    done = machine.up(HOST="mq.y.cn")
    assert (done.returncode, "another name" in done.stderr) == (2, True)


def test_the_proxy_is_believed_at_its_address_of_today(tmp_path: Path) -> None:
    """The network's gateway is another one after each `make down`; a browser's address was lost with it."""
    machine = Machine(tmp_path)
    for gateway in ("172.17.0.1", "172.18.0.1"):
        assert machine.up(HOST="mq.x.cn", GATEWAY=gateway).returncode == 0
        assert configs.load(machine.here / "state" / "manyi.toml").web.proxies == (gateway,)


def test_the_name_that_browsers_use_is_in_the_authority_the_wall_and_grafana(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.up(HOST="mq.x.cn", WALL="wall.x.cn").returncode == 0
    state = machine.here / "state"
    assert configs.load(state / "manyi.toml").web.allowed_hosts == ("wall.x.cn",)
    settings = (state / "grafana.env").read_text(encoding="utf-8").splitlines()
    assert "GF_SERVER_ROOT_URL=https://wall.x.cn:3443/" in settings
    assert list(secrets_of({"environment": [line for line in settings if "=" in line]})) == []
    word = ["--passphrase-file", str(state / "owner" / "ca.passphrase")]
    issue = [
        str(Path(sys.executable).parent / "manyi"),
        "ca",
        "issue",
        "wall.x.cn",
        "--dir",
        str(state / "ca"),
    ]
    subprocess.run([*issue, *word, "--out", str(tmp_path / "wall")], check=True, capture_output=True)
    assert machine.up().returncode == 0, "the name is remembered"
    late = machine.up(WALL="another.x.cn")
    assert (late.returncode, "allowed_hosts" in late.stderr) == (2, True)


def test_where_alerts_go_is_the_installation_s_own_and_kept(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.up(HOST="mq.x.cn").returncode == 0
    settings = machine.here / "state" / "grafana.env"
    assert "MANYI_ALERT_WEBHOOK=" in settings.read_text(encoding="utf-8")
    assert services()["grafana"]["env_file"][-1] == "state/grafana.env", "the last word is its"
    settings.write_text("MANYI_ALERT_WEBHOOK=http://duty.x.cn/\n", encoding="utf-8")
    assert machine.up().returncode == 0
    assert settings.read_text(encoding="utf-8") == "MANYI_ALERT_WEBHOOK=http://duty.x.cn/\n"


def test_down_stops_and_keeps_everything(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.up("down").returncode == 2, "nothing was ever started"
    machine.up(HOST="mq.x.cn")
    before = sorted(os.listdir(machine.here / "state"))
    assert machine.up("down").returncode == 0
    assert machine.log.read_text().splitlines()[-1] == "compose down"
    assert sorted(os.listdir(machine.here / "state")) == before
