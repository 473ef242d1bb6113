"""Trees of elements, as Android's uiautomator writes them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from edgewise.agent.device.coordinates import Point
from edgewise.agent.device.errors import CommandFailed

BOUNDS = re.compile(r"\[(-?\d+),(-?\d+)\]\[(-?\d+),(-?\d+)\]")

TEXTS = {
    "text": "text",
    "description": "content-desc",
    "resource": "resource-id",
    "kind": "class",
    "package": "package",
    "hint": "hint",
}
FLAGS = ("clickable", "long_clickable", "checkable", "checked", "enabled", "focused", "scrollable", "password")
"""Fields of an element that XML has as attributes: texts with the attribute's name, and what is true or false."""


@dataclass(frozen=True)
class Element:
    """An element of a page.

    Attributes:
        text: that is written on it.
        description: what a screen reader says.
        resource: its name in the app.
        kind: last part of its class, such as `Button`.
        package: of the app.
        box: left, top, right, bottom, device pixels.
        clickable, long_clickable, checkable, checked, enabled, focused, scrollable, password: what it can and is.
        hint: what a field says while it is empty.
        children: elements in it.
    """

    text: str
    description: str
    resource: str
    kind: str
    package: str
    box: tuple[int, int, int, int]
    clickable: bool
    long_clickable: bool
    checkable: bool
    checked: bool
    enabled: bool
    focused: bool
    scrollable: bool
    password: bool
    hint: str
    children: tuple[Element, ...]

    @property
    def middle(self) -> Point:
        """Its middle, device pixels."""
        left, top, right, bottom = self.box
        return Point((left + right) / 2, (top + bottom) / 2, "device")

    def walk(self) -> Iterator[Element]:
        """It and all elements in it."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_tree(text: str) -> Element:
    """The root of a tree in XML.

    Raises:
        CommandFailed: if it is none.
    """
    try:
        root = ET.fromstring(text.encode())
    except ET.ParseError as error:
        raise CommandFailed(f"the tree of elements is not XML ({error})") from None
    nodes = root.findall("node") if root.tag == "hierarchy" else []
    if not nodes:
        raise CommandFailed("the tree of elements has no element")
    return _element(nodes[0])


def _element(node: ET.Element) -> Element:
    def true(name: str) -> bool:
        return node.get(name) == "true"

    found = BOUNDS.fullmatch(node.get("bounds", ""))
    left, top, right, bottom = (int(each) for each in found.groups()) if found else (0, 0, 0, 0)
    return Element(
        text=node.get("text", ""),
        description=node.get("content-desc", ""),
        resource=node.get("resource-id", ""),
        kind=node.get("class", "").rsplit(".", 1)[-1],
        package=node.get("package", ""),
        box=(left, top, right, bottom),
        clickable=true("clickable"),
        long_clickable=true("long-clickable"),
        checkable=true("checkable"),
        checked=true("checked"),
        enabled=true("enabled"),
        focused=true("focused"),
        scrollable=true("scrollable"),
        password=true("password"),
        hint=node.get("hint", ""),
        children=tuple(_element(child) for child in node.findall("node")),
    )


def write_tree(root: Element) -> str:
    """A tree in XML, as `read_tree` takes it."""
    tree = ET.Element("hierarchy", {"rotation": "0"})
    _write(root, tree)
    return ET.tostring(tree, encoding="unicode")


def _write(element: Element, parent: ET.Element) -> None:
    told = {attribute: getattr(element, name) for name, attribute in TEXTS.items()}
    flags = {name.replace("_", "-"): "true" for name in FLAGS if getattr(element, name)}
    left, top, right, bottom = element.box
    bounds = {"bounds": f"[{left},{top}][{right},{bottom}]"}
    node = ET.SubElement(parent, "node", {name: text for name, text in told.items() if text} | flags | bounds)
    for child in element.children:
        _write(child, node)
