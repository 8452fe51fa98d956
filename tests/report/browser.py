"""Headless Chromium for the tests of the page: opens files, and says what a browser says of them.

It is driven by the DevTools protocol over two pipes, the descriptors 3 and 4 of the browser, so
that no further library is needed: messages are JSON, each ended by a zero byte.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import HANG

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def missing() -> str:
    """What is missing for these tests, or an empty text."""
    if not _program():
        return "Chromium is not installed"
    if not AXE.exists():
        return "axe-core is not installed: npm ci in tests/report"
    return ""


def _program() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def _pipe() -> tuple[int, int]:
    """The ends of a pipe, to read and to write, with numbers that are not those of the browser."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


@dataclass
class Visit:
    """What happened while a page was open.

    requests: the addresses that were asked for; complaints: errors and warnings of the console,
    and exceptions; seconds: until it was loaded.
    """

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Browser:
    """One browser with one tab. Use it in a `with` block, which ends it."""

    def __init__(self, folder: Path) -> None:
        browser_reads, self._to_browser = _pipe()
        self._from_browser, browser_writes = _pipe()
        command = [_program() or "chromium", *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        self._process = os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, browser_reads, 3),
                (os.POSIX_SPAWN_DUP2, browser_writes, 4),
            ],
        )
        os.close(browser_reads)
        os.close(browser_writes)
        self._buffer = b""
        self._number = 0
        self._session = ""
        self._visit = Visit()

    def __enter__(self) -> Browser:
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        # A browser that loses its pipes ends by itself; one that does not is killed.
        os.close(self._to_browser)
        os.close(self._from_browser)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if os.waitpid(self._process, os.WNOHANG)[0]:
                return
            time.sleep(0.05)
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    def open(self, path: Path, *, dark: bool = False, width: int = 1000) -> Visit:
        """Open a file in light or dark colors in a window of this width, and wait until it stands."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self._visit = Visit()
        begun = time.monotonic()
        self._call("Page.navigate", url=path.as_uri())
        self._wait_for("Page.loadEventFired")
        self._visit.seconds = time.monotonic() - begun
        self.run("new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
        return self._visit

    def run(self, script: str) -> Any:
        """The value of a script in the page; a promise is waited for."""
        answer = self._call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page: the rule, and the first elements."""
        self.run(AXE.read_text("utf-8") + "; 0")
        found = self.run("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)")
        lines = []
        for violation in found:
            elements = [node["html"][:200] for node in violation["nodes"][:3]]
            lines.append(f"{violation['id']}: {violation['help']}: {elements}")
        return lines

    def screenshot(self, path: Path) -> None:
        """The whole page as PNG."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self._call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    # -- the protocol --------------------------------------------------------------------------

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to_browser, data) :]

        while True:
            answer = self._next()
            if answer.get("id") != number:
                continue
            if "error" in answer:
                raise AssertionError(f"{method}: {answer['error']}")
            result: dict[str, Any] = answer["result"]
            return result

    def _wait_for(self, event: str) -> None:
        while self._next().get("method") != event:
            pass

    def _next(self) -> dict[str, Any]:
        """The next message; what it says about the page is noted."""
        end = time.monotonic() + HANG
        while b"\0" not in self._buffer:
            ready, _, _ = select.select(
                [self._from_browser], [], [], max(end - time.monotonic(), 0)
            )
            part = os.read(self._from_browser, 1 << 20) if ready else b""
            if not part:
                raise AssertionError("Chromium does not answer")
            self._buffer += part
        data, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(data)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, parameters: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self._visit.requests.append(parameters["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self._visit.complaints.append(str(parameters["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self._visit.complaints.append(str(parameters["args"]))
        elif event == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self._visit.complaints.append(parameters["entry"]["text"])
