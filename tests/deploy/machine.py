"""A machine of its own for the administrator's guide: this one's programs, with /etc, /srv, /opt, /usr, /var, /media, /root
and /run that are thrown away, without a network, and with a `systemctl` that starts what a unit says under the unit's account.

What a unit shuts its program out of is not tried here: that takes systemd itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

OVERLAID = ("etc", "srv", "opt", "usr", "var", "media", "root")
NEW = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
PATIENCE_S = 300.0  # all of the guide; on an idle machine a tenth of it

PREPARE = """set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
mount -t tmpfs overlays "$OVERLAYS"
for name in {names}; do
    mkdir -p "/$name" "$OVERLAYS/$name" "$OVERLAYS/$name.work"
    mount -t overlay "$name" -o "lowerdir=/$name,upperdir=$OVERLAYS/$name,workdir=$OVERLAYS/$name.work" "/$name"
done
mount -t tmpfs run /run
"$PYTHON" -c '
import fcntl, socket, struct
with socket.socket() as sock:  # lo, up: 0x8913 and 0x8914 read and set what an interface is
    flags = struct.unpack("16sH14x", fcntl.ioctl(sock, 0x8913, struct.pack("16sH14x", b"lo", 0)))[1]
    fcntl.ioctl(sock, 0x8914, struct.pack("16sH14x", b"lo", flags | 1))
'
chmod o+x /root # where some machines keep the Python that everybody is to run
printf '127.0.0.1 mq.daizhou.test wall.daizhou.test\\n' >> /etc/hosts
install -m 755 "$SYSTEMCTL" /usr/local/sbin/systemctl
"""

SYSTEMCTL = '''#!{python}
"""enable, start, restart, stop, reload, daemon-reload; a unit's file is looked for where systemd looks."""
import configparser, os, re, shlex, signal, socket, subprocess, sys, time
from pathlib import Path

HEARD = {{"mosquitto": 8883, "manyi": 8080, "influxdb": 8086, "nginx": 443}}
verb, *names = [word for word in sys.argv[1:] if word != "--now"]
now = "--now" in sys.argv


def settings(name):
    file = next((p for d in ("/etc/systemd/system", "/lib/systemd/system") if (p := Path(d, name)).exists()), None)
    if file is None:
        sys.exit(f"Unit {{name}} not found.")
    lines = file.read_text().splitlines()
    for more in sorted(Path("/etc/systemd/system", f"{{name}}.d").glob("*.conf")):
        lines += more.read_text().splitlines()
    said = {{"ExecStartPre": []}}
    for line in lines:
        key, sign, value = line.partition("=")
        if sign and key == "ExecStartPre":
            said[key].append(value)
        elif sign and value:
            said[key] = value
    return said


def running(name):
    file = Path("/run", name + ".pid")
    return int(file.read_text()) if file.exists() else 0


def stop(name):
    if pid := running(name):
        os.kill(pid, signal.SIGTERM)
        while Path("/proc", str(pid)).exists():
            time.sleep(0.05)
        Path("/run", name + ".pid").unlink()


def start(name):
    if name.endswith(".timer") or running(name):
        return settings(name)
    unit = settings(name)
    for command in unit["ExecStartPre"]:
        subprocess.run(shlex.split(command.lstrip("-")), check=not command.startswith("-"))
    words = shlex.split(unit["ExecStart"])
    if "User" in unit:
        words = ["runuser", "-u", unit["User"], "--", *words]
    short = name.removesuffix(".service")
    if unit.get("Type") == "oneshot":
        sys.exit(subprocess.run(words).returncode)
    log = open(f"/run/{{short}}.log", "ab")
    process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    pid = process.pid
    while True:  # as systemd waits for READY=1
        if process.poll() is not None and unit.get("Type") != "forking":
            sys.exit(f"{{name}} ended with {{process.returncode}}: " + Path(f"/run/{{short}}.log").read_text()[-2000:])
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", HEARD[short])) == 0:
                break
        time.sleep(0.1)
    if "PIDFile" in unit:
        pid = int(Path(unit["PIDFile"]).read_text())
    elif "User" in unit:  # runuser waits for its child, which is the service
        pid = int(subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()[0])
    Path("/run", name + ".pid").write_text(str(pid))


for name in [n if "." in n else n + ".service" for n in names]:
    if verb in ("stop", "restart"):
        stop(name)
    if verb in ("start", "restart") or (verb == "enable" and now):
        start(name)
    elif verb == "enable":
        settings(name)
    elif verb == "reload":
        os.kill(running(name), signal.SIGHUP)
'''


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """The script as root of such a machine, in `sh`; it ends with the first command that fails, and everything with it."""
    if subprocess.run([*NEW, "true"], capture_output=True, check=False).returncode != 0:
        if os.environ.get("CI") == "true" and not os.environ.get("MANYI_NO_NAMESPACES"):
            pytest.fail("no right to make namespaces: run as root, or say MANYI_NO_NAMESPACES=1")
        pytest.skip("no right to make namespaces here: run it as root on Linux")
    systemctl = folder / "systemctl"
    systemctl.write_text(SYSTEMCTL.format(python=sys.executable))
    overlays = folder / "overlays"
    overlays.mkdir()
    environment = {
        "PYTHON": sys.executable,
        "SYSTEMCTL": str(systemctl),
        "OVERLAYS": str(overlays),
        "HOME": "/root",
    }
    whole = PREPARE.format(names=" ".join(OVERLAID)) + script
    return subprocess.run(
        [*NEW, "sh"],
        input=whole,
        capture_output=True,
        text=True,
        check=False,
        env=environment | {"PATH": os.environ["PATH"]},
        timeout=PATIENCE_S,
    )
