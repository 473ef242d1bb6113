"""What a step of an agent leaves behind, and those who watch an agent at work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgewise.agent.actions import Action
from edgewise.agent.conduct import End
from edgewise.agent.modules.interfaces import Decision, Fact, Look, Outcome, Plan, Reflected
from edgewise.agent.screen import Screen, Text

By = Literal["modules", "guard", "verification", "end"]
"""Whose step it is: of the modules, of a guard of the loop, a second look before the end, or the last one."""


class Step(BaseModel):
    """A step.

    Attributes:
        number: from 0.
        screen: as it was perceived.
        by: whose step it is.
        plan: as planning gave it; where the picture was the same, that of the step before.
        decision: of the decision module.
        action: what was done.
        points: where, device pixels.
        reflected: how the action went, once that is known.
        asked: whether the reflection module was asked, and not the picture alone.
        facts: that are kept.
        finished: subgoals that are finished.
        latency: seconds that each module took, by its place.
        calls, tokens, money: spent in this step.
        trouble: names of faults that were borne.
        notes: what guards did.
        seconds: since the first look.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    number: int = Field(ge=0)
    screen: Screen
    by: By = "modules"
    plan: Plan | None = None
    decision: Decision | None = None
    action: Action | None = None
    points: tuple[tuple[int, int], ...] = ()
    reflected: Reflected | None = None
    asked: bool = False
    facts: tuple[Fact, ...] = ()
    finished: int = 0
    latency: dict[str, float] = Field(default_factory=dict)
    calls: int = 0
    tokens: int = 0
    money: float = 0.0
    trouble: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()
    seconds: Annotated[float, Field(ge=0)] = 0.0


class Watcher:
    """Somebody who watches an agent; whatever he does not want to know of does nothing."""

    def began(self, instruction: str, device: str, names: Mapping[str, str]) -> None:
        """A run begins."""

    def looked(self, look: Look) -> None:
        """The display was looked at; the next step is about this look."""

    def planned(self, plan: Plan) -> None:
        """The planning module has answered."""

    def verifying(self) -> None:
        """The agent looks again before it says that the task is done."""

    def acting(self, action: Action) -> None:
        """The modules' action is about to be done."""

    def acted(self, step: Step, png: bytes) -> None:
        """A step is over."""

    def reflected(self, outcome: Outcome, reflected: Reflected, asked: bool) -> None:
        """It is known how the last action of the modules went."""

    def ended(self, end: End) -> None:
        """The run is over."""
