"""The demo's keys: single key strokes from a terminal, without Enter. Nothing happens if it is not a terminal.

The terminal is put back as it was however the demo ends; Ctrl-C stays Ctrl-C.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def keyboard(press: Callable[[str], None]) -> Iterator[bool]:
    """Calls `press` with each character typed. Yields whether there is a keyboard at all."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield False
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)

    def restore() -> None:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)

    def typed() -> None:
        for character in os.read(fd, 64).decode(errors="ignore"):
            press(character)

    loop = asyncio.get_running_loop()
    atexit.register(restore)
    tty.setcbreak(fd)
    loop.add_reader(fd, typed)
    try:
        yield True
    finally:
        loop.remove_reader(fd)
        restore()
        atexit.unregister(restore)
