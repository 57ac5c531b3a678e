#!/usr/bin/env python3
"""Opens pages in headless Chromium, over the pipe of its DevTools protocol, which needs no package.

Messages are JSON texts that end with a zero byte: https://chromedevtools.github.io/devtools-protocol/ (looked up on 2026-11-30).
"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import debian

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Debian's package of the browser has no font, and the pages have no font of their own.
PACKAGES = ("chromium", "fonts-liberation", "fonts-dejavu-core")
ANSWER_SECONDS = 60


class NoBrowser(Exception):
    """Chromium is not installed and cannot be installed."""


def find() -> str:
    """Returns the path of Chromium; installs it if it is missing and that is possible."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    problem = debian.cannot_install()
    if problem:
        raise NoBrowser(f"Chromium is not installed, and {problem}")
    print("chromium: installing", *PACKAGES, flush=True)
    errors = debian.install(NAMES[0], *PACKAGES)
    found = shutil.which(NAMES[0])
    if not found:
        raise NoBrowser(f"cannot install Chromium: {errors.strip()[-300:]}")
    return found


class Browser:
    """A running browser. Use it as a context manager."""

    def __init__(self) -> None:
        program = find()
        self.profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        script = f'exec "$@" 3<&{commands} 4>&{answers}'
        options = [
            "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}", "--no-first-run",
            "--no-default-browser-check", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-color-profile=srgb",
            "--font-render-hinting=none",
        ]  # fmt: skip
        if os.geteuid() == 0:
            # The sandbox refuses to run as root, as in a container. The pages are files of the tests.
            options.append("--no-sandbox")
        self.process = subprocess.Popen(
            ["bash", "-c", script, "chromium", program, *options, "about:blank"],
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(commands)
        os.close(answers)
        self.number = 0
        self.buffer = b""
        self.events: list[dict] = []

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.commands)
        os.close(self.answers)
        # Its own processes are in its process group.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.profile.cleanup()

    def call(self, method: str, session: str | None = None, **parameters: object) -> dict:
        """Sends a command and returns its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        number = self.number
        answer = self.wait(lambda message: message.get("id") == number, method)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait(self, wanted, what: str) -> dict:
        """Returns the next message that is wanted, and keeps the events before it."""
        end = time.monotonic() + ANSWER_SECONDS
        while True:
            message = self.read(end, what)
            if "method" in message:
                self.events.append(message)
            if wanted(message):
                return message

    def read(self, end: float, what: str) -> dict:
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.answers], [], [], max(0, end - time.monotonic()))
            data = os.read(self.answers, 1 << 20) if ready else b""
            if not data:
                raise RuntimeError(f"Chromium does not answer {what} (exit code {self.process.poll()})")
            self.buffer += data
        text, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(text)


class Page:
    """A page in a browser, with everything that it logged and requested."""

    def __init__(self, browser: Browser, width: int, height: int = 900, scheme: str = "light", zone: str = "UTC") -> None:
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.width = width
        self.size(width, height)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setTimezoneOverride", timezoneId=zone)

    def call(self, method: str, **parameters: object) -> dict:
        return self.browser.call(method, self.session, **parameters)

    def size(self, width: int, height: int, scale: float = 1) -> None:
        """Sets the size of the window."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 600
        )

    def open(self, path: Path) -> None:
        """Opens a file and waits until it is loaded."""
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.browser.wait(lambda message: self.is_event(message, "Page.loadEventFired"), f"the load of {path}")

    def is_event(self, message: dict, method: str) -> bool:
        return message.get("sessionId") == self.session and message.get("method") == method

    def events(self, method: str) -> list[dict]:
        """Returns the parameters of the events of a kind so far."""
        return [message["params"] for message in self.browser.events if self.is_event(message, method)]

    def evaluate(self, expression: str) -> object:
        """Returns the value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def requests(self) -> list[str]:
        """Returns the URLs that the page requested."""
        return [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]

    def complaints(self) -> list[str]:
        """Returns what the page wrote to the console, and its errors."""
        logged = [event["entry"]["text"] for event in self.events("Log.entryAdded")]
        written = [json.dumps(event["args"]) for event in self.events("Runtime.consoleAPICalled")]
        thrown = [event["exceptionDetails"]["text"] for event in self.events("Runtime.exceptionThrown")]
        asked = [event["message"] for event in self.events("Page.javascriptDialogOpening")]
        return logged + written + thrown + asked

    def picture(self, path: Path, height: int | None = None) -> None:
        """Writes a PNG of the page: all of it, or its top."""
        tall = height or int(self.evaluate("document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": self.width, "height": tall, "scale": 1}
        result = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(result["data"]))

    def printed(self) -> bytes:
        """Returns the page as PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])


def main() -> None:
    try:
        print(find())
    except NoBrowser as problem:
        raise SystemExit(str(problem)) from None


if __name__ == "__main__":
    main()
