"""Goals: what an instruction asks for, one after another, without anything that only a screen tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verb = Literal["show", "look", "turn", "press", "delete", "fill", "touch"]
"""To show a page, to look something up on it, to turn a switch, to press a button, to delete, to fill a form in, to touch
what has a name, wherever it is."""


@dataclass(frozen=True)
class Value:
    """A text, or where it is read.

    Attributes:
        text: as the instruction says it; empty if it has to be read.
        of: name of the thing on whose page it is read.
    """

    text: str = ""
    of: str = ""


@dataclass(frozen=True)
class Field:
    """A field of a form.

    Attributes:
        meaning: of the field.
        value: that it must have.
        level: whether its value stands between two buttons rather than being typed.
    """

    meaning: str
    value: Value
    level: bool = False


@dataclass(frozen=True)
class Goal:
    """A part of a task.

    Attributes:
        verb: what is to be done.
        apps: in which it is done; more than one where the instruction does not tell which, none for the page that is shown.
        name: of the thing that it is done to; empty if it has none.
        meaning: of the button, switch or page.
        via: meanings of what is touched on the way, in their order.
        fields: of the form that is filled in first.
        on: of a switch, whether it must be on.
    """

    verb: Verb
    apps: tuple[str, ...]
    name: str = ""
    meaning: str = ""
    via: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    on: bool = True
