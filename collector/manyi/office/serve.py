"""Runs the office under uvicorn until told to stop. It refuses a second worker: one process watches the stores and fans out."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from manyi.office import asgi
from manyi.office.access import database
from manyi.office.access.policy import PRUNE_S, SETTLE_S
from manyi.office.bounds import Protocol, bounded
from manyi.office.hub import Hub
from manyi.office.middleware import public_door
from manyi.office.runtime import OfficeSettings, Runtime, configure

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
    settings: OfficeSettings,
    stop: threading.Event,
    ready: Callable[[str, int], None] | None = None,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Serve until `stop` is set, or SIGTERM or SIGINT arrives (which set it), then return.

    `ready` is told the address once connections are accepted (port 0 becomes a real one); `alive` is called every STOP_POLL_S.
    Raises OSError if the port is taken.
    """
    runtime = configure(settings)
    listener = listen(settings.host, settings.port)
    public = None
    try:
        if settings.public_port is not None:
            public = listen(settings.host, settings.public_port)
        asyncio.run(_main(runtime, stop, ready, alive, listener, public))
    finally:
        listener.close()
        if public is not None:
            public.close()


async def _main(
    runtime: Runtime,
    stop: threading.Event,
    ready: Callable[[str, int], None] | None,
    alive: Callable[[], None],
    listener: socket.socket,
    public: socket.socket | None,
) -> None:
    application = asgi.make()
    server = _Server(_config(application, runtime.settings), stop)
    chores = [asyncio.create_task(_watch(server, runtime.hub, stop, ready, alive, listener))]
    if runtime.settings.login:
        chores.append(asyncio.create_task(_chores(server, runtime.settings.access.keep_days)))
    if public is not None:
        door = _Server(_config(public_door(application), runtime.settings), stop)
        chores.append(asyncio.create_task(door.serve(sockets=[public])))
        chores.append(asyncio.create_task(_follow(server, door)))
        runtime.public_port = public.getsockname()[1]
    await server.serve(sockets=[listener])
    await asyncio.gather(*chores)
    if runtime.settings.login:
        await asyncio.to_thread(database.settle, all_of_it=True)


def _config(application: Any, settings: OfficeSettings) -> uvicorn.Config:
    return uvicorn.Config(
        bounded(application),
        http=Protocol,
        ws="none",  # nothing here speaks it, and Django would fail over each try
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=list(settings.proxies),
        ssl_certfile=settings.cert_file,
        ssl_keyfile=settings.key_file,
        timeout_graceful_shutdown=GRACE_S,
    )


async def _follow(server: uvicorn.Server, door: uvicorn.Server) -> None:
    """The public port closes with the other one."""
    while not server.should_exit:
        await asyncio.sleep(STOP_POLL_S)
    door.should_exit = True


async def _chores(server: uvicorn.Server, keep_days: int) -> None:
    """What the log has counted, each minute; ended sessions and old entries, at the start and once a day."""
    due, settled = 0.0, time.monotonic()
    while not server.should_exit:
        if time.monotonic() - settled >= SETTLE_S:
            settled = time.monotonic()
            await asyncio.to_thread(database.settle)
        if time.monotonic() >= due:
            due = time.monotonic() + PRUNE_S
            await asyncio.to_thread(database.tidy, keep_days)
        await asyncio.sleep(STOP_POLL_S)


async def _watch(
    server: uvicorn.Server,
    hub: Hub,
    stop: threading.Event,
    ready: Callable[[str, int], None] | None,
    alive: Callable[[], None],
    listener: socket.socket,
) -> None:
    told = False
    while not stop.is_set() and not server.should_exit:
        if server.started and not told:
            told = True
            if ready is not None:
                host, port = listener.getsockname()[:2]
                ready(host, port)
        alive()
        await asyncio.sleep(STOP_POLL_S)
    hub.close()
    server.should_exit = True
