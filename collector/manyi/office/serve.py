"""Runs the office under uvicorn until told to stop. It refuses a second worker: one process watches the stores and fans out."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn

from manyi.office.hub import Hub
from manyi.office.runtime import OfficeSettings, configure

# How long a stop may wait for answers under way; the event streams are ended at once, so nothing normal takes this long.
GRACE_S = 2
STOP_POLL_S = 0.05
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Server(uvicorn.Server):
    """uvicorn, except that a signal only asks to stop: the caller has a ledger to close after the web is gone."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event) -> None:
        super().__init__(config)
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, lambda *_: self._stop.set()) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def listen(host: str, port: int) -> socket.socket:
    """A listening address. Raises OSError at once, before anything else was started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def run(
    settings: OfficeSettings, stop: threading.Event, ready: Callable[[str, int], None] | None = None
) -> None:
    """Serve until `stop` is set, or SIGTERM or SIGINT arrives (which set it), then return.

    `ready` is told the address once connections are accepted (port 0 becomes a real one). Raises OSError if the port is taken.
    """
    runtime = configure(settings)
    listener = listen(settings.host, settings.port)
    config = uvicorn.Config(
        "manyi.office.asgi:application",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config, stop)

    async def main() -> None:
        watch = asyncio.create_task(_watch(server, runtime.hub, stop, ready, listener))
        await server.serve(sockets=[listener])
        await watch

    try:
        asyncio.run(main())
    finally:
        listener.close()


async def _watch(
    server: uvicorn.Server,
    hub: Hub,
    stop: threading.Event,
    ready: Callable[[str, int], None] | None,
    listener: socket.socket,
) -> None:
    told = False
    while not stop.is_set() and not server.should_exit:
        if server.started and not told:
            told = True
            if ready is not None:
                host, port = listener.getsockname()[:2]
                ready(host, port)
        await asyncio.sleep(STOP_POLL_S)
    hub.close()
    server.should_exit = True
