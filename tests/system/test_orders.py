"""Remote care of a real box by the real collector: settings, commands, updates, and every answer in plain words."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from manyi.box import orders
from manyi.cli import app
from typer.testing import CliRunner

from tests.services.mosquitto import Mosquitto
from tests.system.city import City, SimBox, until

PLAIN = "mode=invite", "bright=30"


@pytest.fixture
def city(make_city: Callable[..., City]) -> City:
    city = make_city(boxes=1, beat_s=1)
    until("heard of", lambda: "not heard" not in config(city, PLAIN[0]))
    return city


def config(city: City, *given: str) -> str:
    box = city.boxes[0].name
    done = city.manyi("box", "config", box, *given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(city: City, *words: str) -> str:
    done = city.manyi("box", *words)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def reboots(box: SimBox) -> None:
    """Waits until it has left, and starts it again as its power would."""
    assert box.process is not None
    box.process.wait(60)
    box.start()


def test_settings_reach_a_box_again_when_the_broker_has_forgotten_them(
    city: City, mosquitto: Mosquitto
) -> None:
    config(city, *PLAIN)
    until("in force", lambda: "已生效" in config(city))
    box = city.boxes[0]
    box.kill()
    (box.folder / "config").unlink()
    mosquitto.restart()
    box.start()
    until("they have come again", (box.folder / "config").exists)
    until("and are in force", lambda: "已生效" in config(city))


def test_every_wrong_setting_is_named_at_once(city: City) -> None:
    box = city.boxes[0].name
    said = refused(
        city, "config", box, "bright=101", "mode=loud", "open=9-5", "visit_ms=1", "colour=red", "volume"
    )
    for word in ("0 到 100", "always 或 invite", "08:30-17:30", "[policy]", "colour", "名称=值"):
        assert word in said
    assert "没有 nobody 的密钥" in refused(city, "config", "nobody", "bright=1")


def test_a_box_flashes_and_reboots_on_command(city: City) -> None:
    box = city.boxes[0]
    done = city.manyi("box", "cmd", box.name, "identify")
    assert done.returncode == 0, done.stderr
    until("it has done so", lambda: box.heard("cmd") == 1)
    until("it knows the time", lambda: city.manyi("box", "cmd", box.name, "reboot").returncode == 0)
    reboots(box)
    box.tap(1)
    city.settle()
    done = city.manyi("box", "cmd", "all", "identify")
    assert "共 1 台，0 台没有执行" in done.stdout, done.stderr
    assert "一台一台" in refused(city, "cmd", "all", "reboot")
    box.kill()
    assert "1 台没有执行" in city.manyi("box", "cmd", "all", "identify").stdout


def test_an_update_goes_to_its_end_and_no_press_is_lost(city: City) -> None:
    box = city.boxes[0]
    for level in (1, 2, 3):
        box.tap(level)
    city.settle()
    update = sent(city, box)
    reboots(box)
    assert "已启用" in update()
    until("kept", lambda: (box.folder / "slot").read_text() == "a")
    box.tap(3)
    city.settle()
    assert "没有编译" not in refused(city, "update", box.name, "latest", "--for", "sim")
    assert "先 make firmware" in refused(city, "update", box.name, "1.0.2", "--firmware", str(city.folder))
    assert "编译的是 1.0.0，不是 1.0.2" in refused(city, "update", box.name, "1.0.2", "--for", "sim")


def test_an_update_that_does_not_reach_the_centre_is_said_to_be_given_up(city: City) -> None:
    box = city.boxes[0]
    update = sent(city, box)
    assert box.process is not None
    box.process.wait(60)
    (box.folder / "slot").write_text("app>a!")  # as a trial that came to nothing leaves it
    box.start()
    said = update()
    assert "已退回" in said
    assert "已启用" not in said


def sent(city: City, box: SimBox) -> Callable[[], str]:
    """Sends an update as a person would, again if the box refuses it (it may not know the time yet).
    -> waits for its end; what was said"""

    def send() -> str:
        said = ""

        def taken() -> bool:
            nonlocal said
            done = city.manyi("box", "update", box.name, "1.0.0", "--for", "sim")
            said = done.stdout + done.stderr
            return "已收下" in said

        until("taken", taken)
        return said

    pool = ThreadPoolExecutor(1)
    future = pool.submit(send)
    pool.shutdown(wait=False)
    return lambda: future.result(120)


def test_a_box_that_is_away_is_said_to_be(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "SOON_S", 1.0)
    city.boxes[0].kill()
    done = CliRunner().invoke(
        app, ["--config", str(city.config), "box", "cmd", city.boxes[0].name, "identify"]
    )
    assert done.exit_code != 0
    assert "没有回答" in str(done.exception) + done.output
