"""esp32-mock-bootloader as a chip that nobody resets, and has patience. A program: its arguments are the mock's.

Left alone the mock ends a visit three seconds after its last block, whatever is going on, and gives up a reader who is
silent for 50 ms: on a busy machine both happen in the midst of a visit ("md5sum (result was 3166", "No more data to read").
Here a visit begins when somebody says hello, and a reader is waited for. Refuses a mock that does it otherwise.

A cable without RTS and DTR, as a pseudo terminal is one, leaves the visitor's own loader (the stub) running at the speed it
was told. It hears no hello, which is said more slowly, unless the visitor before has sent it back to the chip's.
"""

from __future__ import annotations

import math
import os
import sys
import time
from threading import Event

from esp32_mock_bootloader import cli, protocol, registers, server

TO_CHIP = 0
OUI = (0x24, 0x0A, 0xC4)
REBOOT = bytes(4)  # with FLASH_END: back to the chip's own loader
PATIENCE_S = 60.0  # for a reader; one that was killed is gone for good


class Session(server.ChipSession):
    now: Session

    def __init__(self, chip: str) -> None:
        super().__init__(chip)
        Session.now = self
        self.leaves = False


_frames_of = server.slip_decode_frames


def frames(raw: bytes) -> list[bytes]:
    session = Session.now
    if session.leaves:
        session.leaves = session.stub_active = False
    found = [f for f in _frames_of(raw) if not (session.stub_active and is_(protocol.CMD_SYNC, f))]
    session.leaves = any(is_(protocol.CMD_FLASH_END, f) and f[8:] == REBOOT for f in found)
    return found


def is_(command: int, frame: bytes) -> bool:
    return frame[:2] == bytes((TO_CHIP, command))


_once = server._recv_slip_payload


class Patient:
    """A connection that asks again when nothing came."""

    def __init__(self, line: server.BootloaderConnection) -> None:
        self._line = line

    def recv(self, size: int) -> bytes:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return bytes(self._line.recv(size))
            except TimeoutError:
                if time.monotonic() >= end:
                    raise


def payload(line: server.BootloaderConnection, stop: Event, buf: bytearray) -> bytes | None:
    return _once(Patient(line), stop, buf)


if __name__ == "__main__":
    assert server._FLASH_END_IDLE_SEC == 3.0, "another mock: read again when it ends a visit"
    server._FLASH_END_IDLE_SEC = math.inf
    registers.mac_bytes_for_chip = lambda _chip: (
        *OUI,
        *os.getpid().to_bytes(3, "big"),
    )  # no two chips have one address
    server.ChipSession, server.slip_decode_frames, server._recv_slip_payload = Session, frames, payload
    sys.exit(cli.main())
