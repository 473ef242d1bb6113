"""A phone behind the genuine adb."""

from __future__ import annotations

import hashlib
import re
import time

from edgewise.agent.device.adb import Adb, connected, find_adb
from edgewise.agent.device.coordinates import Frame, Point
from edgewise.agent.device.device import Key
from edgewise.agent.device.elements import Element, read_tree
from edgewise.agent.device.errors import CommandFailed, NullRoot, TreeNotIdle, TruncatedImage
from edgewise.agent.device.images import check_not_black, picture_size, whole_png
from edgewise.agent.device.keyboard import Keyboard

KEYS = {"back": "4", "home": "3", "enter": "66", "recents": "187"}
"""Numbers of Android's keys."""
HOLD_MS = 1000
"""Milliseconds of a long press."""
DUMP = "/sdcard/edgewise-window.xml"
FOCUS = re.compile(r"mCurrentFocus=Window\{\S+ (?:u\d+ )?([\w.]+)(?:/\S+)?\}")
COMPONENT = re.compile(r"^\s*([\w.]+)/[\w.$]+\s*$", re.MULTILINE)
LAUNCHED = "android.intent.category.LAUNCHER"
DISPLAY = re.compile(r"^Display (\d+) ", re.MULTILINE)
LOOK_EVERY_S = 0.25
"""Seconds between two pictures while waiting for a page to come to rest."""
TREE_S, PICTURE_S = 20.0, 20.0
"""Seconds that a tree and a picture may take: slow phones need more than ten for a long page."""
ATTEMPTS = 3
"""Times that a tree or a picture is asked for, since most faults of these are gone the next time."""


class AdbDevice:
    """A phone behind adb.

    Args:
        serial: of the phone, or `HOST:PORT`; empty for the only one that is connected.
        program: path of adb. If None, that of the wheel of adbutils, else the one on PATH.
        server_port: of the adb server. If None, the usual one.
    """

    def __init__(self, serial: str = "", program: str | None = None, server_port: int | None = None) -> None:
        self.adb: Adb = connected(program or find_adb(), serial, server_port)
        self.serial: str = self.adb.serial
        self.keyboard = Keyboard(self.adb, self.tree)
        self._size: tuple[int, int] | None = None
        self._display: str | None = None

    def size(self) -> tuple[int, int]:
        """Width and height of the display as it lies, pixels, from the last picture."""
        if self._size is None:
            self.screenshot()
        assert self._size is not None
        return self._size

    def _displays(self) -> list[str]:
        """Identifiers of all displays; empty for phones that do not tell."""
        return DISPLAY.findall(self.adb.shell("dumpsys", "SurfaceFlinger", "--display-id").text)

    def screenshot(self) -> bytes:
        """The display as a whole PNG file; of several displays the first.

        Raises:
            TruncatedImage: if the phone sends none.
            BlackFrame: if it is black.
        """
        if self._display is None:
            found = self._displays()
            self._display = found[0] if len(found) > 1 else ""
        chosen = ["-d", self._display] if self._display else []
        for attempt in range(ATTEMPTS):
            sent = self.adb.run("exec-out", "screencap", "-p", *chosen, timeout=PICTURE_S).out
            try:
                data = whole_png(sent)
                break
            except TruncatedImage:
                if attempt == ATTEMPTS - 1:
                    raise
        check_not_black(data)
        self._size = picture_size(data)
        return data

    def tree(self) -> Element:
        """The tree of elements.

        Raises:
            TreeNotIdle, NullRoot: as uiautomator says.
        """
        for attempt in range(ATTEMPTS):
            try:
                return self._tree()
            except (TreeNotIdle, NullRoot):
                if attempt == ATTEMPTS - 1:
                    raise
        raise CommandFailed("no tree of elements")

    def _tree(self) -> Element:
        self.adb.shell("rm", "-f", DUMP)  # what an earlier command has left would be taken for the page of now
        said = self.adb.shell("uiautomator", "dump", DUMP, timeout=TREE_S).text
        if "could not get idle state" in said:
            raise TreeNotIdle("the page does not come to rest")
        if "null root node" in said:
            raise NullRoot("no window gives a tree of elements")
        read = self.adb.run("exec-out", "cat", DUMP)
        if b"<hierarchy" not in read.out:
            raise CommandFailed(f"uiautomator: {said.strip()[:200] or 'no tree'}")
        return read_tree(read.out.decode(errors="replace"))

    def _pixel(self, point: Point) -> tuple[str, str]:
        size = self.size()
        if point.space == "image":
            raise CommandFailed("a point of an image has to be turned into the device's space first")
        x, y = Frame(size, size).pixel(point)
        return str(x), str(y)

    def tap(self, point: Point) -> None:
        self.adb.checked("input", "tap", *self._pixel(point))

    def double_tap(self, point: Point) -> None:
        x, y = self._pixel(point)
        tap = f"input tap {x} {y}"
        self.adb.run("shell", f"{tap} && {tap}")  # in one command, or the second comes too late

    def long_press(self, point: Point) -> None:
        x, y = self._pixel(point)
        self.adb.checked("input", "swipe", x, y, x, y, str(HOLD_MS))

    def swipe(self, start: Point, end: Point, seconds: float = 0.3) -> None:
        self.adb.checked("input", "swipe", *self._pixel(start), *self._pixel(end), str(round(1000 * seconds)))

    def type(self, text: str, *, clear: bool = False, submit: bool = False) -> None:
        if clear:
            self.keyboard.clear()
        if text:
            self.keyboard.type(text)
        if submit:
            self.press("enter")

    def press(self, key: Key) -> None:
        self.adb.checked("input", "keyevent", KEYS[key])
        self._size = None if key == "home" else self._size

    def open_app(self, package: str) -> None:
        said = self.adb.shell("monkey", "-p", package, "-c", LAUNCHED, "1").text
        if "No activities found" in said or "monkey aborted" in said:
            raise CommandFailed(f"no app {package} that can be opened")
        self._size = None

    def packages(self) -> tuple[str, ...]:
        """Packages of the apps that a launcher shows; where the phone does not tell them, of all that are installed."""
        asked = ("query-activities", "--brief", "-a", "android.intent.action.MAIN", "-c", LAUNCHED)
        shown = self.adb.shell("cmd", "package", *asked)
        found = set(COMPONENT.findall(shown.text)) if shown.code == 0 else set()
        lines = () if found else self.adb.checked("pm", "list", "packages").split()
        return tuple(sorted(found or {each.removeprefix("package:") for each in lines}))

    def reconnect(self) -> None:
        """Connect again to a phone whose connection was lost.

        Raises:
            DeviceError: if it is not ready.
        """
        self.adb = connected(self.adb.program, self.serial, self.adb.port)
        self.keyboard, self._size = Keyboard(self.adb, self.tree), None

    def foreground(self) -> str:
        found = FOCUS.search(self.adb.checked("dumpsys", "window"))
        return found[1] if found else ""

    def keyboard_shown(self) -> bool:
        return "mInputShown=true" in self.adb.checked("dumpsys", "input_method")

    def wait_until_still(self, seconds: float = 5.0) -> bool:
        end, before = time.monotonic() + seconds, b""
        while time.monotonic() < end:
            now = hashlib.sha256(self.screenshot()).digest()
            if now == before:
                return True
            before = now
            time.sleep(LOOK_EVERY_S)
        return False
