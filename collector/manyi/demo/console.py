"""The demo's voice: lines, and on a terminal one live line that is rewritten in place below them."""

from __future__ import annotations

import shutil
import sys
from unicodedata import east_asian_width

CLEAR = "\r\x1b[2K"
LIVE_EVERY_S = 0.5  # on a terminal
LOG_EVERY_S = 5.0  # elsewhere, so that a log of CI stays readable


class Console:
    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty()
        self.every_s = LIVE_EVERY_S if self.terminal else LOG_EVERY_S
        self._live = ""

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._live:
            sys.stdout.write(CLEAR)
        sys.stdout.write(f"{text}\n{self._live}")
        sys.stdout.flush()

    def live(self, text: str) -> None:
        """The line that changes; elsewhere than on a terminal a line like any other."""
        if not self.terminal:
            self.say(text)
            return
        self._live = _cut(text, shutil.get_terminal_size().columns - 1)
        sys.stdout.write(f"{CLEAR}{self._live}")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """A line beside the results: the last line of the output proper stays the last."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def rest(self) -> None:
        """The live line is over."""
        if self._live:
            sys.stdout.write("\n")
            sys.stdout.flush()
        self._live = ""


def _cut(text: str, columns: int) -> str:
    """At most so many columns; a Chinese character takes two. A longer line could not be rewritten in place."""
    width = 0
    for i, character in enumerate(text):
        width += 2 if east_asian_width(character) in "WF" else 1
        if width > columns:
            return text[:i]
    return text
