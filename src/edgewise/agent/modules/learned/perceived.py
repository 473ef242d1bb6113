"""Displays of the simulated phone as perception might give them: from a tree, from a poor tree, from a picture alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Literal

from edgewise.agent.device.elements import read_tree
from edgewise.agent.perception.draft import Draft
from edgewise.agent.perception.tree import screen_of, title_of
from edgewise.agent.phone.apps.catalogue import find_app
from edgewise.agent.phone.core import view
from edgewise.agent.phone.glyphs import LINES
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tree import tree
from edgewise.agent.phone.widgets import Widget
from edgewise.agent.screen import MOST, Item, Role, Screen

Way = Literal["tree", "signs", "poor", "picture"]
"""Tree; tree and signs; tree that tells no names and few descriptions; text and signs of a picture."""
WAYS: tuple[Way, ...] = ("tree", "signs", "poor", "picture")
SHARES = (0.3, 0.25, 0.15, 0.3)
"""Parts of the drawn tasks in which the phone is perceived in each way."""
UNKNOWN, CONFUSED = 0.08, 0.04
"""Chances that a sign is not recognised, or taken for another."""
MISREAD = 0.04
"""Chance that a letter of a text of a picture is another one."""
MISJUDGED = 0.12
"""Chance that what can be touched is taken for what cannot, or the reverse, in a picture."""
JOINED, BUTTONS, LISTS, FOCUS = 0.85, 0.1, 0.7, 0.9
"""Chances that texts and icons of a row are taken for one item, that the phone's own buttons are items, that a list is seen to
be one, that the field with the focus is known."""
ICON = 96
"""Side of the icon of a row, pixels."""
ROLES: dict[str, Role] = {
    "row": "row",
    "level": "row",
    "switch": "switch",
    "text": "text",
    "heading": "text",
    "bubble": "text",
    "tile": "tile",
    "button": "button",
    "field": "field",
    "icon": "icon",
    "picture": "picture",
}


def from_tree(state: State) -> Screen:
    """The display as its tree tells it."""
    return screen_of(read_tree(tree(state)), state.size, find_app(state.place.app).package, bool(view(state).keys))


def perceived(state: State, way: Way, rng: random.Random) -> Screen:
    """The display, perceived in a way.

    Args:
        state: of the phone.
        way: among `WAYS`.
        rng: of what is not recognised.
    """
    if way == "picture":
        return _from_picture(state, rng)
    screen = from_tree(state)
    if way == "tree":
        return screen
    signs = {widget.seen: widget.part.glyph for widget in view(state).widgets if widget.part.glyph}
    poor = way == "poor"
    items = tuple(
        item.model_copy(
            update={
                "sign": _sign(signs.get(item.box, ""), rng),
                "resource": "" if poor else item.resource,
                "description": "" if poor and rng.random() < 0.5 else item.description,
            }
        )
        for item in screen.items
    )
    return screen.model_copy(update={"items": items})


def _sign(name: str, rng: random.Random) -> str:
    if not name or rng.random() < UNKNOWN:
        return ""
    return rng.choice(tuple(LINES)) if rng.random() < CONFUSED else name


def _from_picture(state: State, rng: random.Random) -> Screen:
    screen = view(state)
    joined = rng.random() < JOINED
    pieces = [each for widget in screen.widgets if _seen(widget) for each in _pieces(state, widget, joined, rng)]
    if rng.random() < BUTTONS:
        pieces += [
            Draft(each.box, "icon", sign=_sign(each.part.glyph, rng), touchable=True) for each in screen.navigation
        ]
    if screen.far and rng.random() < LISTS:
        pieces.append(Draft(screen.body, "list"))
    focused = {widget.seen for widget in screen.widgets if widget.focused and rng.random() < FOCUS}
    pieces.sort(key=lambda each: (each.box[1], each.box[0]))
    items = tuple(
        Item(
            number=number,
            box=each.box,
            role=each.role,
            text=_read(each.text, rng),
            detail=_read(each.detail, rng),
            description=_read(each.description, rng),
            sign=each.sign,
            touchable=each.touchable != (rng.random() < MISJUDGED),
            holdable=each.holdable,
            focused=each.role == "field" and each.box in focused,
            scrollable=each.role == "list",
            checked=each.checked,
        )
        for number, each in enumerate(pieces[:MOST])
    )
    return Screen(
        width=state.size[0],
        height=state.size[1],
        items=items,
        app=find_app(state.place.app).package,
        title=title_of(items, state.size[1]),
        keyboard=bool(screen.keys),
    )


def _seen(widget: Widget) -> bool:
    left, top, right, bottom = widget.seen
    return right - left > 20 and bottom - top > 20


def _pieces(state: State, widget: Widget, joined: bool, rng: random.Random) -> Iterator[Draft]:
    """What is seen of a widget.

    Args:
        state: of the phone.
        widget: on its display.
        joined: whether what stands in a row is taken for one item, as the perception of pictures mostly does.
        rng: of what is not recognised.
    """
    part, box = widget.part, widget.seen
    touchable = widget.event is not None
    sign = _sign(part.glyph, rng)
    if part.kind == "icon":
        words = state.skin.words and widget.bar and part.text
        beside = part.description.rpartition(":")[0] if joined else ""  # of a level: what stands in its row
        if words:
            yield Draft(box, "button", part.text, touchable=True)
        else:
            yield Draft(box, "icon", description=beside, sign=sign, touchable=True)
    elif part.kind == "field":
        hinted = not part.text
        text, hint = ("", part.detail) if hinted and joined else (part.text or part.detail, "")
        yield Draft(box, "field" if rng.random() < 0.8 else "text", text, hint, touchable=True)
    elif part.kind in ("row", "switch", "level") and not joined:
        yield from _apart(widget, sign, touchable)
    elif part.kind in ("row", "switch", "level"):
        whole = bool(part.glyph or part.detail or part.kind == "switch")  # else only a text is seen
        role = ROLES[part.kind] if whole else "text"
        on = part.on if part.kind == "switch" else None
        yield Draft(box, role, part.text, part.detail, "", sign, whole, whole, on)
    elif part.kind == "picture":
        if not joined:
            yield Draft(box, "picture", sign=sign)
    else:
        yield Draft(box, ROLES[part.kind], part.text, part.detail, "", "" if part.kind == "button" else sign, touchable)


def _apart(widget: Widget, sign: str, touchable: bool) -> Iterator[Draft]:
    part, (left, top, right, bottom) = widget.part, widget.seen
    middle = (top + bottom) // 2
    start = left + 24
    if part.glyph:
        box = (start, middle - ICON // 2, start + ICON, middle + ICON // 2)
        yield Draft(box, "icon", sign=sign, touchable=touchable)
        start += ICON + 16
    end = min(right - 24, start + 24 * max(3, len(part.text)))
    if part.detail and part.kind == "row":
        yield Draft((start, top + 12, end, middle), "text", part.text, touchable=touchable)
        low = (start, middle, end, max(middle + 1, bottom - 12))
        yield Draft(low, "text", part.detail, touchable=touchable)
    else:
        yield Draft((start, top + 12, end, max(top + 13, bottom - 12)), "text", part.text, touchable=touchable)
    if part.kind == "switch":
        box = (right - 190, middle - 48, right - 24, middle + 48)
        yield Draft(box, "switch", touchable=touchable, checked=part.on)
    if part.kind == "level":
        yield Draft((right - 380, middle - 48, right - 180, middle + 48), "text", part.detail)


def _read(text: str, rng: random.Random) -> str:
    if len(text) < 4 or rng.random() > MISREAD * min(len(text), 12) / 4:
        return text
    place = rng.randrange(len(text))
    return text[:place] + rng.choice("lioacetnr1") + text[place + 1 :]
