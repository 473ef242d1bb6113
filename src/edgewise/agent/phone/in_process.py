"""The simulated phone as a device within this process: no adb, no port, no waiting."""

from __future__ import annotations

import time

from edgewise.agent.device.coordinates import Frame, Point
from edgewise.agent.device.device import Key
from edgewise.agent.device.elements import Element, read_tree
from edgewise.agent.device.errors import CommandFailed, KeyboardDenied, NullRoot, TreeNotIdle, TypingFailed
from edgewise.agent.device.images import check_not_black, whole_png
from edgewise.agent.phone.apps.catalogue import find_app, of_package
from edgewise.agent.phone.core import Gesture, Open, Press, Swipe, Tap, Type, view
from edgewise.agent.phone.session import Session

HOLD_S = 1.0
"""Seconds of a long press."""
LOOK_EVERY_S = 0.05
"""Seconds between two looks while waiting."""


class SimulatedDevice:
    """A simulated phone in this process; the same faults strike as behind adb, but for those of the connection.

    Args:
        session: the phone.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.serial = session, "simulated"

    def size(self) -> tuple[int, int]:
        return self.session.shown.size

    def screenshot(self) -> bytes:
        data = whole_png(self.session.screenshot())
        check_not_black(data)
        return data

    def tree(self) -> Element:
        if self.session.plan.strikes("tree-not-idle"):
            raise TreeNotIdle("the page does not come to rest")
        if self.session.plan.strikes("null-root"):
            raise NullRoot("no window gives a tree of elements")
        return read_tree(self.session.tree())

    def _pixel(self, point: Point) -> tuple[int, int]:
        if point.space == "image":
            raise CommandFailed("a point of an image has to be turned into the device's space first")
        return Frame(self.size(), self.size()).pixel(point)

    def make(self, gesture: Gesture) -> None:
        """Make a gesture of the simulated phone's own."""
        self.session.make(gesture)

    def tap(self, point: Point) -> None:
        self.make(Tap(*self._pixel(point)))

    def double_tap(self, point: Point) -> None:
        self.tap(point)
        self.tap(point)

    def long_press(self, point: Point) -> None:
        self.make(Swipe(*self._pixel(point), *self._pixel(point), HOLD_S))

    def swipe(self, start: Point, end: Point, seconds: float = 0.3) -> None:
        self.make(Swipe(*self._pixel(start), *self._pixel(end), seconds))

    def type(self, text: str, *, clear: bool = False, submit: bool = False) -> None:
        state = self.session.state
        if not state.focus:
            raise TypingFailed("no field has the focus")
        if not text.isascii() and self.session.plan.strikes("keyboard-denied"):
            raise KeyboardDenied("the phone does not let its keyboard be changed")
        if text or clear:
            self.make(Type(text, clear))
        if submit:
            self.press("enter")

    def press(self, key: Key) -> None:
        self.make(Press(key))

    def open_app(self, package: str) -> None:
        app = of_package(package)
        if app is None:
            raise CommandFailed(f"no app {package} that can be opened")
        self.make(Open(app.name))

    def foreground(self) -> str:
        return find_app(self.session.shown.place.app).package

    def keyboard_shown(self) -> bool:
        return bool(view(self.session.shown).keys)

    def wait_until_still(self, seconds: float = 5.0) -> bool:
        end = time.monotonic() + seconds
        while self.session.shown is not self.session.state:
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_EVERY_S)
        return True
