"""A page of MiniWoB++ as a phone that the device server serves, so that the genuine adb operates it."""

from __future__ import annotations

import contextlib
import io

from PIL import Image

from edgewise.agent.device.coordinates import Point
from edgewise.agent.device.elements import Element
from edgewise.agent.device.errors import TypingFailed
from edgewise.agent.miniwob.device import PACKAGE, PageDevice
from edgewise.agent.phone.core import Button, Gesture, Press, Swipe, Tap, Type
from edgewise.agent.phone.faults import Plan
from edgewise.agent.phone.server.served import Shows
from edgewise.agent.phone.session import KEYBOARDS, USUAL_KEYBOARD
from edgewise.agent.phone.tree import hierarchy, node
from edgewise.common.errors import ConfigurationError

LAUNCHER = "org.edgewise.launcher"
"""A launcher that is never shown: the page is the only app."""
STILL_S = 2.0
"""Seconds that are waited after a gesture for the page to come to rest."""


class PageSession:
    """A page that is served; no faults strike, no radios are there, the display is always on.

    Args:
        device: the page.
    """

    def __init__(self, device: PageDevice) -> None:
        self.device, self.plan, self.second_display = device, Plan((), 0), False
        self.files: dict[str, bytes] = {}
        self.keyboards, self.enabled, self.keyboard = KEYBOARDS, [USUAL_KEYBOARD], USUAL_KEYBOARD
        self.settings: dict[tuple[str, str], str] = {}
        self.clipboard = ""

    def make(self, gesture: Gesture) -> None:
        with contextlib.suppress(TypingFailed, ConfigurationError):  # as on a phone: it is not heard
            self._make(gesture)
        self.device.wait_until_still(STILL_S)

    def _make(self, gesture: Gesture) -> None:
        if isinstance(gesture, Tap):
            self.device.tap(Point(gesture.x, gesture.y, "device"))
        elif isinstance(gesture, Swipe):
            end = Point(gesture.to_x, gesture.to_y, "device")
            self.device.swipe(Point(gesture.x, gesture.y, "device"), end, gesture.seconds)
        elif isinstance(gesture, Type):
            self.device.type(gesture.text, clear=gesture.clear)
        elif isinstance(gesture, Press):
            self._press(gesture.button)

    def _press(self, button: Button) -> None:
        if button == "delete":
            self.device.delete()
        elif button != "power":
            self.device.press(button)

    def image(self) -> Image.Image:
        return Image.open(io.BytesIO(self.device.screenshot())).convert("RGB")

    def screenshot(self, warned: bool = True) -> bytes:
        return self.device.screenshot()

    def tree(self) -> str:
        return hierarchy(written(self.device.tree()))

    def shows(self) -> Shows:
        size = self.device.size()
        keys = self.device.keyboard_shown()
        return Shows(size=size, upright=size, turned=False, awake=True, keys=keys, package=PACKAGE, minute=0)

    def packages(self) -> tuple[str, ...]:
        return LAUNCHER, PACKAGE

    def open_app(self, package: str) -> None:
        """There is one app, and it is open."""

    def stop_app(self, package: str) -> None:
        """The page cannot be ended."""

    def empty(self) -> None:
        self.make(Type("", clear=True))

    def switch(self, radio: str, on: bool) -> None:
        """There are no radios."""


def written(element: Element, place: int = 0) -> str:
    """An element and all in it as uiautomator writes them."""
    return node(
        element.package,
        place,
        element.box,
        f"android.{'view' if element.kind == 'View' else 'widget'}.{element.kind}",
        name=element.resource.rsplit("/", 1)[-1],
        text=element.text,
        description=element.description,
        hint=element.hint,
        inner="".join(written(each, n) for n, each in enumerate(element.children)),
        flags={
            "checkable": element.checkable,
            "checked": element.checked,
            "clickable": element.clickable,
            "enabled": element.enabled,
            "focused": element.focused,
            "scrollable": element.scrollable,
            "password": element.password,
        },
    )
