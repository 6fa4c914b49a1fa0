"""Type-checks what only an ESP32 can run, against the stubs of its MicroPython (micropython-esp32-stubs).

    python .ci/firmware_types.py        prints what basedpyright finds; exit status 1 if anything

The stubs replace Python's own library for this check alone: basedpyright is told where they lie, and nobody else is.
Checked is whether a name, an argument or a method exists on a board; the firmware has no annotations to hold it to.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = ["firmware/ports/esp32", "firmware/ports/dial.py", "firmware/drivers"]
# What the stubs have wrong or do not know, by file and rule: how often, and why the code is right. Read in the sources
# of MicroPython's ESP32 port. A count that changes is an error again.
KNOWN = {
    ("ports/dial.py", "reportAttributeAccessIssue"): (
        4,
        "asyncio.core exists; no stub has it",
    ),
    ("ports/dial.py", "reportGeneralTypeIssues"): (1, "a generator is awaitable on MicroPython"),
    ("ports/esp32/hands.py", "reportArgumentType"): (
        2,
        "pull=None switches both pulls off; ticks are an int",
    ),
    ("ports/esp32/hands.py", "reportCallIssue"): (1, "ticks are an int"),
    ("ports/esp32/port.py", "reportOperatorIssue"): (
        2,
        "ticks are an int; box/clock.py's Uptime is told when they wrap",
    ),
    ("ports/esp32/port.py", "reportAttributeAccessIssue"): (1, "a hook that is None until it is set"),
    ("ports/esp32/wifi.py", "reportArgumentType"): (1, "ifconfig takes 'dhcp' too"),
    ("ports/esp32/wired.py", "reportCallIssue"): (
        7,
        "the stub's LAN is another port's; network_lan.c takes these",
    ),
    ("ports/esp32/wired.py", "reportAttributeAccessIssue"): (3, "as above"),
}


def main() -> int:
    site = Path(sysconfig.get_path("purelib"))
    if not (site / "esp32.pyi").exists():
        sys.exit("the stubs are missing: pip install micropython-esp32-stubs basedpyright")
    config = ROOT / "build" / "firmware_types" / "pyrightconfig.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    settings = {
        "include": [str(ROOT / path) for path in OURS],
        "extraPaths": [str(ROOT / "firmware")],
        "stubPath": str(site),
        "typeshedPath": str(site),
        "pythonVersion": "3.11",
        "pythonPlatform": "All",
        "typeCheckingMode": "standard",
        "reportMissingModuleSource": "none",  # stubs have none
    }
    config.write_text(json.dumps(settings, indent=1))
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "-p", str(config)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    found: dict[tuple[str, str], list[str]] = {}
    for one in json.loads(done.stdout)["generalDiagnostics"]:
        file = Path(one["file"]).relative_to(ROOT / "firmware").as_posix()
        line = f"firmware/{file}:{one['range']['start']['line'] + 1}: {one['message']} ({one.get('rule')})"
        found.setdefault((file, one.get("rule", "")), []).append(line)
    wrong = [
        line for key, lines in found.items() if len(lines) != KNOWN.get(key, (0, ""))[0] for line in lines
    ]
    wrong += [f"firmware/{file}: {rule} is not found any more" for file, rule in KNOWN.keys() - found.keys()]
    print("\n".join([*wrong, f"{len(wrong)} errors"]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
