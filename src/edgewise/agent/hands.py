"""Actions as what a phone is told to do."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgewise.agent.actions import Action
from edgewise.agent.device.coordinates import Point
from edgewise.agent.device.device import Device
from edgewise.agent.screen import Box, Screen
from edgewise.common.errors import EdgewiseError

SCROLL = 0.6
"""Share of a list that a swipe scrolls."""
SIGNS = {"down": (0, -1), "up": (0, 1), "right": (-1, 0), "left": (1, 0)}
"""Where the finger moves, right and down, so that more is seen in a direction."""
MADE = frozenset({"tap", "double_tap", "long_press", "swipe", "scroll", "type", "press", "open_app", "wait"})
"""Kinds of actions that are made on the phone; the others are answers to the user."""


class NoSuchItem(EdgewiseError):
    """An action names an item that the screen does not have."""


def box_of(screen: Screen, number: int) -> Box:
    """Box of an item.

    Raises:
        NoSuchItem: if there is none.
    """
    if number >= len(screen.items):
        raise NoSuchItem(f"there is no item {number} on a screen of {len(screen.items)}")
    return screen.items[number].box


def scrolled_box(screen: Screen, number: int | None) -> Box:
    """The box that is scrolled: that of an item, else of the largest that scrolls, else the display."""
    if number is not None and screen.items[number].scrollable:
        return screen.items[number].box
    lists = [each.box for each in screen.items if each.scrollable]
    whole = (0, 0, screen.width, screen.height)
    return max(lists, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]), default=whole)


def points_of(screen: Screen, action: Action) -> tuple[tuple[int, int], ...]:
    """Where an action touches: one pixel, or the first and the last of a swipe; none for other actions.

    Raises:
        NoSuchItem: if it names an item that the screen does not have.
    """
    if action.item is not None:
        left, top, right, bottom = box_of(screen, action.item)
        if action.kind in ("tap", "double_tap", "long_press"):
            return (((left + right) // 2, (top + bottom) // 2),)
    if action.kind == "swipe" and action.start is not None and action.end is not None:
        wide, high = screen.width - 1, screen.height - 1
        (a, b), (c, d) = action.start, action.end
        return (round(a * wide / 1000), round(b * high / 1000)), (round(c * wide / 1000), round(d * high / 1000))
    if action.kind == "scroll" and action.direction is not None:
        left, top, right, bottom = scrolled_box(screen, action.item)
        x, y = (left + right) // 2, (top + bottom) // 2
        over, down = SIGNS[action.direction]
        across, along = round(SCROLL * (right - left) / 2), round(SCROLL * (bottom - top) / 2)
        return (x - over * across, y - down * along), (x + over * across, y + down * along)
    return ()


def perform(device: Device, screen: Screen, action: Action, sleep: Callable[[float], None] = time.sleep) -> None:
    """Do an action that is made on the phone.

    Raises:
        NoSuchItem: if it names an item that the screen does not have.
        DeviceError: as the phone does.
    """
    points = [Point(x, y, "device") for x, y in points_of(screen, action)]
    if action.kind == "tap":
        device.tap(*points)
    elif action.kind == "double_tap":
        device.double_tap(*points)
    elif action.kind == "long_press":
        device.long_press(*points)
    elif action.kind in ("swipe", "scroll"):
        start, end = points
        device.swipe(start, end)
    elif action.kind == "type":
        device.type(action.text, clear=action.clear, submit=action.submit)
    elif action.kind == "press" and action.key is not None:
        device.press(action.key)
    elif action.kind == "open_app":
        device.open_app(action.text)
    elif action.kind == "wait":
        sleep(action.seconds)
