"""An installation in a folder, for tests that need no service: configuration, secrets, and a ledger filled by the real
writer with batches of boxes that exist only on paper."""

from __future__ import annotations

from pathlib import Path

from manyi.core import config as configs
from manyi.core import root
from manyi.core.config import Config
from manyi.core.days import DAY_MS
from manyi.core.ledger import facts, schema, writer

from tests.collector.box_double import BoxDouble

T0 = 1_795_233_600_000  # 2026-11-21 12:00 in Beijing
TEXT = """
[city]
name = "岱州市"
[data]
dir = "data"
[broker]
host = "127.0.0.1"
port = {port}
plain = true
username = "manyi_collector"
password_file = "secrets/broker.password"
[keys]
link_file = "secrets/link.keys"
[web]
port = {web}
secret_file = "secrets/web.secret"
"""


class Town:
    """`take(box)` is what the pipeline does with a box's waiting records; `config` is read anew each time."""

    def __init__(self, folder: Path, port: int = 1, more: str = "", web: int = 8080) -> None:
        self.folder, self.file = folder, folder / "manyi.toml"
        (folder / "secrets").mkdir(parents=True)
        (folder / "data").mkdir()
        self.file.write_text(TEXT.format(port=port, web=web) + more, encoding="utf-8")
        for name, text in (("broker.password", "p\n"), ("link.keys", ""), ("web.secret", "s" * 50 + "\n")):
            self.secret(name, text)
        self.conn = schema.open_for_writing(self.config.data.ledger)
        self.at_ms = T0

    @property
    def config(self) -> Config:
        return configs.load(self.file)

    def secret(self, name: str, text: str) -> Path:
        path = self.folder / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def take(self, box: BoxDouble) -> None:
        while box.acked < box.newest:
            self.at_ms += 1000
            verdict = writer.commit(self.conn, writer.Work([box.batch(20)]), self.at_ms).verdicts[0]
            box.take_ack(verdict.seq, verdict.tag)

    def office(self, **fact: object) -> None:
        facts.append_facts(self.conn, self.at_ms, [("office", fact)])

    def seal(self) -> None:
        root.publish(self.conn, self.config.data.roots, self.at_ms + 2 * DAY_MS)
        root.write_latest(self.conn, self.config.data.roots, self.at_ms)
