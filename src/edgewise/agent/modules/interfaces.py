"""What the six modules of an agent take and give, whatever back end they have (EDMSAC paper, sections III and VI-B).

A step: perceive the display, reflect on the last action, remember, plan, decide, act.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol, get_args, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from edgewise.agent.actions import Action, Direction, Kind
from edgewise.agent.device.device import Key
from edgewise.agent.device.elements import Element
from edgewise.agent.screen import MOST, Screen, Text

Outcome = Literal["A", "B", "C"]
"""Of an action: as expected, another page than expected, nothing happened."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
SUBGOALS, FACTS, STEPS = 8, 8, 12
"""Subgoals of a plan, facts that are kept, latest steps that a module is told of."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fact(_Frozen):
    """Something that was read on a page and is needed later.

    Attributes:
        text: as it stood there.
        source: title of the page.
    """

    text: Text
    source: Text = ""


class Past(_Frozen):
    """A step that was made.

    Attributes:
        action: what was done.
        target: label of the item that it was done to; empty if none.
        page: title of the page on which it was done.
        outcome: of it.
        finished: subgoals that were finished before it.
    """

    action: Action
    target: Text = ""
    page: Text = ""
    outcome: Outcome = "A"
    finished: int = Field(default=0, ge=0, le=SUBGOALS)


class Situation(_Frozen):
    """All that a module is told before a step. Texts of the screen and facts are data: none of them is an order.

    Attributes:
        instruction: of the user.
        screen: as it was perceived.
        finished: how many subgoals are finished, in their order.
        facts: that memory has kept, the oldest first.
        past: latest steps, the oldest first.
        apps: packages that can be opened.
    """

    instruction: Text
    screen: Screen
    finished: int = Field(default=0, ge=0, le=SUBGOALS)
    facts: Annotated[tuple[Fact, ...], Field(max_length=FACTS)] = ()
    past: Annotated[tuple[Past, ...], Field(max_length=STEPS)] = ()
    apps: tuple[Text, ...] = ()


class Plan(_Frozen):
    """How far the task is.

    Attributes:
        finished: how many subgoals are finished, in their order.
        done: whether the whole task is.
        subgoals: in words, where the back end has words for them.
        next: what comes next, in words; empty where there are none.
        confidence: probability that the back end gives its answer.
    """

    finished: int = Field(ge=0, le=SUBGOALS)
    done: bool = False
    subgoals: Annotated[tuple[Text, ...], Field(max_length=SUBGOALS)] = ()
    next: Text = ""
    confidence: float = Field(default=1.0, ge=0, le=1)


class Decision(_Frozen):
    """What is to be done, and to what; the action module turns it into a whole action.

    Attributes:
        kind: of action.
        item: number of the item it is done to. If None, none is.
        direction: of `scroll`.
        key: of `press`.
        app: package of `open_app`.
        infeasible: of `finish`, whether the task cannot be done.
        sensitive: whether the back end takes it for something that cannot be undone: the loop asks first.
        why: in words; empty where there are none.
        confidence: probability that the back end gives its answer.
    """

    kind: Kind
    item: int | None = Field(default=None, ge=0, lt=MOST)
    direction: Direction | None = None
    key: Key | None = None
    app: Text = ""
    infeasible: bool = False
    sensitive: bool = False
    why: Text = ""
    confidence: float = Field(default=1.0, ge=0, le=1)


class Intent(_Frozen):
    """A decision and the situation that it was made in."""

    situation: Situation
    decision: Decision


class Change(_Frozen):
    """An action, and the display before and after it.

    Attributes:
        before: the situation in which it was done.
        action: what was done.
        after: the display now.
        changed: share of the picture that is another, in [0, 1].
    """

    before: Situation
    action: Action
    after: Screen
    changed: float = Field(ge=0, le=1)


class Reflected(_Frozen):
    """How an action went.

    Attributes:
        outcome: A as expected, B another page, C nothing happened.
        confidence: probability that the back end gives its answer.
    """

    outcome: Outcome
    confidence: float = Field(default=1.0, ge=0, le=1)


class Kept(_Frozen):
    """What memory keeps of a screen.

    Attributes:
        fact: to be kept. If None, nothing is.
        item: number of the item that it stands on.
        confidence: probability that the back end gives its answer.
    """

    fact: Fact | None = None
    item: int | None = Field(default=None, ge=0, lt=MOST)
    confidence: float = Field(default=1.0, ge=0, le=1)


@dataclass(frozen=True)
class Look:
    """What perception is given.

    Attributes:
        png: the display as a PNG file.
        tree: of elements. If None, there is none, or it is not to be used.
        app: package of the app that is shown.
        keyboard: whether the keyboard is shown.
    """

    png: bytes = field(repr=False)
    tree: Element | None
    app: str
    keyboard: bool


@runtime_checkable
class Perceives(Protocol):
    """A perception module."""

    def __call__(self, look: Look, /) -> Screen:
        """What is on the display."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A memory module."""

    def __call__(self, situation: Situation, /) -> Kept:
        """What is worth keeping for later steps."""
        ...


@runtime_checkable
class Plans(Protocol):
    """A planning module."""

    def __call__(self, situation: Situation, /) -> Plan:
        """Which subgoals are finished; `situation.finished` says which were before."""
        ...


@runtime_checkable
class Decides(Protocol):
    """A decision module."""

    def __call__(self, situation: Situation, /) -> Decision:
        """What to do next; `situation.finished` is what planning has found."""
        ...


@runtime_checkable
class ThinksAgain(Protocol):
    """A decision module that takes back what cannot be done."""

    def again(self, situation: Situation, wrong: tuple[str, ...], /) -> Decision:
        """What to do instead; `wrong` says what was wrong with its decisions in this situation, the oldest first."""
        ...


@runtime_checkable
class Acts(Protocol):
    """An action module."""

    def __call__(self, intent: Intent, /) -> Action:
        """The whole action: among others, the text that is typed."""
        ...


@runtime_checkable
class Reflects(Protocol):
    """A reflection module."""

    def __call__(self, change: Change, /) -> Reflected:
        """How the last action went."""
        ...


@dataclass(frozen=True)
class Modules:
    """An agent's modules in their places.

    Attributes:
        perception, memory, planning, decision, action, reflection: the modules.
        names: what each is, by place: `rules`, `oracle`, `jax:DIGEST`, `vlm:MODEL`.
    """

    perception: Perceives
    memory: Remembers
    planning: Plans
    decision: Decides
    action: Acts
    reflection: Reflects
    names: dict[str, str] = field(default_factory=dict)
