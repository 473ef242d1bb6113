"""A scripted teacher: for some tasks of MiniWoB++, everything that is right on a page.

It knows what the instruction's author meant and, where the page hides something, how a person would look for it. It is not an
agent, and no agent asks it: agents learn from what it has shown on seeds that they are never tested on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgewise.agent.modules.interfaces import Decision, Past
from edgewise.agent.screen import Item, Screen

QUOTED = re.compile(r'"([^"]*)"')
LISTED = re.compile(r"^Select (.*?)(?: from the (?:scroll )?list)? and click Submit\.$")
ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)\b")
SUBMIT = ("Submit", "Login", "OK")
"""Buttons that send a form off."""


@dataclass(frozen=True)
class Act:
    """Something that is right.

    Attributes:
        decision: what is done.
        text: that is typed, if it types.
    """

    decision: Decision
    text: str = ""


@dataclass(frozen=True)
class Page:
    """What a teacher is shown.

    Attributes:
        instruction: of the page.
        screen: of it.
        past: what was done, the oldest first.
    """

    instruction: str
    screen: Screen
    past: tuple[Past, ...] = ()

    @property
    def quotes(self) -> list[str]:
        """Quoted texts of the instruction."""
        return QUOTED.findall(self.instruction)

    @property
    def listed(self) -> set[str]:
        """What is to be selected."""
        found = LISTED.match(self.instruction)
        return set() if found is None or found[1] == "nothing" else set(found[1].split(", "))

    def touchable(self, *names: str) -> list[Item]:
        """Items that can be touched and are called so, by their text, description or resource."""
        return [
            each
            for each in self.screen.items
            if each.touchable and {each.text, each.description, each.resource} & set(names)
        ]

    @property
    def fields(self) -> list[Item]:
        """Fields that can be typed into, from the top down."""
        return [each for each in self.screen.items if each.role == "field" and each.touchable]

    def tapped(self) -> str:
        """Label of what was tapped last; empty if nothing was."""
        return next((each.target for each in reversed(self.past) if each.action.kind == "tap"), "")


Teacher = Callable[[Page], list[Act]]


def taps(items: Sequence[Item]) -> list[Act]:
    """To touch any of some items."""
    return [Act(Decision(kind="tap", item=each.number)) for each in items]


def submit(page: Page) -> list[Act]:
    """To send the form off."""
    return taps([each for each in page.touchable(*SUBMIT) if each.role == "button"])


def _called(page: Page) -> list[Act]:
    name = page.quotes[0]
    return taps(page.touchable("Close" if name == "x" else name))


def _button(page: Page) -> list[Act]:
    named = next((each for each in ("ONE", "TWO") if each in page.instruction), "")
    if "then click" in page.instruction and page.tapped() == "ONE":
        named = "TWO"
    return taps(page.touchable(named) if named else [each for each in page.screen.items if each.role == "button"])


def _ticks(page: Page) -> list[Act]:
    boxes = [each for each in page.screen.items if each.checked is not None]
    wrong = [each for each in boxes if each.checked != (each.text in page.listed)]
    return taps(wrong) or submit(page)


def _choice(page: Page) -> list[Act]:
    boxes = [each for each in page.screen.items if each.checked is not None]
    wanted = [each for each in boxes if each.text in page.listed]
    return taps([each for each in wanted if not each.checked]) or submit(page)


def _list(page: Page) -> list[Act]:
    choices = [each for each in page.screen.items if each.checked is not None]
    if choices:  # the picker
        wrong = [each for each in choices if each.checked != (each.text in page.listed)]
        return taps(wrong) or taps(page.touchable("OK"))
    (chosen,) = page.touchable("options")
    if set(chosen.text.split(", ")) - {""} == page.listed:
        return submit(page)
    return taps([chosen])


def _single(page: Page) -> list[Act]:
    wanted = LISTED.match(page.instruction)
    text = wanted[1] if wanted else ""
    lists = page.touchable("options")
    if not lists:
        return taps(page.touchable(text))
    return submit(page) if lists[0].text == text else taps(lists)


def _section(page: Page) -> list[Act]:
    header = [each for each in page.screen.items if each.text.startswith("Section #")]
    opened = page.tapped().startswith("Section #")
    return submit(page) if opened else taps(header)


def _search(prefix: str) -> Teacher:
    """To look for a link in one part after another, in their order, and touch it where it is."""

    def teach(page: Page) -> list[Act]:
        wanted = [each for each in page.touchable(page.quotes[0]) if "ui-id" not in each.resource]
        if wanted:
            return taps(wanted)
        parts = [each for each in page.screen.items if each.resource.startswith("ui-id")]
        last = next((n for n, each in enumerate(parts) if each.text == page.tapped()), None)
        following = (1 if prefix == "Tab" else 0) if last is None else (last + 1) % len(parts)
        return taps(parts[following : following + 1])

    return teach


def _tab(page: Page) -> list[Act]:
    found = re.search(r"Tab #\d", page.instruction)
    return taps(page.touchable(found[0])) if found else []


def _colour(page: Page) -> list[Act]:
    return taps(page.touchable(page.instruction.split()[3]))


def _widget(page: Page) -> list[Act]:
    kind = page.quotes[0]
    return taps([each for each in page.screen.items if each.touchable and _kind(each) == kind])


def _kind(item: Item) -> str:
    if item.role == "button":
        return "button"
    if item.role == "field":
        return "textarea" if item.resource == "textarea" else "text"
    return item.resource


def _email(page: Page) -> list[Act]:
    found = re.search(r"by (\S+)", page.instruction)
    sender = found[1] if found else ""
    if "reply" in page.instruction:
        return _reply(page, sender)
    icon = "trash" if "trash" in page.instruction else "star"
    return _beside(page, sender, icon)


def _beside(page: Page, sender: str, icon: str) -> list[Act]:
    """An icon in the row of a sender, or the icon of the email that is open."""
    icons = page.touchable(icon)
    rows = _rows(page, sender)
    within = [each for each in icons if any(row.box[1] <= each.middle[1] < row.box[3] for row in rows)]
    opened = not rows and any(each.text == sender for each in page.screen.items)
    return taps(within or (icons if opened else [])) or _scroll(page)


def _rows(page: Page, sender: str) -> list[Item]:
    return [each for each in page.screen.items if each.text == sender and each.touchable]


def _scroll(page: Page) -> list[Act]:
    lists = [each for each in page.screen.items if each.scrollable]
    return [Act(Decision(kind="scroll", item=each.number, direction="down")) for each in lists[:1]]


def _reply(page: Page, sender: str) -> list[Act]:
    (text,) = page.quotes
    fields = page.touchable("reply-text")
    if fields:
        return typed(fields[0], text) or taps(page.touchable("send-reply"))
    if page.touchable("email-reply"):
        return taps(page.touchable("email-reply"))
    return taps(_rows(page, sender)) or _scroll(page)


def typed(field: Item, text: str) -> list[Act]:
    """What brings a text into a field; nothing if it stands there."""
    if field.text in (text, "\u2022" * len(text)):
        return []
    if not field.focused:
        return taps([field])
    return [Act(Decision(kind="type", item=field.number), text)]


def _form(page: Page) -> list[Act]:
    """Texts into all fields, the first field first, and off."""
    cancel = page.touchable("popup-cancel")
    if cancel:
        return taps(cancel)
    texts = page.quotes if len(page.quotes) == len(page.fields) else page.quotes[:1] * len(page.fields)
    for field, text in zip(page.fields, texts, strict=True):
        if field.focused and typed(field, text):
            return typed(field, text)
    ways = [typed(field, text) for field, text in zip(page.fields, texts, strict=True)]
    return [act for way in ways for act in way] or submit(page)


def _focus(page: Page) -> list[Act]:
    found = ORDINAL.search(page.instruction)
    place = int(found[1]) - 1 if found else 0
    return taps(page.fields[place : place + 1])


def _coordinate(page: Page) -> list[Act]:
    return taps(page.touchable(page.instruction.split()[-1].rstrip(".")))


def _shape(page: Page) -> list[Act]:
    figure = min(page.screen.items, key=lambda each: each.box[1])
    names = {"rect": "Rectangle", "circle": "Circle", "polygon": "Triangle"}
    drawn = figure.description.split()[-1] if figure.role == "picture" else ""
    return taps(page.touchable(names.get(drawn, "Number" if figure.text.isdigit() else "Letter")))


def _folders(page: Page) -> list[Act]:
    """The file if it is seen; else what is closed, from the top down."""
    found = page.touchable(page.quotes[0])
    closed = [each for each in page.screen.items if "expandable-hitarea" in each.resource]
    return taps(found or closed[:1])


def _pie(page: Page) -> list[Act]:
    found = [each for each in page.screen.items if each.text == page.quotes[0]]
    return taps(found) or taps([each for each in page.screen.items if each.text == "+"])


TEACHERS: dict[str, Teacher] = {
    **dict.fromkeys(("click-button", "unicode-test", "click-dialog", "click-dialog-2", "click-link"), _called),
    **dict.fromkeys(("click-test", "click-test-2", "click-test-transfer", "click-button-sequence"), _button),
    **dict.fromkeys(("click-checkboxes", "click-checkboxes-large", "click-checkboxes-transfer"), _ticks),
    "click-option": _choice,
    "choose-list": _single,
    "click-scroll-list": _list,
    "click-collapsible": _section,
    "click-collapsible-2": _search("Section"),
    **dict.fromkeys(("click-tab-2", "click-tab-2-easy", "click-tab-2-medium", "click-tab-2-hard"), _search("Tab")),
    "click-tab": _tab,
    "click-color": _colour,
    "click-widget": _widget,
    **dict.fromkeys(("email-inbox", "email-inbox-delete", "email-inbox-important", "email-inbox-noscroll"), _email),
    **dict.fromkeys(("email-inbox-reply", "email-inbox-star-reply"), _email),
    **dict.fromkeys(("enter-password", "enter-text", "enter-text-dynamic", "login-user", "login-user-popup"), _form),
    **dict.fromkeys(("focus-text", "focus-text-2"), _focus),
    "grid-coordinate": _coordinate,
    "identify-shape": _shape,
    "navigate-tree": _folders,
    "click-pie": _pie,
}
"""By task."""
