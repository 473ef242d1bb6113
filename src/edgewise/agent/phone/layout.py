"""Where the parts of a page stand on the display."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgewise.agent.phone.keyboard import keyboard
from edgewise.agent.phone.parts import Page, Part, icon
from edgewise.agent.phone.state import Event, Place, State
from edgewise.agent.phone.text import lines, width
from edgewise.agent.phone.widgets import Box, Screen, Widget, moved

STATUS, BAR, NAVIGATION, BOTTOM, TILE = 80, 150, 120, 160, 330
"""Heights of the status bar, the bar of a page, the buttons below, the row above them, a tile of the launcher, pixels."""
ICON = 120
"""Side of the square in which an icon can be touched, pixels."""
FLOATING = 168
"""Side of an action that floats, pixels."""
NARROWEST_DIALOG = 860
"""Width of dialogs, pixels."""


def arranged(state: State, page: Page) -> Screen:
    """Everything on the display, in the order in which it is drawn."""
    wide, high = state.size
    foot = high - NAVIGATION
    keys, top_of_keys = keyboard(state, wide, foot) if state.focus else ((), foot)
    navigation = _navigation(wide, foot, high)
    if page.dialog:
        box, widgets = _dialog(state, page.body, wide, high)
        return Screen(state.size, page, box, 0, tuple(widgets), keys, navigation, box, state.place)
    head = STATUS + (BAR if page.title or page.actions else 0)
    floor = top_of_keys - (BOTTOM if page.bottom else 0)
    body = (0, head, wide, floor)
    stacked, length = _grid(state, page, wide) if page.grid else _stacked(state, page.body, wide)
    room = length + (FLOATING if page.main and state.skin.floating else 0)
    far = max(0, room - (floor - head))
    shift = min(state.place.scroll, far)
    widgets = [replace(moved(each, 0, head - shift), clip=body) for each in stacked]
    shown = tuple(_focused(state, each) for each in widgets if each.box[3] > head and each.box[1] < floor)
    fixed = (*_bar(state, page, wide), *_bottom(state, page, wide, floor), *_floating(state, page, wide, floor))
    fixed = tuple(_focused(state, each) for each in fixed)
    return Screen(state.size, page, body, far, (*shown, *fixed), keys, navigation, None, state.place)


def with_popup(state: State, screen: Screen) -> Screen:
    """The display with a dialog over everything, which lets nothing below it be touched."""
    parts = (Part("text", "message", state.popup), Part("button", "ok", "OK", event=Event("dismiss")))
    box, widgets = _dialog(state, parts, *state.size)
    page = replace(screen.page, dialog=True)
    return Screen(state.size, page, box, 0, tuple(widgets), (), screen.navigation, box, Place("android", "popup"))


def _focused(state: State, widget: Widget) -> Widget:
    event = widget.event
    held = bool(state.focus) and event is not None and event.kind == "focus" and event.name == state.focus
    return replace(widget, focused=True) if held else widget


def height(state: State, part: Part, wide: int) -> int:
    """Height of a part in a list, pixels."""
    skin = state.skin
    if part.kind in ("text", "heading"):
        room = wide - 2 * skin.margin
        return len(lines(part.text, skin.font, skin.letter, room)) * round(1.4 * skin.letter) + 40
    if part.kind == "bubble":
        return len(lines(part.text, skin.font, skin.letter, _bubble(wide))) * round(1.4 * skin.letter) + 76
    if part.kind == "picture":
        return 420
    return skin.row


def _bubble(wide: int) -> int:
    return round(0.66 * wide)


def _stacked(state: State, parts: tuple[Part, ...], wide: int) -> tuple[list[Widget], int]:
    """Parts below one another from 0 on, and their length, pixels."""
    found: list[Widget] = []
    top = 0
    for part in parts:
        tall = height(state, part, wide)
        found += _placed(state, part, (0, top, wide, top + tall))
        top += tall
    return found, top


def _placed(state: State, part: Part, box: Box) -> Iterator[Widget]:
    left, top, right, bottom = box
    margin = state.skin.margin
    if part.kind == "button":
        yield Widget(part, (left + margin, top + 16, right - margin, bottom - 16), part.event)
    elif part.kind == "field":
        yield Widget(part, (left + margin, top + 12, right - margin, bottom - 12), part.event)
    elif part.kind == "bubble":
        long = lines(part.text, state.skin.font, state.skin.letter, _bubble(right - left))
        wide = _bubble(right - left) if len(long) > 1 else _text_width(state, long[0])
        box = (right - margin - wide - 64, top + 12, right - margin, bottom - 12)
        yield Widget(part, box if part.own else (left + margin, top + 12, left + margin + wide + 64, bottom - 12), None)
    elif part.kind == "level":
        yield Widget(part, box, None)
        middle = (top + bottom) // 2
        for name, glyph, event, end in (
            ("less", "minus", part.less, right - margin - ICON - 220),
            ("more", "plus", part.event, right - margin),
        ):
            sign = Part("icon", f"{part.name}_{name}", glyph=glyph, description=f"{part.text}: {name}", event=event)
            yield Widget(sign, (end - ICON, middle - ICON // 2, end, middle + ICON // 2), event)
    else:
        yield Widget(part, box, part.event, part.hold)


def _text_width(state: State, text: str) -> int:
    return max(60, round(width(text, state.skin.font, state.skin.letter)))


def _grid(state: State, page: Page, wide: int) -> tuple[list[Widget], int]:
    columns = page.grid * (2 if state.turned else 1)
    side, top = wide // columns, 60
    found = []
    for place, part in enumerate(page.body):
        row, column = divmod(place, columns)
        box = (column * side, top + row * TILE, (column + 1) * side, top + (row + 1) * TILE)
        found.append(Widget(part, box, part.event, part.hold))
    return found, top + TILE * -(-len(page.body) // columns)


def _bar(state: State, page: Page, wide: int) -> Iterator[Widget]:
    if not page.title and not page.actions:
        return
    middle = STATUS + BAR // 2
    left, right = 12, wide - 12
    if page.back and len(state.stack) > 1:
        part = icon(state, "back", "back", Event("back"))
        yield Widget(part, (left, middle - ICON // 2, left + ICON, middle + ICON // 2), part.event, bar=True)
        left += ICON
    main = () if page.main is None or state.skin.floating else (page.main,)
    for part in reversed((*page.actions, *main)):
        wide_part = ICON if not state.skin.words else max(ICON, _text_width(state, part.text) + 40)
        box = (right - wide_part, middle - ICON // 2, right, middle + ICON // 2)
        yield Widget(part, box, part.event, bar=True)
        right -= wide_part
    title = Part("heading", "title", page.title)
    yield Widget(title, (left + 16, STATUS, right, STATUS + BAR), None, bar=True)


def _bottom(state: State, page: Page, wide: int, floor: int) -> Iterator[Widget]:
    right = wide - 12
    for part in reversed(page.bottom):
        if part.kind == "icon":
            box = (right - ICON, floor + 20, right, floor + 20 + ICON)
            right -= ICON + 12
        else:
            box = (state.skin.margin, floor + 14, right, floor + BOTTOM - 14)
        yield Widget(part, box, part.event)


def _floating(state: State, page: Page, wide: int, floor: int) -> Iterator[Widget]:
    if page.main is not None and state.skin.floating:
        right, low = wide - 48, floor - 48
        yield Widget(page.main, (right - FLOATING, low - FLOATING, right, low), page.main.event, floating=True)


def _dialog(state: State, parts: tuple[Part, ...], wide: int, high: int) -> tuple[Box, list[Widget]]:
    narrow = min(NARROWEST_DIALOG, wide - 120)
    stacked, length = _stacked(state, parts, narrow)
    left, top = (wide - narrow) // 2, (high - length) // 2
    box = (left, top - 32, left + narrow, top + length + 32)
    return box, [moved(each, left, top) for each in stacked]


def _navigation(wide: int, top: int, bottom: int) -> tuple[Widget, ...]:
    third = wide // 3
    events = (("back", Event("back")), ("home", Event("home")), ("recents", Event("key", "recents")))
    return tuple(
        Widget(
            Part("icon", name, glyph=f"navigate {name}", event=event), (n * third, top, (n + 1) * third, bottom), event
        )
        for n, (name, event) in enumerate(events)
    )
