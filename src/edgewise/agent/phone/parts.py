"""What pages are made of: parts that an app names, before they have a place on the display."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from edgewise.agent.phone.state import Event, Place, State
from edgewise.agent.phone.words import say

Kind = Literal["row", "switch", "text", "heading", "button", "field", "icon", "bubble", "tile", "level", "picture"]


@dataclass(frozen=True)
class Part:
    """One part of a page.

    Attributes:
        kind: `row` (with an optional second line and icon), `switch`, `text`, `heading`, `button`, `field`, `icon`,
            `bubble` of a conversation, `tile` of the launcher, `level` (a value between two buttons), `picture`.
        name: resource name, unique enough for a developer, not for an agent.
        text: what is written; for a field, what was typed.
        detail: a second line; for a field, what it says while it is empty.
        glyph: of the icon, if it has one.
        description: what a screen reader says of an icon.
        event: what a touch does; None for what cannot be touched.
        hold: what a long press does.
        less: of a level, what its first button does; `event` is that of the second.
        on: of a switch.
        own: of a bubble, whether it stands on the writer's side.
    """

    kind: Kind
    name: str
    text: str = ""
    detail: str = ""
    glyph: str = ""
    description: str = ""
    event: Event | None = None
    hold: Event | None = None
    less: Event | None = None
    on: bool = False
    own: bool = False


@dataclass(frozen=True)
class Page:
    """A page of an app.

    Attributes:
        title: in the bar at the top.
        body: parts below one another, scrolled where there is no room.
        actions: icons in the bar.
        main: the action that floats above the body in some looks and stands in the bar in others.
        bottom: parts at the lower edge, above the keyboard, beside one another.
        dialog: whether the body is a box in the middle, above a darkened display.
        back: whether the bar has a "back" icon.
        grid: columns in which the body is arranged; 0 for a list.
    """

    title: str
    body: tuple[Part, ...]
    actions: tuple[Part, ...] = ()
    main: Part | None = None
    bottom: tuple[Part, ...] = ()
    dialog: bool = False
    back: bool = True
    grid: int = 0


@dataclass(frozen=True)
class App:
    """An app of the simulated phone.

    Attributes:
        name: also the key of its name in the table of words.
        glyph: of its icon.
        pages: functions from the phone and a place to the page; the first is where the app begins.
        deeds: functions from the phone and an argument to the phone, by name.
    """

    name: str
    glyph: str
    pages: Mapping[str, Callable[[State, Place], Page]]
    deeds: Mapping[str, Callable[[State, str], State]] = field(default_factory=dict)

    @property
    def first(self) -> str:
        """The page that the app begins with."""
        return next(iter(self.pages))

    @property
    def package(self) -> str:
        """The name of the app's package."""
        return f"org.edgewise.{self.name}"


def word(state: State, key: str) -> str:
    """The words of the phone's look for something."""
    return say(state.skin.language, state.skin.variant, key)


def icon(state: State, key: str, glyph: str, event: Event) -> Part:
    """An icon that can be touched, described by a word."""
    return Part("icon", key.replace(" ", "_"), word(state, key), glyph=glyph, description=word(state, key), event=event)


def button(state: State, key: str, event: Event) -> Part:
    """A button with a word on it."""
    return Part("button", key.replace(" ", "_"), word(state, key), event=event)


def entry(state: State, key: str, hint: str, default: str = "") -> Part:
    """A field to type into.

    Args:
        state: the phone.
        key: of the draft; its last part, after a dot, names the field.
        hint: key of the words that it shows while it is empty.
        default: what stands in it before anything is typed.
    """
    text = state.draft(key, default)
    return Part("field", key.rsplit(".", 1)[-1], text, word(state, hint), event=Event("focus", key, default))


def nothing(state: State, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts, or where there are none a line that says so."""
    return parts or (Part("text", "empty", word(state, "empty")),)


def confirmation(state: State, name: str, argument: str) -> Page:
    """A dialog that asks before a deed that cannot be undone."""
    return Page(
        "",
        (
            Part("heading", "question", word(state, "sure")),
            button(state, "cancel", Event("back")),
            button(state, "delete", Event("do", name, argument)),
        ),
        dialog=True,
        back=False,
    )


def clock_time(minute: int) -> str:
    """A minute of the day as a clock shows it."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def euros(cents: int) -> str:
    """A price."""
    return f"{cents // 100}.{cents % 100:02d} €"
