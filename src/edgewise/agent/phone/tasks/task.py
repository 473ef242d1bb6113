"""What a task is: an instruction, subgoals in their order, and the exact world that it ends with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgewise.agent.phone.state import State, World

Suite = Literal["simple", "complex", "long"]


@dataclass(frozen=True)
class Subgoal:
    """A part of a task, reached when everything that it names holds.

    Attributes:
        told: in words.
        app: in which it is reached.
        world: what the apps must hold. If None, anything.
        page: that must be shown, with its argument; None for any.
        drafts: what must stand in fields.
        texts: what may be typed on the way, by the field's key.
        deeds: what may be done on the way, as `DEED` or `DEED ARGUMENT`.
        arguments: of pages that lie on the way: numbers of contacts, notes, ...
        fact: what is learned here and needed later; empty if nothing.
    """

    told: str
    app: str
    world: World | None = None
    page: tuple[str, str] | None = None
    drafts: tuple[tuple[str, str], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    deeds: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    fact: str = ""

    def holds(self, state: State) -> bool:
        """Whether it is reached."""
        place = state.place
        if self.page is not None and (place.app, place.page, place.argument) != (self.app, *self.page):
            return False
        if any(state.draft(key) != text for key, text in self.drafts):
            return False
        return self.world is None or state.world == self.world


@dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        name: of its kind.
        suite: `simple` (one app, few steps), `complex` (several apps, or many steps, or something to remember) or `long` (several
            complex ones).
        instruction: to the agent.
        start: the phone when it begins.
        subgoals: in the order in which they are reached.
    """

    name: str
    suite: Suite
    instruction: str
    start: State
    subgoals: tuple[Subgoal, ...]

    @property
    def goal(self) -> World:
        """What the apps hold when it is done, and nothing else may have changed."""
        worlds = [each.world for each in self.subgoals if each.world is not None]
        return worlds[-1] if worlds else self.start.world

    def progress(self, done: int, state: State) -> int:
        """How many subgoals are reached.

        Args:
            done: how many were before.
            state: of now.
        """
        while done < len(self.subgoals) and self.subgoals[done].holds(state):
            done += 1
        return done

    def succeeded(self, done: int, state: State) -> bool:
        """Whether all subgoals were reached and the world is the one that it should be."""
        return done == len(self.subgoals) and state.world == self.goal
