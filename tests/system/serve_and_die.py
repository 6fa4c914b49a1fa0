"""Starts `manyi serve`, but ends it with SIGKILL after the n-th commit and before its acknowledgements are sent.

Used as: serve_and_die.py N MARK --config ... serve. MARK is a file: once it is there, nobody dies any more.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from manyi.cli import main
from manyi.core.pipeline import Pipeline

left, mark = [int(sys.argv[1])], Path(sys.argv[2])
del sys.argv[1:3]
answer = Pipeline._answer


def die_instead(self: Pipeline, work: Any, done: Any) -> None:
    left[0] -= bool(done.rows)
    if left[0] <= 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    answer(self, work, done)


Pipeline._answer = die_instead  # type: ignore[method-assign]
main()
