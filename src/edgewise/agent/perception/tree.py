"""The tree of elements as a screen: what is in something that can be touched becomes one item with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgewise.agent.device.elements import Element
from edgewise.agent.screen import LONGEST, MOST, Box, Item, Role, Screen

ROLES: dict[str, Role] = {
    "Button": "button",
    "CheckBox": "switch",
    "EditText": "field",
    "AutoCompleteTextView": "field",
    "FloatingActionButton": "icon",
    "ImageButton": "icon",
    "ImageView": "picture",
    "RadioButton": "switch",
    "Switch": "switch",
    "SwitchCompat": "switch",
    "TextView": "text",
    "ToggleButton": "switch",
    "LinearLayout": "row",
    "RelativeLayout": "row",
    "ConstraintLayout": "row",
}
"""What an element of a class looks like; a touchable element of any other class is `other`."""
TITLE_SHARE = 0.12
"""Share of the display's height, from the top, in which a page's title stands."""


@dataclass(frozen=True)
class _Found:
    element: Element
    inner: tuple[Element, ...]
    role: Role


def screen_of(root: Element, size: tuple[int, int], app: str = "", keyboard: bool = False, picture: str = "") -> Screen:
    """The screen that a tree tells of.

    Args:
        root: of the tree.
        size: width and height of the display as it lies, pixels.
        app: package of the app that is shown. If empty, that of the tree's root.
        keyboard: whether the keyboard is shown.
        picture: digest of the picture.
    """
    found = [each for each in _found(root) if _area(each.element.box) > 0]
    if len(found) > MOST:
        largest = sorted(found, key=lambda each: -_area(each.element.box))[:MOST]
        found = [each for each in found if each in largest]
    found.sort(key=lambda each: (each.element.box[1], each.element.box[0]))
    items = tuple(_item(number, each) for number, each in enumerate(found))
    return Screen(
        width=size[0],
        height=size[1],
        items=items,
        app=app or root.package,
        title=title_of(items, size[1]),
        keyboard=keyboard,
        picture=picture,
    )


def title_of(items: tuple[Item, ...], height: int) -> str:
    """Text of the uppermost item that is only text, if it stands where titles do; else nothing."""
    texts = [each for each in items if each.role in ("heading", "text") and each.text and not each.touchable]
    high = [each for each in texts if each.middle[1] < TITLE_SHARE * height]
    return high[0].text if high else ""


def _area(box: Box) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def _found(element: Element) -> Iterator[_Found]:
    """Elements that become items: whatever can be touched, and outside of these what says something."""
    role = ROLES.get(element.kind, "other")
    if element.clickable or element.long_clickable or element.checkable or role == "field":
        yield _Found(element, tuple(_in(element)), _role(element, role))
        for child in element.children:
            yield from _touchable(child)
        return
    if element.scrollable:
        yield _Found(element, (), "list")
    elif not element.children and (element.text or element.description):
        yield _Found(element, (), role)
    elif _is_line(element):
        yield _Found(element, tuple(_in(element)), "row")
        return
    for child in element.children:
        yield from _found(child)


def _is_line(element: Element) -> bool:
    """Whether an element is a row that only tells something: a few texts beside one another, nothing to touch."""
    inner = tuple(element.walk())[1:]
    plain = not any(each.clickable or each.long_clickable or each.scrollable or each.children for each in inner)
    return plain and element.resource != "" and 0 < sum(bool(each.text) for each in inner) <= 3


def _touchable(element: Element) -> Iterator[_Found]:
    """Elements in one that can be touched, that can be touched by themselves."""
    if element.clickable or element.long_clickable:
        yield from _found(element)
        return
    for child in element.children:
        yield from _touchable(child)


def _in(element: Element) -> Iterator[Element]:
    """What is in an element and cannot be touched by itself."""
    for child in element.children:
        if not (child.clickable or child.long_clickable):
            yield child
            yield from _in(child)


def _role(element: Element, role: Role) -> Role:
    if role in ("row", "other") and any(each.checkable for each in element.walk()):
        return "switch"
    return "tile" if role == "text" else role


def _item(number: int, found: _Found) -> Item:
    element = found.element
    everything = (element, *found.inner)
    texts = [each.text for each in everything if each.text]
    if found.role == "field":
        empty = element.text == element.hint
        texts = ["" if empty else element.text, element.hint]
    switches = [each.checked for each in everything if each.checkable]
    described = next((each.description for each in everything if each.description), "")
    return Item(
        number=number,
        box=element.box,
        role=found.role,
        text=_cut(texts[0] if texts else ""),
        detail=_cut(" ".join(texts[1:])),
        description=_cut(described),
        resource=_cut(element.resource.rsplit("/", 1)[-1]),
        touchable=element.enabled and (element.clickable or element.checkable or found.role == "field"),
        holdable=element.enabled and element.long_clickable,
        focused=any(each.focused for each in everything),
        scrollable=element.scrollable,
        checked=switches[0] if switches else None,
    )


def _cut(text: str) -> str:
    return text[:LONGEST]
