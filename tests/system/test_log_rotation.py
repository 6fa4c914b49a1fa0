"""The broker's log as logrotate leaves it: renamed, then HUP. What is said next is in a new file, and nobody is thrown out."""

from __future__ import annotations

import os
import re
from pathlib import Path

from manyi.broker import mosquitto

from tests.system.secured import Secured, until

RULES = Path(__file__).resolve().parents[2] / "collector" / "deploy" / "mosquitto" / "logrotate"


def test_the_rules_keep_six_months_and_reload_the_broker() -> None:
    text = RULES.read_text(encoding="utf-8")
    assert re.search(r"^/\S+/manyi\.log \{", text, re.MULTILINE)
    kept = re.search(r"^\s*rotate (\d+)$", text, re.MULTILINE)
    assert kept is not None
    assert int(kept[1]) >= 180
    assert re.search(r"^\s*daily$", text, re.MULTILINE)
    assert re.search(r"postrotate\s+systemctl reload mosquitto\s+endscript", text)
    assert "copytruncate" not in text, "what is said between the copy and the cut would be gone"


def test_a_log_that_was_renamed_is_opened_anew_at_the_reload() -> None:
    server = Secured()
    log = server.base / "manyi.log"
    try:
        conf = server.folder / (mosquitto.CONF_21 if "2.1" in server.command[-1] else mosquitto.CONF)
        text = conf.read_text(encoding="utf-8")
        assert text.count("log_dest stderr") == 1
        conf.write_text(text.replace("log_dest stderr", f"log_dest file {log}"), encoding="utf-8")
        log.touch()
        info = (server.folder / mosquitto.PASSWORDS).stat()
        os.chown(log, info.st_uid, info.st_gid)
        server.base.chmod(0o777)
        server.add("box-a", "box-b")
        server.start()
        with server.client("box-a") as stays:
            until(lambda: "box-a" in log.read_text(), "the first connection is logged")
            log.rename(server.base / "manyi.log-20261122")
            server.hup()
            until(log.exists, "a new file")
            with server.client("box-b"):
                until(lambda: "box-b" in log.read_text(), "the next connection is in the new file")
            assert "box-b" not in (server.base / "manyi.log-20261122").read_text()
            assert not stays.gone.is_set()
    finally:
        server.remove_all()
