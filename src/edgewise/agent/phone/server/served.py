"""What the device server needs of a phone: gestures, pictures, a tree, and what a phone keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from PIL import Image

from edgewise.agent.phone.core import Gesture
from edgewise.agent.phone.faults import Plan


@dataclass(frozen=True)
class Shows:
    """What the display shows, apart from its picture.

    Attributes:
        size: width and height as it lies, pixels.
        upright: the same when it stands.
        turned: whether it lies on its side.
        awake: whether it is on.
        keys: whether the keyboard is shown.
        package: of the app.
        minute: of the day.
    """

    size: tuple[int, int]
    upright: tuple[int, int]
    turned: bool
    awake: bool
    keys: bool
    package: str
    minute: int


@runtime_checkable
class Served(Protocol):
    """A phone that can be served.

    Attributes:
        plan: of faults.
        second_display: whether there is a second display.
        files: by path.
        keyboards: input methods that are installed, the usual one first.
        enabled: those that may be chosen.
        keyboard: the one that is in use.
        settings: by namespace and name.
        clipboard: a text.
    """

    plan: Plan
    second_display: bool
    files: dict[str, bytes]
    keyboards: tuple[str, ...]
    enabled: list[str]
    keyboard: str
    settings: dict[tuple[str, str], str]
    clipboard: str

    def make(self, gesture: Gesture) -> None:
        """A gesture of a finger, a key or a text."""
        ...

    def image(self) -> Image.Image:
        """The display as a picture, as a screenshot sees it."""
        ...

    def screenshot(self, warned: bool = True) -> bytes:
        """What `screencap -p` writes; `warned`, if a warning about a second display is to be expected."""
        ...

    def tree(self) -> str:
        """What `uiautomator dump` writes into its file."""
        ...

    def shows(self) -> Shows:
        """What the display shows."""
        ...

    def packages(self) -> tuple[str, ...]:
        """Apps that can be opened, the launcher first."""
        ...

    def open_app(self, package: str) -> None:
        """Open one of them."""
        ...

    def stop_app(self, package: str) -> None:
        """End one of them."""
        ...

    def empty(self) -> None:
        """Empty the field that has the focus, if one has."""
        ...

    def switch(self, radio: str, on: bool) -> None:
        """Turn `wifi`, `mobile` or `bluetooth` on or off."""
        ...
