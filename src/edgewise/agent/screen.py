"""What is on the display, as an agent perceives it: numbered items, whatever they were perceived from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["button", "field", "heading", "icon", "list", "other", "picture", "row", "switch", "text", "tile"]
MOST = 64
"""Items of a screen; what is above that is left out, the smallest first."""
LONGEST = 500
"""Characters of a text."""
Text = Annotated[str, Field(max_length=LONGEST)]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom; device pixels; the last two are outside."""


class Item(BaseModel):
    """Something on the display.

    Attributes:
        number: its place in the screen's items.
        box: where it is seen.
        role: what it looks like.
        text: what is written on it; of a field, what stands in it, empty if nothing.
        detail: a second line; of a field, what it says while it is empty.
        description: what a screen reader says.
        resource: its name in the app; empty where no tree told it.
        sign: name of the icon on it; empty if there is none or it is not known.
        touchable, holdable: whether a touch, a long press is taken; a guess where no tree told it.
        focused: whether it takes what is typed.
        scrollable: whether it can be scrolled.
        checked: of a switch, whether it is on. If None, it is no switch.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    number: int = Field(ge=0, lt=MOST)
    box: Box
    role: Role = "other"
    text: Text = ""
    detail: Text = ""
    description: Text = ""
    resource: Text = ""
    sign: Text = ""
    touchable: bool = False
    holdable: bool = False
    focused: bool = False
    scrollable: bool = False
    checked: bool | None = None

    @property
    def middle(self) -> tuple[int, int]:
        """Its middle, device pixels."""
        left, top, right, bottom = self.box
        return (left + right) // 2, (top + bottom) // 2

    @property
    def label(self) -> str:
        """What it is called in a history."""
        return self.text or self.description or self.detail or self.sign or self.resource or self.role


class Screen(BaseModel):
    """The display.

    Attributes:
        width, height: device pixels, as it lies.
        items: numbered from 0, from the top down.
        app: package of the app that is shown; empty if it is not known.
        title: of the page; empty if there is none.
        keyboard: whether the keyboard is shown.
        picture: digest of the picture, hexadecimal; equal pictures have equal ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    items: Annotated[tuple[Item, ...], Field(max_length=MOST)] = ()
    app: Text = ""
    title: Text = ""
    keyboard: bool = False
    picture: Text = ""
