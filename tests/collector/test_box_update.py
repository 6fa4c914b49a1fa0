"""What `manyi box update` says of how it ended, from what the box says of itself. The real one: tests/system/test_orders.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from manyi.box import orders
from manyi.box.orders import GIVEN_UP, Heard
from typer.testing import CliRunner

BEFORE = Heard(boot=7, config="", fw="1.0.0", reason=1)


@pytest.fixture
def update(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """`heard`: what the box says afterwards; typed is 1.0.1, built as that."""
    made = SimpleNamespace(heard=BEFORE)
    (tmp_path / "version").write_text("1.0.1\n")
    monkeypatch.setattr(orders.configs, "load", lambda _: None)
    monkeypatch.setattr(orders, "_key", lambda *_: b"")
    monkeypatch.setattr(orders.bundle, "read", lambda *_: {})
    monkeypatch.setattr(orders.bundle, "pack", lambda *_: b"")
    monkeypatch.setattr(orders, "_send", lambda *_: BEFORE)

    def heard(*_: object) -> Heard:
        if isinstance(made.heard, Heard):
            return made.heard
        raise made.heard

    monkeypatch.setattr(orders, "_heard", heard)
    app = typer.Typer()
    app.command()(orders.box_update)
    made.run = lambda: CliRunner().invoke(app, ["box-1", "1.0.1", "--firmware", str(tmp_path)])
    return made


@pytest.mark.parametrize(
    ("fw", "reason", "said"),
    [
        ("1.0.1", 3, "已启用"),
        ("1.0.0", GIVEN_UP, "已退回"),
        ("1.0.0", 1, "已退回"),  # switched off before anybody could be told that it was given up
    ],
)
def test_the_firmware_that_runs_is_how_it_ended(
    update: SimpleNamespace, fw: str, reason: int, said: str
) -> None:
    update.heard = Heard(boot=9, config="", fw=fw, reason=reason)
    done = update.run()
    assert said in done.output
    assert f"{fw}" in done.output
    assert done.exit_code == (said == "已退回")


def test_who_does_not_wait_is_not_told_to_send_it_again(update: SimpleNamespace) -> None:
    update.heard = KeyboardInterrupt()
    done = update.run()
    assert "不用再发一次" in done.output
    assert done.exit_code == 0
