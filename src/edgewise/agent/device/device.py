"""What an agent needs of a phone."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from edgewise.agent.device.coordinates import Point
from edgewise.agent.device.elements import Element

Key = Literal["back", "home", "enter", "recents"]


@runtime_checkable
class Device(Protocol):
    """A phone. Every method raises `errors.DeviceError` for what goes wrong with it.

    Points may be in device pixels or relative; those of an image are turned into one of these by `Frame`.
    """

    serial: str

    def size(self) -> tuple[int, int]:
        """Width and height of the display as it lies, pixels."""
        ...

    def screenshot(self) -> bytes:
        """The display as a whole PNG file."""
        ...

    def tree(self) -> Element:
        """The tree of elements."""
        ...

    def tap(self, point: Point) -> None:
        """Touch a point."""
        ...

    def double_tap(self, point: Point) -> None:
        """Touch a point twice."""
        ...

    def long_press(self, point: Point) -> None:
        """Hold a point for a second."""
        ...

    def swipe(self, start: Point, end: Point, seconds: float = 0.3) -> None:
        """Move a finger."""
        ...

    def type(self, text: str, *, clear: bool = False, submit: bool = False) -> None:
        """Put text into the field that has the focus.

        Args:
            text: any characters.
            clear: whether what stands in the field is removed first.
            submit: whether "enter" follows.
        """
        ...

    def press(self, key: Key) -> None:
        """Press a button of the phone."""
        ...

    def open_app(self, package: str) -> None:
        """Open an app by the name of its package."""
        ...

    def foreground(self) -> str:
        """The package of the app that is shown."""
        ...

    def keyboard_shown(self) -> bool:
        """Whether the keyboard is shown."""
        ...

    def wait_until_still(self, seconds: float = 5.0) -> bool:
        """Wait until two pictures in a row are the same; whether they were before the time was over."""
        ...
