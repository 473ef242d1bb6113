"""A headless Chromium with one page, of the size of a small phone, that no network is behind."""

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
import time
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any

from edgewise.agent.device.errors import CommandFailed, DeviceError, DeviceTimeout
from edgewise.agent.miniwob.pipe import TIMEOUT_S, Pipe
from edgewise.common.errors import check_integer

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
VARIABLE = "EDGEWISE_CHROMIUM"
"""Names the browser's program, where none of the usual ones is on PATH."""
WIDE, HIGH = 160, 210
"""Pixels of CSS that a page of MiniWoB++ has."""
WINDOW = (500, 320)
"""Pixels of CSS of the window, of which the display is the upper left corner: in a smaller one, dialogs are pushed out."""
SCALE = 4
"""Pixels of the display to a pixel of CSS: letters as large as on a phone."""
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-gpu",
    "--disable-features=Translate,MediaRouter,OptimizationHints,PaintHolding",
    "--hide-scrollbars",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-pings",
    "--password-store=basic",
    "--renderer-process-limit=1",
)
LARGEST_SCALE = 16
"""Beyond which pictures would have millions of pixels."""
LOAD_S = 15.0
"""Seconds that a page may take to load."""


class BrowserMissing(DeviceError):
    """There is no Chromium."""

    name, mend = "no-browser", f"install Chromium, or name its program in {VARIABLE}"


def find_chromium() -> str:
    """Path of the browser.

    Raises:
        BrowserMissing: if there is none.
    """
    named = os.environ.get(VARIABLE)
    found = next((path for each in ([named] if named else PROGRAMS) if (path := shutil.which(each))), None)
    if found is None:
        raise BrowserMissing(f"there is no {named or 'Chromium'}")
    return found


class Browser:
    """A browser with one page; to be closed, or used with `with`.

    Args:
        program: its path. If None, `find_chromium()`.
        scale: pixels of the display to a pixel of CSS; few make pictures fast.
    """

    def __init__(self, program: str | None = None, scale: int = SCALE) -> None:
        check_integer("scale", scale, 1, LARGEST_SCALE)
        chosen, self.scale = program or find_chromium(), scale
        self._profile = tempfile.TemporaryDirectory(prefix="edgewise-chromium-", ignore_cleanup_errors=True)
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # root has none
        words = [chosen, *FLAGS, *sandbox, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._loaded, self._session = False, ""
        try:
            self._pipe = Pipe(words, self._told)
        except BaseException:
            self._profile.cleanup()
            raise
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        target = self._pipe.call("Target.createTarget", url="about:blank", timeout=60.0)["targetId"]
        self._session = self._pipe.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for each in ("Page.enable", "Runtime.enable", "Network.enable"):
            self.call(each)
        self.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        wide, high = WINDOW
        self.call(
            "Emulation.setDeviceMetricsOverride", width=wide, height=high, deviceScaleFactor=self.scale, mobile=False
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=1)
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        script = resources.files("edgewise.agent.miniwob").joinpath("page.js").read_text(encoding="utf-8")
        self.call("Page.addScriptToEvaluateOnNewDocument", source=f"({script})([0, 0, {WIDE}, {HIGH}])")

    @property
    def profile(self) -> str:
        """Folder of the browser's files, which is removed with it."""
        return self._profile.name

    def call(self, method: str, timeout: float = TIMEOUT_S, **given: Any) -> dict[str, Any]:
        """Carry out a command of the DevTools protocol on the page; errors as of `Pipe.call`."""
        return self._pipe.call(method, self._session, timeout, **given)

    def _told(self, method: str, given: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Page.javascriptDialogOpening":  # nothing goes on while one is open
            self._pipe.send("Page.handleJavaScriptDialog", self._session, accept=True)

    def open(self, page: Path) -> None:
        """Load a page and wait until it is there.

        Raises:
            DeviceTimeout: if it does not load.
            CommandFailed: if there is no such page.
        """
        self._loaded = False
        failed = self.call("Page.navigate", url=page.resolve().as_uri()).get("errorText")
        if failed:
            raise CommandFailed(f"{page.name} cannot be loaded: {failed}")
        end = time.monotonic() + LOAD_S
        while not self._loaded:
            if time.monotonic() > end:
                raise DeviceTimeout(f"{page.name} does not load")
            self.run("0")  # events are heard while an answer is waited for
            time.sleep(0.002)

    def run(self, script: str, timeout: float = TIMEOUT_S) -> Any:
        """Value of an expression on the page; of a promise, what it promised.

        Raises:
            CommandFailed: if it throws.
        """
        found = self.call("Runtime.evaluate", timeout, expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            said = details.get("exception", {}).get("description") or details.get("text", "an error")
            raise CommandFailed(f"the page: {said.splitlines()[0]}")
        return found["result"].get("value")

    def ask(self, name: str, *given: Any, timeout: float = TIMEOUT_S) -> Any:
        """Value of a function of `page.js`."""
        words = ", ".join(json.dumps(each) for each in given)
        return self.run(f"edgewise.{name}({words})", timeout)

    def picture(self) -> bytes:
        """The page as a PNG file."""
        clip = {"x": 0, "y": 0, "width": WIDE, "height": HIGH, "scale": 1}
        taken = self.call("Page.captureScreenshot", format="png", optimizeForSpeed=True, clip=clip)
        return base64.b64decode(taken["data"])

    def close(self) -> None:
        """End the browser and remove its profile."""
        self._pipe.close()
        self._profile.cleanup()

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
