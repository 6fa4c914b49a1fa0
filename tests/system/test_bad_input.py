"""The bad input that a box and its tools will meet: each is named in plain words, in Chinese and in English, with what to do.

One situation a test, by the words that a person is shown; that each is refused without harm is tested where it happens.
"""

from __future__ import annotations

import re

import image
import pytest
from manyi.box import console, orders, words
from manyi.box.flashing import flash
from manyi.core.alarms import kinds as alarms
from manyi.core.errors import InputError
from manyi.core.orders import settings

from tests.firmware.synthetic import micropython_bin

DO = re.compile(
    r"再试|关掉|换|检查|重新|改正|登记|升级|应为|应如|应写成|查看|先 |加入|降低|名册"
)  # a Chinese text that says what to do has one of these
DO_EN = re.compile(
    r"close|take|another|again|correct|enter|update|must be|number from|join|lower|look|cable|too long|anew|first|such as|make |"
    r"see manyi|flash it|always or"
)


def named(text: str) -> None:
    """Both languages, and in each what to do."""
    zh, slash, en = text.partition(" / ")
    assert slash, text
    assert re.search(r"[\u4e00-\u9fff]", zh), text
    assert not re.search(r"[\u4e00-\u9fff]", en), text
    assert DO.search(zh), zh
    assert DO_EN.search(en), en


class Says:
    """A line at which somebody else speaks."""

    def __init__(self, what: bytes) -> None:
        self._what = what

    def read(self, _size: int, /) -> bytes:
        return self._what

    def write(self, data: bytes, /) -> int:
        return len(data)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "error",
    [
        OSError(16, "could not open port: [Errno 16] Device or resource busy"),
        OSError("could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)"),
        OSError(
            "Cannot configure port, something went wrong. Original message: OSError(22, '参数错误。', None, 87)"
        ),
        OSError(13, "Permission denied"),
        OSError(2, "No such file or directory"),
    ],
)
def test_a_serial_port_that_is_busy_not_ours_or_not_there(error: OSError) -> None:
    named(str(console.trouble("COM3", error)))


@pytest.mark.parametrize("noise", [b"\xf0\x9f\x00 garbage\n", b">>> \n", b"waiting for download\n", b""])
def test_a_serial_port_that_gives_nonsense_or_nothing(noise: bytes) -> None:
    with pytest.raises(console.BoxError) as refused:
        console.Console(Says(noise), "COM3", answer_s=0.01).hello()
    named(str(refused.value))


def test_a_board_of_another_chip() -> None:
    said = "A fatal error occurred: This chip is ESP32-S3, not ESP32. Wrong chip argument?"
    named(str(flash.trouble(said)))
    with pytest.raises(image.Wrong) as refused:
        image.take_apart(micropython_bin("esp32s3"), "esp32", image.ours())
    named(str(refused.value))


def test_an_image_that_is_too_large() -> None:
    named(str(flash.trouble("A fatal error occurred: File will not fit in the flash")))
    with pytest.raises(image.Wrong) as refused:
        image.take_apart(micropython_bin(app_size=0x200000), "esp32", image.ours())
    named(str(refused.value))
    with pytest.raises(image.Wrong) as refused:
        image.filesystem({"app/main.mpy": bytes(9000)}, 8192)
    named(str(refused.value))


@pytest.mark.parametrize("given", ["bright=101", "bright=loud", "mode=loud", "open=9-5", "beat_s=", "volume"])
def test_a_setting_of_a_wrong_type_or_range_before_it_is_sent(given: str) -> None:
    with pytest.raises(InputError) as refused:
        settings.changed({}, [given], 5000)
    named(str(refused.value))


def test_a_setting_that_the_box_itself_keeps_out() -> None:
    named(orders.refused("c7", "c7", "bright is wrong or out of range"))
    assert "bright" in orders.refused("c7", "c7", "bright is wrong or out of range")
    named(orders.refused("c7", "k3", "records wait"))  # its reply is about something newer
    named(" / ".join(alarms.TEXTS["config"]))


@pytest.mark.parametrize("why", ["signature", "digest", "manifest", "path", "size", "data"])
def test_an_update_that_is_not_right(why: str) -> None:
    named(words.both(*words.answer(why)))


def test_a_badge_never_seen() -> None:
    named(" / ".join(alarms.TEXTS["badge"]))
