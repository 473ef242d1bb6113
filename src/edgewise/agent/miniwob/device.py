"""A page of MiniWoB++ as a device: touched, typed on and looked at as a phone is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from edgewise.agent.device.coordinates import Frame, Point
from edgewise.agent.device.device import Key
from edgewise.agent.device.elements import Element
from edgewise.agent.device.errors import CommandFailed, TypingFailed
from edgewise.agent.miniwob.browser import HIGH, WIDE, Browser

PACKAGE = "org.farama.miniwob"
"""What the app that is shown would be called on a phone."""
HOLD_S = 1.0
"""Seconds of a long press."""
QUIET_MS = 40
"""Milliseconds without a change after which a page is still: longer than two pictures of an animation."""
MOVES_A_SECOND = 60
"""Places of a finger that is moved."""


class PageDevice:
    """The page that a browser shows. Home and recents do nothing: there is one app.

    Args:
        browser: that shows it.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser, self.serial = browser, "miniwob"

    def size(self) -> tuple[int, int]:
        return self.browser.scale * WIDE, self.browser.scale * HIGH

    def screenshot(self) -> bytes:
        return self.browser.picture()

    def tree(self) -> Element:
        return element(self.browser.ask("tree"), self.browser.scale)

    def _place(self, point: Point) -> tuple[float, float]:
        """A point in pixels of CSS."""
        if point.space == "image":
            raise CommandFailed("a point of an image has to be turned into the device's space first")
        x, y = Frame(self.size(), self.size()).pixel(point)
        return x / self.browser.scale, y / self.browser.scale

    def _touch(self, kind: str, *place: float) -> None:
        points = [{"x": place[0], "y": place[1]}] if place else []
        self.browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    def _hold(self, point: Point, seconds: float) -> None:
        self._touch("touchStart", *self._place(point))
        time.sleep(seconds)
        self._touch("touchEnd")

    def tap(self, point: Point) -> None:
        self._hold(point, 0)

    def double_tap(self, point: Point) -> None:
        self.tap(point)
        self.tap(point)

    def long_press(self, point: Point) -> None:
        self._hold(point, HOLD_S)

    def swipe(self, start: Point, end: Point, seconds: float = 0.3) -> None:
        (x, y), (to_x, to_y) = self._place(start), self._place(end)
        if (x, y) == (to_x, to_y):
            self._hold(start, seconds)
            return
        moves = max(2, round(MOVES_A_SECOND * seconds))
        self._touch("touchStart", x, y)
        for n in range(1, moves + 1):
            self._touch("touchMove", x + (to_x - x) * n / moves, y + (to_y - y) * n / moves)
            time.sleep(seconds / moves)
        self._touch("touchEnd")

    def type(self, text: str, *, clear: bool = False, submit: bool = False) -> None:
        way = self.browser.ask("ready", clear)
        if way == "none":
            raise TypingFailed("no field has the focus")
        if way != "text":
            if not self.browser.ask("fill", text):
                raise TypingFailed(f"{text!r} is no {way}")
        else:
            for each in text:
                self._key(each)
        if submit:
            self.press("enter")

    def _key(self, letter: str) -> None:
        if letter == "\n":
            self._named("Enter", 13, "\r")
        elif letter.isascii() and letter.isprintable():
            code = ord(letter.upper()) if letter.isalnum() or letter == " " else 0
            self._named(letter, code, letter)
        else:
            self.browser.call("Input.insertText", text=letter)

    def _named(self, name: str, code: int, text: str = "") -> None:
        key: dict[str, Any] = {"key": name, "windowsVirtualKeyCode": code}
        self.browser.call("Input.dispatchKeyEvent", type="keyDown", text=text, **key)
        self.browser.call("Input.dispatchKeyEvent", type="keyUp", **key)

    def delete(self) -> None:
        """Remove the letter before the cursor."""
        self._named("Backspace", 8)

    def press(self, key: Key) -> None:
        if key == "enter":
            self._named("Enter", 13, "\r")
        elif key == "back":
            self.browser.ask("back")

    def open_app(self, package: str) -> None:
        if package != PACKAGE:
            raise CommandFailed(f"no app {package} that can be opened")

    def foreground(self) -> str:
        return PACKAGE

    def keyboard_shown(self) -> bool:
        return bool(self.browser.ask("focused"))

    def wait_until_still(self, seconds: float = 5.0) -> bool:
        return bool(self.browser.ask("still", QUIET_MS, 1000 * seconds, timeout=seconds + 10))


def element(node: Mapping[str, Any], scale: int) -> Element:
    """An element from what `page.js` tells of it; places in pixels of CSS become those of the display."""
    left, top, right, bottom = (round(scale * each) for each in node["box"])
    name = str(node.get("name", ""))
    return Element(
        text=node.get("text", ""),
        description=node.get("description", ""),
        resource=f"{PACKAGE}:id/{name}" if name else "",
        kind=node["kind"],
        package=PACKAGE,
        box=(left, top, right, bottom),
        clickable=bool(node.get("clickable")),
        long_clickable=False,
        checkable=bool(node.get("checkable")),
        checked=bool(node.get("checked")),
        enabled=bool(node.get("enabled", True)),
        focused=bool(node.get("focused")),
        scrollable=bool(node.get("scrollable")),
        password=bool(node.get("password")),
        hint=node.get("hint", ""),
        children=tuple(element(each, scale) for each in node["children"]),
    )
