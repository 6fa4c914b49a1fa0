"""The compose file without an engine: what it promises by its text. up.sh: test_compose_up.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from manyi.core import config as configs

COMPOSE = Path(__file__).resolve().parents[2] / "collector" / "deploy" / "compose"
FILE = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
SECRET = re.compile("passw|passphrase|token|secret", re.IGNORECASE)
# An option or variable with its value, an account in an address, a head of HTTP; no path, and no option that names a file.
SECRET_WORD = re.compile(
    r"""(?<![\w/.-])(?:
        -{0,2}[\w-]*(?:passw(?:or)?d|passphrase|token|secret)[= ]\S+
        | -[pPu][= ]\S+ | Authorization: | \w+://[^/\s:@]*:[^/\s@]+@
    )""",
    re.IGNORECASE | re.VERBOSE,
)
OF = {  # whose secrets lie in which folder of state/: the installation's owner, InfluxDB's, the collector, Grafana
    "owner": {
        "ca.passphrase",
        "grafana.admin.password",
        "handover/manyi_window.password",
        "handover/manyi_visits.password",
    },
    "influx": {"influx.operator.token", "influx.admin.password", "influx.token", "influx.grafana.token"},
    "secrets": {"broker.password", "link.keys", "doctor.jsonl", "influx.token"},
    "grafana-secrets": {"admin.password", "influx.token"},
}
LASTING = {"mosquitto", "influxdb", "manyi", "grafana"}


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = FILE["services"]
    return found


def test_every_image_is_pinned_and_every_lasting_service_is_watched() -> None:
    assert set(services()) == LASTING | {"influx-init"}
    for name, service in services().items():
        assert re.search(r":(\d+\.\d+\.\d+|\$\{MANYI_VERSION:.*\})$", service["image"]), name
        if name in LASTING:
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped"
            assert service["cap_drop"] == ["ALL"]


def secrets_of(service: dict[str, Any]) -> Iterator[str]:
    """What a service is told that is a secret, or may be one: in its environment, its commands, its health check."""
    environment = service.get("environment") or {}
    if isinstance(environment, list):
        environment = dict(pair.partition("=")[::2] for pair in environment)
    for key, value in environment.items():
        if SECRET.search(key) and not key.upper().endswith("__FILE"):
            yield f"{key}={value}"
    for part in (
        service.get("command"),
        service.get("entrypoint"),
        (service.get("healthcheck") or {}).get("test"),
    ):
        text = part if isinstance(part, str) else " ".join(part or [])
        yield from (word.group() for word in SECRET_WORD.finditer(text))


def test_the_broker_is_reloaded_from_inside() -> None:
    """`docker kill`, with any signal, marks a container as stopped by hand: it stays down after the next reboot."""
    told = re.findall(r"```sh\n(.*?)```", (COMPOSE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in told for line in block.splitlines() if "HUP" in line]
    assert lines
    assert set(lines) == {"docker compose exec mosquitto kill -HUP 1"}
    assert not re.search(r"(docker|compose) kill", (COMPOSE / "up.sh").read_text(encoding="utf-8"))


def test_no_secret_stands_in_the_file() -> None:
    for name, service in services().items():
        assert list(secrets_of(service)) == [], name
        for env in service.get("env_file", []):
            if env == "state/grafana.env":  # made by up.sh, of lines that are in the other one
                continue
            lines = (COMPOSE / env).read_text(encoding="utf-8").splitlines()
            assert list(secrets_of({"environment": [line for line in lines if "=" in line]})) == [], name
    assert all(set(secret) == {"file"} for secret in FILE["secrets"].values())


@pytest.mark.parametrize(
    "told",
    [
        {"environment": {"GF_SECURITY_ADMIN_PASSWORD": "x"}},
        {"environment": ["INFLUX_TOKEN=x"]},
        {"command": ["influx", "setup", "--password", "x"]},
        {"command": "influx ping --token=x"},
        {"command": ["influx", "setup", "-p", "x"]},
        {"command": ["curl", "-u", "admin:x", "http://influxdb"]},
        {"entrypoint": ["sh", "-c", "DB_PASSWD=x exec y"]},
        {"command": ["curl", "http://admin:x@influxdb:8086"]},
        {"healthcheck": {"test": ["CMD", "curl", "-H", "Authorization: Token x"]}},
    ],
)
def test_a_secret_in_the_file_would_be_seen(told: dict[str, Any]) -> None:
    assert list(secrets_of(told))


def test_a_file_named_for_a_secret_is_none() -> None:
    told = {
        "environment": {"GF_SECURITY_ADMIN_PASSWORD__FILE": "/run/secrets/x"},
        "command": ["influx", "init", "--token-file", "/run/secrets/x", "--dir", "/etc/manyi/secrets"],
    }
    assert list(secrets_of(told)) == []


def test_other_machines_reach_the_broker_alone() -> None:
    open_to_all = {
        port
        for service in services().values()
        for port in service.get("ports", [])
        if not port.startswith("127.0.0.1:")
    }
    assert open_to_all == {"8883:8883"}


def test_each_container_sees_its_own_secrets_alone() -> None:
    """Of `state/owner`, and of the folder with the token of InfluxDB's owner, no lasting one sees anything."""
    shown: dict[str, set[str]] = {}
    for name, service in services().items():
        for source in (volume.split(":")[0] for volume in service.get("volumes", [])):
            if source in {"./state", *(f"./state/{folder}" for folder in OF)}:
                shown.setdefault(source, set()).add(name)
        for secret in service.get("secrets", []):
            shown.setdefault(FILE["secrets"][secret]["file"].rpartition("/")[0], set()).add(name)
    assert shown == {
        "./state/secrets": {"manyi"},
        "./state/influx": {"influx-init"},
        "./state/grafana-secrets": {"grafana"},
    }


def test_the_broker_finds_its_folder_where_it_was_made() -> None:
    """Its configuration names its files by the path that `manyi broker init` was given."""
    script = (COMPOSE / "up.sh").read_text(encoding="utf-8")
    (made,) = set(re.findall(r"broker \w+ .*?--dir (\S+)", script))
    assert f"./state/broker:{made}:ro" in services()["mosquitto"]["volumes"]
    assert f"{made}/mosquitto.conf" in services()["mosquitto"]["command"]


def test_what_is_mounted_is_named_by_the_script(tmp_path: Path) -> None:
    configs.parse((COMPOSE / "manyi.toml").read_text(encoding="utf-8").replace("@HOST@", "mq.x"), tmp_path)
    script = (COMPOSE / "up.sh").read_text(encoding="utf-8")
    for service in services().values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if (
                source.startswith("./state/")
                and "/ca.crt" not in source
                and not source.startswith("./state/grafana/")
            ):
                assert source.removeprefix("./") in script, source


def test_grafana_serves_the_map_from_where_its_panels_look_and_reads_the_token_it_is_given() -> None:
    """A map that was written and not mounted was an empty panel."""
    volumes = dict(volume.split(":")[1::-1] for volume in services()["grafana"]["volumes"])
    boards = COMPOSE.parents[2] / "dashboards" / "out" / "zh"
    board = (boards / "city.json").read_text(encoding="utf-8")
    (src,) = set(re.findall(r'"src": "(public/maps/manyi)/counties.geojson"', board))
    assert volumes[f"/usr/share/grafana/{src}"] == "./state/grafana/maps"
    script = (COMPOSE / "up.sh").read_text(encoding="utf-8")
    assert "--out /state/grafana" in script
    assert "--token-file /run/secrets/grafana_token" in script
    assert "grafana_token" in services()["grafana"]["secrets"]
