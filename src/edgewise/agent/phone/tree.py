"""The display as the tree of elements that Android's uiautomator writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from xml.sax.saxutils import quoteattr

from edgewise.agent.phone.core import view
from edgewise.agent.phone.state import State
from edgewise.agent.phone.widgets import Box, Screen, Widget, inside

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow; uiautomator writes a dot for each."""
CLASSES = {
    "row": "android.widget.LinearLayout",
    "switch": "android.widget.LinearLayout",
    "level": "android.widget.LinearLayout",
    "tile": "android.widget.TextView",
    "text": "android.widget.TextView",
    "heading": "android.widget.TextView",
    "bubble": "android.widget.TextView",
    "button": "android.widget.Button",
    "field": "android.widget.EditText",
    "icon": "android.widget.ImageButton",
    "picture": "android.widget.ImageView",
}
FLAGS = (
    ("checkable", False),
    ("checked", False),
    ("clickable", False),
    ("enabled", True),
    ("focusable", False),
    ("focused", False),
    ("scrollable", False),
    ("long-clickable", False),
    ("password", False),
    ("selected", False),
)
"""Attributes of every node that are true or false, and what they are where nothing is said."""


def tree(state: State) -> str:
    """The tree of the window that is shown, as XML; the keyboard and the system's bars are windows of their own."""
    screen = view(state)
    package = "android" if state.popup else f"org.edgewise.{screen.place.app}"
    nodes = [_widget(widget, package, place) for place, widget in enumerate(screen.widgets) if _seen(screen, widget)]
    scrolled = [text for text, widget in nodes if widget.clip is not None]
    fixed = [text for text, widget in nodes if widget.clip is None]
    lists = node(
        package,
        0,
        screen.body,
        "androidx.recyclerview.widget.RecyclerView",
        name="list",
        inner="".join(scrolled),
        flags={"scrollable": screen.far > 0},
    )
    inner = (lists if scrolled else "") + "".join(fixed)
    root = node(package, 0, screen.dialog or (0, 0, *screen.size), "android.widget.FrameLayout", inner=inner)
    return hierarchy(root, state.turned)


def hierarchy(root: str, turned: bool = False) -> str:
    """A tree from its root; `turned`, if the display lies on its side."""
    return (
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"
        f'<hierarchy rotation="{int(turned)}">{root}</hierarchy>'
    )


def _seen(screen: Screen, widget: Widget) -> bool:
    left, top, right, bottom = widget.seen
    covered = screen.keys and inside((0, screen.keys[0].box[1], *screen.size), left, top)
    return right > left and bottom > top and not covered


def _widget(widget: Widget, package: str, place: int) -> tuple[str, Widget]:
    part, box = widget.part, widget.seen
    inner = _children(widget, package)
    plain = part.kind in ("text", "heading", "bubble", "button", "tile")
    text = part.text if plain else ""
    hint = ""
    if part.kind == "field":
        text, hint = part.text or part.detail, part.detail
    return (
        node(
            package,
            place,
            box,
            CLASSES[part.kind],
            name=part.name,
            text=text,
            description=part.description,
            hint=hint,
            inner=inner,
            flags={
                "clickable": widget.event is not None,
                "focusable": widget.event is not None,
                "focused": widget.focused,
                "long-clickable": widget.hold is not None,
            },
        ),
        widget,
    )


def _children(widget: Widget, package: str) -> str:
    """The nodes in a row, a switch or a level: an icon, one or two texts, the switch itself."""
    part = widget.part
    if part.kind not in ("row", "switch", "level"):
        return ""
    left, top, right, bottom = widget.box
    middle, clip = (top + bottom) // 2, widget.clip or widget.box
    found: list[str] = []

    def add(box: Box, kind: str, name: str, text: str = "", flags: Mapping[str, bool] = MappingProxyType({})) -> None:
        wide, high = min(box[2], clip[2]), min(box[3], clip[3])
        seen = (max(box[0], clip[0]), max(box[1], clip[1]), wide, high)
        if seen[2] > seen[0] and seen[3] > seen[1]:
            place, sort = len(found), f"android.widget.{kind}"
            found.append(node(package, place, seen, sort, name=name, text=text, flags=flags))

    x = left + 24
    if part.glyph:
        add((x, middle - 48, x + 96, middle + 48), "ImageView", "icon")
        x += 112
    end = right - (200 if part.kind == "switch" else 480 if part.kind == "level" else 24)
    if part.detail and part.kind == "row":
        add((x, top + 12, end, middle), "TextView", "title", part.text)
        add((x, middle, end, bottom - 12), "TextView", "summary", part.detail)
    else:
        add((x, top + 12, end, bottom - 12), "TextView", "title", part.text)
    if part.kind == "switch":
        add(
            (right - 190, middle - 48, right - 24, middle + 48),
            "Switch",
            "switch",
            "",
            {"checkable": True, "checked": part.on},
        )
    if part.kind == "level":
        add((right - 380, middle - 48, right - 180, middle + 48), "TextView", "value", part.detail)
    return "".join(found)


def node(
    package: str,
    index: int,
    box: Box,
    kind: str,
    *,
    name: str = "",
    text: str = "",
    description: str = "",
    hint: str = "",
    inner: str = "",
    flags: Mapping[str, bool] = MappingProxyType({}),
) -> str:
    """A node of the tree.

    Args:
        package: of the app.
        index: its place among its siblings.
        box: left, top, right, bottom, pixels.
        kind: its whole class.
        name: in the app; empty for none.
        text, description, hint: as of `Element`.
        inner: nodes in it.
        flags: what it can and is, by the name of the attribute; what is not said is as in `FLAGS`.
    """
    resource = f"{package}:id/{name}" if name else ""
    words = (("index", str(index)), ("text", text), ("resource-id", resource), ("class", kind), ("package", package))
    attributes = "".join(f" {key}={_quoted(value)}" for key, value in (*words, ("content-desc", description)))
    switches = "".join(f' {key}="{str(flags.get(key, usual)).lower()}"' for key, usual in FLAGS)
    bounds = f' bounds="[{box[0]},{box[1]}][{box[2]},{box[3]}]"'
    hints = f" hint={_quoted(hint)}" if hint else ""
    start = f"<node{attributes}{switches}{bounds}{hints}"
    return f"{start}>{inner}</node>" if inner else f"{start} />"


def _quoted(text: str) -> str:
    return quoteattr(FORBIDDEN.sub(".", text), {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
