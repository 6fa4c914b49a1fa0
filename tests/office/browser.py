"""A headless Chromium driven over the DevTools pipe: open, evaluate, wait, picture.

It refuses to sleep for luck: it waits for a condition.
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

# A loaded two-core machine starts a browser within a few seconds; this is for the worst day.
PATIENCE_S = 60.0
QUIET = ("background-networking", "component-update", "gpu", "quic", "sync")
ALONE = (
    "headless",
    "hide-scrollbars",
    "no-first-run",
    "no-proxy-server",
    "no-sandbox",
    "remote-debugging-pipe",
)
FLAGS = [*(f"--disable-{name}" for name in QUIET), *(f"--{name}" for name in ALONE)]


class Chromium:
    """One browser with one page."""

    def __init__(self, program: str, profile: Path, width: int = 1920, height: int = 1080) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def pipes() -> None:
            low = os.dup(to_browser), os.dup(from_browser)
            os.dup2(low[0], 3)
            os.dup2(low[1], 4)

        command = [
            program,
            *FLAGS,
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            "about:blank",
        ]
        quiet = subprocess.DEVNULL
        profile.mkdir(exist_ok=True)
        home = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), str(profile))  # not its user's
        self._process = subprocess.Popen(
            command,
            close_fds=False,
            preexec_fn=pipes,  # noqa: PLW1509  only dup2 in the child: Chromium wants descriptors 3 and 4
            stdout=quiet,
            stderr=quiet,
            env={**os.environ, **home},
        )
        os.close(to_browser)
        os.close(from_browser)
        self._ids = 0
        self._held = b""
        self.said: list[str] = []
        self.asked: set[str] = set()
        try:
            attached = self._call("Target.attachToTarget", targetId=self._page(), flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
            self.size(width, height)
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._call("Browser.close")
        except (OSError, EOFError):
            self._process.kill()
        self._process.wait(PATIENCE_S)
        os.close(self._read)
        os.close(self._write)

    def _page(self) -> str:
        """The id of its page, which may come a moment after the browser itself."""
        end = time.monotonic() + PATIENCE_S
        while True:
            targets = self._call("Target.getTargets")["targetInfos"]
            if pages := [each["targetId"] for each in targets if each["type"] == "page"]:
                return str(pages[0])
            if time.monotonic() > end:
                raise EOFError(f"the browser has no page: {targets}")
            select.select([], [], [], 0.05)

    def size(self, width: int, height: int) -> None:
        """The size of the screen in pixels, at one pixel per CSS pixel."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def open(self, url: str) -> None:
        """Go to an address."""
        self.call("Page.navigate", url=url)

    def value(self, script: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def until(self, script: str, patience_s: float = PATIENCE_S) -> Any:
        """Wait until an expression is truthy; answers its value."""
        end = time.monotonic() + patience_s
        while True:
            try:
                if value := self.value(script):
                    return value
            except AssertionError:
                if time.monotonic() > end:
                    raise
            if time.monotonic() > end:
                raise AssertionError(f"never true in the page: {script}; it said {self.said[-5:]}")
            select.select([], [], [], 0.05)

    def picture(self, path: Path) -> None:
        """What the screen shows, as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A DevTools command for the page."""
        return self._call(method, session=self._session, **parameters)

    def _call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self._ids += 1
        message: dict[str, Any] = {"id": self._ids, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._ids:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.said.append(str(event["params"]["exceptionDetails"]))
            case "Log.entryAdded":
                self.said.append(str(event["params"]["entry"].get("text")))
            case "Runtime.consoleAPICalled":
                self.said.append(str(event["params"]["args"]))
            case "Network.requestWillBeSent":
                self.asked.add(event["params"]["request"]["url"])
            case _:
                pass

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._held:
            ready, _, _ = select.select([self._read], [], [], PATIENCE_S)
            if not ready:
                raise EOFError("the browser does not answer")
            part = os.read(self._read, 1 << 20)
            if not part:
                raise EOFError("the browser has gone")
            self._held += part
        one, self._held = self._held.split(b"\0", 1)
        message: dict[str, Any] = json.loads(one)
        return message
