"""The keyboard on the display."""

from __future__ import annotations

from edgewise.agent.phone.parts import Part
from edgewise.agent.phone.state import Event, State
from edgewise.agent.phone.widgets import Widget

ROWS = {
    "lower": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "upper": ("QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM"),
    "digits": ("1234567890", "@#€&-+()/", "*':;!?\""),
}
KEY, LOW_KEY = 160, 110
"""Height of a key, pixels: on the upright display, and on one that lies on its side."""


def keyboard(state: State, wide: int, foot: int) -> tuple[tuple[Widget, ...], int]:
    """The keys and the height at which they begin.

    Args:
        state: the phone.
        wide: width of the display, pixels.
        foot: where the keyboard ends, pixels.
    """
    tall = LOW_KEY if state.turned else KEY
    top = foot - 4 * tall
    found = []
    first, second, third = ROWS[state.keys]
    for row, letters in enumerate((first, second)):
        side = wide / 10
        left = (wide - side * len(letters)) / 2
        found += [_key(each, left + n * side, top + row * tall, side, tall) for n, each in enumerate(letters)]
    side = wide / 10
    found.append(_key("shift", 0, top + 2 * tall, 1.5 * side, tall))
    found += [_key(each, (1.5 + n) * side, top + 2 * tall, side, tall) for n, each in enumerate(third)]
    found.append(_key("delete", 8.5 * side, top + 2 * tall, 1.5 * side, tall))
    low = top + 3 * tall
    found += [
        _key("digits", 0, low, 1.5 * side, tall),
        _key(",", 1.5 * side, low, side, tall),
        _key(" ", 2.5 * side, low, 5 * side, tall),
    ]
    found += [_key(".", 7.5 * side, low, side, tall), _key("enter", 8.5 * side, low, 1.5 * side, tall)]
    return tuple(found), top


def _key(name: str, left: float, top: int, side: float, tall: int) -> Widget:
    event = Event("key", name)
    part = Part(
        "button", f"key_{name}", name if len(name) == 1 else "", glyph=name if len(name) > 1 else "", event=event
    )
    return Widget(part, (round(left), top, round(left + side), top + tall), event)
