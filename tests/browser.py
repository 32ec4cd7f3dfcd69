"""Headless Chromium over its DevTools pipe: nothing but the browser itself is needed."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-sync",
          "--remote-debugging-pipe"]  # fmt: skip


class Browser:
    """One page. ``events`` are all that the browser told, errors of the page among them."""

    def __init__(self, read: int, write: int) -> None:
        self.reader = os.fdopen(read, "rb")
        self.writer = os.fdopen(write, "wb")
        self.numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []
        self.rest = b""
        self.session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            got = self.reader.read1(1 << 20)
            if not got:
                raise RuntimeError("the browser is gone")
            self.rest += got
        text, _, self.rest = self.rest.partition(b"\0")
        return json.loads(text)

    def call(self, method: str, **params: Any) -> Any:
        """A DevTools command's result."""
        number = next(self.numbers)
        session = {"sessionId": self.session} if self.session else {}
        request = {"id": number, "method": method, "params": params, **session}
        self.writer.write(json.dumps(request).encode() + b"\0")
        self.writer.flush()
        while (message := self._message()).get("id") != number:
            self.events.append(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        return message["result"]

    def open(self, url: str, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a page and wait until it is there."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._message())

    def run(self, script: str) -> Any:
        """What an expression gives; a promise, when it is kept."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                          awaitPromise=True)  # fmt: skip
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def errors(self) -> list[Any]:
        """What the console of the page complains of since it was opened."""
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [e["params"] for e in self.events if e.get("method") in kinds]

    def requests(self) -> list[str]:
        """The addresses that the page asked for, without those inside of it."""
        urls = [
            e["params"]["request"]["url"]
            for e in self.events
            if e.get("method") == "Network.requestWillBeSent"
        ]
        return [url for url in urls if not url.startswith("data:")]

    def picture(self, path: Path) -> None:
        """A screenshot (png)."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def printed(self, path: Path) -> None:
        """The page on A4 paper (pdf)."""
        data = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69,
                         printBackground=True)["data"]  # fmt: skip
        path.write_bytes(base64.b64decode(data))


@contextmanager
def browser() -> Iterator[Browser]:
    """A fresh browser, ended afterwards."""
    assert PROGRAM is not None
    (ours, theirs_out), (theirs_in, ours_out) = os.pipe(), os.pipe()
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash",
             PROGRAM, *_QUIET, f"--user-data-dir={profile}"],
            pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            found = Browser(ours, ours_out)
            yield found
            found.reader.close()
            found.writer.close()
        finally:
            process.terminate()
            process.wait(30)
