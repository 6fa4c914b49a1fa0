"""One process that the demo started: its log, its lines, and its end by its own process id.

Every child is in a session of its own, so that Ctrl-C reaches the demo alone, which then ends them in order. Where
the system can (Linux, util-linux) a child also dies with a demo that was killed itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

TETHER = (
    ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
)  # becomes the child itself
STOP_S = 5.0  # a child that has not ended by then is killed


class Child:
    """`start`, `say`, `kill` (SIGKILL), `stop` (SIGTERM, then SIGKILL). May be started again after it ended."""

    def __init__(
        self,
        name: str,
        command: list[str],
        log: Path,
        environment: dict[str, str] | None = None,
        heard: Callable[[str], None] | None = None,
    ) -> None:
        self.name, self.command, self.log = name, command, log
        self._environment = {**os.environ, **(environment or {})}
        self._heard = heard
        self._process: Process | None = None
        self._ears: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended."""
        return self._process.returncode if self._process else None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *TETHER,
                *self.command,
                stdin=PIPE,
                stdout=PIPE if self._heard else log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        if self._heard:
            self._ears = asyncio.create_task(self._listen(self._process), name=f"hear {self.name}")

    def say(self, line: str) -> None:
        """One line to its standard input; nothing if it is gone."""
        if self._process is not None and self._process.stdin is not None and self.running:
            with contextlib.suppress(ConnectionError, RuntimeError):
                self._process.stdin.write(f"{line}\n".encode())

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def wait(self, timeout_s: float) -> int | None:
        """Its exit code, or None if it is still running then."""
        if self._process is None:
            return None
        try:
            code = await asyncio.wait_for(self._process.wait(), timeout_s)
        except TimeoutError:
            return None
        await self._deaf()
        return code

    def tail(self, lines: int = 12) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    async def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None:
                process.send_signal(how)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        await self._deaf()

    async def _deaf(self) -> None:
        """What it had said before it ended has been heard when this returns."""
        if self._ears is not None:
            await self._ears
            self._ears = None

    async def _listen(self, process: Process) -> None:
        assert process.stdout is not None
        assert self._heard is not None
        with self.log.open("ab") as log:
            while line := await process.stdout.readline():
                log.write(line)
                log.flush()
                self._heard(line.decode(errors="replace"))
