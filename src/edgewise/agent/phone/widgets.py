"""Parts that have a place on the display."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgewise.agent.phone.parts import Page, Part
from edgewise.agent.phone.state import Event, Place

Box = tuple[int, int, int, int]
"""Left, top, right, bottom; pixels; the last two are outside."""


@dataclass(frozen=True)
class Widget:
    """A part with its place.

    Attributes:
        part: what it is.
        box: where it is, before it is cut to `clip`.
        event, hold: what a touch and a long press do.
        focused: whether it takes what is typed.
        clip: outside of which nothing of it is seen or touched. If None, the display.
        bar: whether it stands in the bar of the page.
        floating: whether it floats above the list.
    """

    part: Part
    box: Box
    event: Event | None
    hold: Event | None = None
    focused: bool = False
    clip: Box | None = None
    bar: bool = False
    floating: bool = False

    @property
    def seen(self) -> Box:
        """The part of its box that is seen."""
        return self.box if self.clip is None else cut(self.box, self.clip)

    @property
    def middle(self) -> tuple[int, int]:
        """The middle of what is seen."""
        left, top, right, bottom = self.seen
        return (left + right) // 2, (top + bottom) // 2


@dataclass(frozen=True)
class Screen:
    """Everything on the display.

    Attributes:
        size: width and height, pixels.
        page: that is shown.
        body: the box that is scrolled.
        far: how far it can be scrolled, pixels.
        widgets: of the page, in the order in which they are drawn.
        keys: of the keyboard, if it is shown.
        navigation: the buttons below everything.
        dialog: box of the dialog, if there is one.
        place: that is shown.
    """

    size: tuple[int, int]
    page: Page
    body: Box
    far: int
    widgets: tuple[Widget, ...]
    keys: tuple[Widget, ...]
    navigation: tuple[Widget, ...]
    dialog: Box | None
    place: Place

    def at(self, x: int, y: int) -> Widget | None:
        """The topmost widget at a pixel that can be touched, or that covers what can."""
        for each in (*reversed(self.navigation), *reversed(self.keys)):
            if inside(each.seen, x, y):
                return each
        if self.keys and y >= min(each.box[1] for each in self.keys):
            return None
        return next((each for each in reversed(self.widgets) if inside(each.seen, x, y) and _takes(each)), None)


def _takes(widget: Widget) -> bool:
    return widget.event is not None or widget.hold is not None


def inside(box: Box, x: int, y: int) -> bool:
    """Whether a pixel is in a box."""
    return box[0] <= x < box[2] and box[1] <= y < box[3]


def cut(box: Box, clip: Box) -> Box:
    """What two boxes share; of no size where they share nothing."""
    left, top = max(box[0], clip[0]), max(box[1], clip[1])
    return left, top, max(left, min(box[2], clip[2])), max(top, min(box[3], clip[3]))


def moved(widget: Widget, right: int, down: int) -> Widget:
    """A widget elsewhere."""
    left, top, end, bottom = widget.box
    return replace(widget, box=(left + right, top + down, end + right, bottom + down))
