"""What an agent can do: one type for all actions, with what each of them needs."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgewise.agent.device.device import Key
from edgewise.agent.screen import MOST, Text

Kind = Literal[
    "tap",
    "double_tap",
    "long_press",
    "swipe",
    "scroll",
    "type",
    "press",
    "open_app",
    "wait",
    "answer",
    "ask_user",
    "finish",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Direction = Literal["up", "down", "left", "right"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
NEEDS: dict[Kind, tuple[str, ...]] = {
    "tap": ("item",),
    "double_tap": ("item",),
    "long_press": ("item",),
    "swipe": ("start", "end"),
    "scroll": ("direction",),
    "press": ("key",),
    "open_app": ("text",),
    "answer": ("text",),
    "ask_user": ("text",),
    "finish": ("outcome",),
}
"""Fields that an action of a kind must have."""
Relative = tuple[int, int]
"""A point, each coordinate from 0 to 1000 over the display."""


class Action(BaseModel):
    """Something that an agent does.

    Attributes:
        kind: of action.
        item: number of the item on the screen that is touched, held or scrolled.
        text: to type, to answer or to ask; of `open_app`, the app's package.
        direction: in which more is to be seen: `down` shows what is below.
        key: of the phone, for `press`.
        clear: whether what stands in the field is removed before typing.
        submit: whether "enter" follows the typing.
        start, end: of a swipe, 0 to 1000 over the display.
        seconds: to wait.
        outcome: of the task, for `finish`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Kind
    item: int | None = Field(default=None, ge=0, lt=MOST)
    text: Text = ""
    direction: Direction | None = None
    key: Key | None = None
    clear: bool = False
    submit: bool = False
    start: Relative | None = None
    end: Relative | None = None
    seconds: float = Field(default=1.0, gt=0, le=30)
    outcome: Literal["success", "infeasible"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Action:
        for name in NEEDS.get(self.kind, ()):
            if getattr(self, name) in (None, ""):
                raise ValueError(f"{self.kind} needs {name}")
        for point in (self.start, self.end):
            if point is not None and not all(0 <= each <= 1000 for each in point):
                raise ValueError("points of a swipe go from 0 to 1000")
        return self
