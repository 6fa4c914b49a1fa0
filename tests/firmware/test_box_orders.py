"""What others ask of a box: sealed messages in, settings, replies and deeds out. tasks/orders.py, settings.py and
command.py, under CPython."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import boot_slot
import pytest
from box import lamp, record, wire
from tasks.orders import Orders

from tests.firmware.counter import MORNING, Counter
from tests.firmware.fake_collector import sealed as by_the_centre
from tests.firmware.simbox import BOX, K_LINK

SETTINGS = {
    "beat_s": 60, "bright": 80, "volume": 60, "mode": "always", "second": "correct", "visit_ms": 5000, "open": "",
}  # fmt: skip


@pytest.fixture
def box() -> Counter:
    box = Counter().at(20_000).knows(MORNING)
    box.core.staff = None  # a hall without badges
    return box


@pytest.fixture
def orders(box: Counter) -> Orders:
    return Orders(box.core, K_LINK, BOX)


def sealed(name: str, key: bytes = K_LINK, box: str = BOX, **fields: Any) -> bytes:
    body = json.dumps({"v": 1} | fields, separators=(",", ":"))[:-1]
    return by_the_centre(key, wire.topic(box, name).decode(), body)


def config(id: object = "c1", **changed: Any) -> bytes:
    return sealed("config", id=id, **(SETTINGS | changed))


def cmd(orders: Orders, do: str, id: str = "k1", boot: int | None = None, arg: str = "") -> Any:
    """-> (ok, text) of the reply, or None."""
    boot = orders.core.journal.boot if boot is None else boot
    reply = orders.obey("cmd", sealed("cmd", id=id, boot=boot, do=do, arg=arg))
    said = reply and json.loads(reply + b"}")
    return said and (said["ok"], said["text"])


# ---- settings


def test_settings_are_obeyed_kept_and_named(box: Counter, orders: Orders) -> None:
    payload = config(bright=30, second="reason")
    assert orders.obey("config", payload) is None
    assert (box.core.settings["bright"], box.core.settings["second"], box.core.config) == (30, "reason", "c1")
    assert box.port.files["config"] == payload


def test_the_same_again_wears_no_flash(box: Counter, orders: Orders) -> None:
    orders.obey("config", config(bright=30))
    box.port.files.clear()
    orders.obey("config", config(bright=30))
    assert (box.port.files, box.core.config) == ({}, "c1")


@pytest.mark.parametrize(
    ("field", "value"),
    [("bright", 101), ("bright", "80"), ("bright", True), ("volume", -1), ("beat_s", 9), ("mode", "loud"),
     ("second", ""), ("visit_ms", 1999), ("open", "17:30-08:30"), ("open", 0), ("open", "8:30-17:30")],
)  # fmt: skip
def test_one_that_is_wrong_is_named_and_changes_nothing(
    field: str, value: object, box: Counter, orders: Orders
) -> None:
    orders.obey("config", config(bright=30))
    before = dict(box.core.settings), dict(box.port.files)
    reply = orders.obey("config", config("c2", **({"volume": 10} | {field: value})))
    assert json.loads(reply + b"}") == {
        "v": 1,
        "id": "c2",
        "ok": 0,
        "text": f"{field} is wrong or out of range",
    }
    assert (box.core.settings, box.port.files) == before
    assert box.core.config == "!c2"
    orders.obey("config", config(bright=30))
    assert box.core.config == "c1", "the right one again, and all is well"


def test_settings_that_no_heap_was_left_for_are_taken_when_they_come_again(
    box: Counter, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as m:
        m.setattr(box.port, "save", no_heap)
        with pytest.raises(MemoryError):
            orders.obey("config", config(bright=30))
    assert box.core.config == ""
    orders.obey("config", config(bright=30))
    assert (box.core.settings["bright"], box.core.config) == (30, "c1")
    assert "config" in box.port.files


def no_heap(*_: object) -> None:
    raise MemoryError


@pytest.mark.parametrize("id", [7, "", "C1", "x" * 17, None])
def test_an_id_that_is_no_name_is_refused_without_repeating_it(
    id: object, box: Counter, orders: Orders
) -> None:
    assert orders.obey("config", config(id)) is None
    assert box.core.config == "!"


@pytest.mark.parametrize("how", [{"key": bytes(32)}, {"box": "mb-another"}])
def test_what_is_not_sealed_for_this_box_is_unreadable(
    how: dict[str, Any], box: Counter, orders: Orders
) -> None:
    before = dict(box.core.settings)
    with pytest.raises(wire.Unreadable):
        orders.obey("config", sealed("config", id="c1", **SETTINGS, **how))
    with pytest.raises(wire.Unreadable):
        orders.obey("config", sealed("cmd", id="c1", **SETTINGS))
    assert (box.core.settings, box.core.config) == (before, "")


def test_a_box_starts_with_the_settings_it_had(box: Counter, orders: Orders) -> None:
    orders.obey("config", config(bright=30))
    again = Counter(box.port, box.flash)
    Orders(again.core, K_LINK, BOX).remember()
    assert (again.core.settings["bright"], again.core.config) == (30, "c1")


@pytest.mark.parametrize("kept", [b"", b"torn", config(bright=300), config()[:-1]])
def test_settings_that_were_torn_or_are_another_firmware_s_are_as_none(
    kept: bytes, box: Counter, orders: Orders
) -> None:
    box.port.files["config"] = kept
    before = dict(box.core.settings)
    orders.remember()
    assert (box.core.settings, box.core.config) == (before, "")


# ---- commands


@pytest.mark.parametrize("do", ["keytest", "update"])
def test_a_command_that_there_is_no_heap_for_is_answered(
    do: str, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.update.begin", no_heap)
    monkeypatch.setattr("tasks.staff.Staff", no_heap)
    assert cmd(orders, do) == (0, "no memory")
    assert orders.update is None


def test_a_command_is_done_once_and_in_its_boot_alone(box: Counter, orders: Orders) -> None:
    assert cmd(orders, "identify", boot=orders.core.journal.boot + 1) is None
    assert box.core.lamp.sign is None
    assert cmd(orders, "identify") == (1, "")
    assert box.core.lamp.sign == lamp.IDENTIFY
    box.core.lamp.sign = None
    assert cmd(orders, "identify") is None
    assert box.core.lamp.sign is None


def test_eight_commands_are_remembered(orders: Orders) -> None:
    for i in range(8):
        assert cmd(orders, "identify", id=f"k{i}")
    assert [cmd(orders, "identify", id=f"k{i}") for i in range(8)] == [None] * 8


def test_a_reboot_needs_a_boot_number_in_the_journal(box: Counter, orders: Orders) -> None:
    assert cmd(orders, "reboot") == (1, "")
    assert orders.reboot
    assert len(box.records(record.CLOCK)) == 1
    early = Counter().at(1000)
    others = Orders(early.core, K_LINK, BOX)
    assert cmd(others, "reboot") == (0, "the time is not known yet")
    assert not others.reboot


def test_a_box_without_a_reader_has_a_key_test_too(box: Counter, orders: Orders) -> None:
    assert cmd(orders, "keytest") == (1, "")
    assert box.core.staff.test
    assert cmd(orders, "keytest", id="k2") == (0, "a visitor may be at the keys")


def test_what_this_firmware_cannot_do_is_said(orders: Orders) -> None:
    assert cmd(orders, "dance") == (0, "not in this firmware")


# ---- updates


@pytest.fixture
def disk(box: Counter, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.setattr(boot_slot, "trial", False)
    disk = SimpleNamespace(slot=lambda _: None, clear=lambda _: None, create=lambda _: None)
    box.port.disk = lambda: disk  # type: ignore[attr-defined]
    return disk


@pytest.mark.usefixtures("disk")
def test_one_update_at_a_time_and_its_end_is_answered(box: Counter, orders: Orders) -> None:
    assert cmd(orders, "update", arg="1.0.1 99") is None, "the reply follows when it has come, or has not"
    assert box.core.link.rung
    assert cmd(orders, "update", id="k2", arg="1.0.1 99") == (0, "an update is coming already")
    fetch, over = orders.look(20_000)
    assert (fetch, over) == (b'{"v":1,"id":"k1","at":0', None)
    orders.update.why = "digest"
    assert orders.look(20_000) == (None, b'{"v":1,"id":"k1","ok":0,"text":"digest"')
    assert (orders.update, orders.reboot) == (None, False)
    assert orders.look(20_000) == (None, None)


@pytest.mark.usefixtures("disk")
def test_an_update_that_is_there_is_a_reboot(orders: Orders) -> None:
    cmd(orders, "update", arg="1.0.1 99")
    orders.update.done = True
    assert orders.look(20_000) == (None, b'{"v":1,"id":"k1","ok":1,"text":""')
    assert orders.reboot


@pytest.mark.usefixtures("disk")
def test_an_update_that_cannot_begin_is_answered_at_once(box: Counter, orders: Orders) -> None:
    assert cmd(orders, "update", arg="1.0.1") == (0, "size")
    box.press(1)
    assert cmd(orders, "update", id="k2", arg="1.0.1 99") == (0, "records wait")
    assert orders.update is None


def test_a_piece_that_nobody_asked_for_is_nothing(orders: Orders) -> None:
    orders.chunk(sealed("chunk", id="k1", at=0, data="AA=="))
    assert orders.update is None
