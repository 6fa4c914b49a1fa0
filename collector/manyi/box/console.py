"""One box at the end of a serial cable: asks, repeats what the cable swallowed, and says what is wrong with the cable.

Refuses: to guess. Every answer is whole (its checksum) and belongs to its question (its number).
"""

from __future__ import annotations

import errno
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from manyi.box import talk
from manyi.box.words import BoxError
from manyi.words import many

BAUD = 115200
LOOK_S = 0.05
ANSWER_S = 1.0
"""A box that is busy (an erase, a handshake) answers within this; after it the question goes again."""
TRIES = 6
NOISE_KEPT = 400  # bytes of what is no answer, to recognise whose it is


class Line(Protocol):
    """What of pyserial is used."""

    def read(self, size: int, /) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...
    def close(self) -> None: ...


class Unplugged(BoxError):
    """The cable, or the adapter in it, is gone."""


class Refusal(BoxError):
    """The box has understood, and will not. `why` is its own word."""

    def __init__(self, why: str, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.why = why


_WORDS = {
    "locked": (
        "控制台已锁：需要这台评价器的密钥或解锁码",
        "the console is locked: this box's key, or an unlock code, opens it",
    ),
    "key": (
        "密钥或解锁码不对：核对编号，解锁码每次都要重新问中心",
        "that is not this box's key, or not its code: look at the id; the centre gives a new code each time",
    ),
    "later": (
        "试错次数太多：重新上电后再试",
        "too many wrong codes: switch the box off and on",
    ),
    "memory": (
        "评价器此刻内存不够：重新上电后马上再试",
        "the box has not the memory just now: switch it off and on, and try again at once",
    ),
    "identity": (
        "这台评价器已有身份：先 manyi box retire，或用另一台",
        "this box has an identity already: retire it first, or take another one",
    ),
    "verb": (
        "评价器不认识这条命令：固件版本不同",
        "the box does not know this command: another firmware",
    ),
    "digest": (
        "写入后读回不一致：再试一次，仍不行就换一块板",
        "what was read back is not what was written: again, or another board",
    ),
    "name": (
        "评价器不接受这个文件：身份只写一次",
        "the box takes no such file: an identity is written once",
    ),
    "order": (
        "步骤次序不对：从头再来一次",
        "a step is missing: start again from the beginning",
    ),
    "ca": (
        "评价器里没有所需的根证书：现场文件里写上 ca 再来一次",
        "the root certificate is not in the box: name ca in the site file, and again",
    ),
    "field": (
        "评价器不接受这项设置：固件版本不同",
        "the box does not take one of these settings: another firmware",
    ),
    "flash": (
        "评价器存储写不进去：再试一次，仍不行换一块板",
        "the box's flash does not take it: again, then another board",
    ),
    "blank": (
        "评价器还没有身份",
        "the box has no identity",
    ),
}


def refusal(why: str) -> Refusal:
    word = why.split("=", maxsplit=1)[0].split("-", maxsplit=1)[0]
    zh, en = _WORDS.get(word, (f"评价器拒绝：{why}", f"the box refuses: {why}"))
    if word == "waiting":
        n = int(why.partition("=")[2])
        zh = f"还有 {n} 条记录没有送达：通电联网等它变成 0，确需放弃才用 --force"
        en = f"not been delivered yet: {many(n, 'record')}. Let it deliver, or give them up with --force"
    return Refusal(why, zh, en)


@contextmanager
def opened(name: str) -> Iterator[Line]:
    """The port called `name` (COM3, /dev/ttyUSB0, a pyserial URL), without resetting the board. Raises BoxError."""
    import serial  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415  only who has a cable needs it

    try:
        line: Any = serial.serial_for_url(
            name, baudrate=BAUD, timeout=LOOK_S, write_timeout=5, do_not_open=True
        )
        line.dtr = line.rts = False  # on a dev board these are EN and IO0
        if "://" not in name:
            line.exclusive = True
        line.open()
    except (OSError, ValueError) as error:  # SerialException is an OSError
        raise trouble(name, error) from None
    try:
        yield line
    finally:
        line.close()


def trouble(name: str, error: Exception) -> BoxError:
    """Why a port cannot be opened, in words. Windows says why in its own language, so there the error's name counts."""
    number, text = getattr(error, "errno", None), str(error).lower()
    if "cannot configure port" in text:
        return BoxError(
            f"串口 {name} 打不开：转接头或驱动有问题，拔下再插上，换一个口再试",
            f"{name} does not open: its adapter or driver. Plug it in anew, try another socket",
        )
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text or "permissionerror(" in text:
        return BoxError(
            f"串口 {name} 正被别的程序占用：关掉串口助手、Thonny 等再试",
            f"{name} is in use by another program: close it",
        )
    if number in (errno.EACCES, errno.EPERM) or "permission" in text:
        return BoxError(
            f"没有权限打开串口 {name}：把自己加入 dialout 组后重新登录",
            f"you may not open {name}: join the group dialout, log in again",
        )
    return BoxError(
        f"没有串口 {name}：检查数据线（有的线只能充电）和驱动，manyi box list --ports 列出现有串口",
        f"there is no port {name}: cable (some only charge), driver; `manyi box list --ports` shows them",
    )


class Console:
    """`hello()`, `ask()`, `unlock()`; every one raises BoxError."""

    def __init__(self, line: Line, name: str, answer_s: float = ANSWER_S) -> None:
        self._line, self.name, self._answer_s = line, name, answer_s
        self._number = secrets.randbelow(900_000) + 1
        self._rest = b""
        self._noise = b""

    def ask(self, *words: object, patience_s: float | None = None) -> dict[str, str]:
        """The fields of the answer. Raises Refusal, Unplugged, BoxError."""
        self._number += 1
        wait_s = patience_s or self._answer_s
        tries = TRIES if patience_s is None else 2
        for _ in range(tries):
            self._write(talk.line(self._number, *words))
            got = self._hear(time.monotonic() + wait_s)
            if got is None or got.number == 0:
                continue
            if got.ok:
                return got.fields
            raise refusal(got.why)
        raise self._silent()

    def hello(self) -> dict[str, str]:
        return self.ask("hello")

    def unlock(self, k_link: bytes) -> None:
        """Opens the console with the box's own key. Raises Refusal."""
        seen = self.hello()
        if seen.get("state") == "locked":
            self.ask("unlock", talk.code(k_link, seen["box"], bytes.fromhex(seen["nonce"])))

    def wait_for(self, *states: str, patience_s: float) -> dict[str, str]:
        """The box's hello once it is in one of these states, which takes a start. Raises BoxError."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                seen = self.hello()
                if seen.get("state") in states:
                    return seen
            except Unplugged:
                raise
            except BoxError:
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                raise BoxError(
                    "评价器没有按预期重新启动", f"the box did not start again: {seen.get('state')}"
                )
            time.sleep(LOOK_S)

    def _hear(self, deadline: float) -> talk.Answer | None:
        while time.monotonic() < deadline:
            raw, end, rest = self._rest.partition(b"\n")
            if not end:
                self._rest += self._read()
                continue
            self._rest = rest
            got = talk.answer(raw)
            if got is None:
                self._noise = (self._noise + raw + b"\n")[-NOISE_KEPT:]
            elif got.number in (0, self._number):
                return got
        return None

    def _read(self) -> bytes:
        try:
            return self._line.read(256)
        except (OSError, TypeError) as error:  # pyserial: TypeError when the port was closed under it
            raise self._gone() from error

    def _write(self, data: bytes) -> None:
        try:
            self._line.write(data)
        except (OSError, TypeError) as error:
            raise self._gone() from error

    def _gone(self) -> Unplugged:
        return Unplugged(
            f"{self.name} 断开了：插好线再来一次，已写入的不会只剩一半",
            f"{self.name} was unplugged: plug it in and start again; nothing is left half written",
        )

    def _silent(self) -> BoxError:
        noise = self._noise + self._rest
        if b">>>" in noise:
            return BoxError(
                "板上是原版 MicroPython，没有本固件：先 manyi box flash",
                "bare MicroPython: flash our image first",
            )
        if b"waiting for download" in noise or b"invalid header" in noise:
            return BoxError(
                "板子在下载模式或是空的：先 manyi box flash，然后按 EN",
                "the chip is empty or in download mode: flash it, press EN",
            )
        if noise.strip():
            return BoxError(
                f"{self.name} 收到的不是评价器的话：接错设备、线太长或干扰，换线换口再试",
                f"what {self.name} says is nothing a box says: another device, a long or bad cable",
            )  # fmt: skip
        return BoxError(
            f"{self.name} 没有应答，请检查：板子通电了吗？串口选对了吗？线能传数据吗？",
            f"nothing answers on {self.name}. Look: power? the right port? a cable with data wires?",
        )
