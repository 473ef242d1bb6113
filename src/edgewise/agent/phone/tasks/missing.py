"""Tasks that cannot be done: what they name is not on the phone, or no app of it does such a thing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from edgewise.agent.phone.core import draw_phone
from edgewise.agent.phone.state import State, World
from edgewise.agent.phone.tasks.suites import ALL
from edgewise.agent.phone.tasks.task import Task

KINDS = {
    "contacts": "contacts",
    "messages": "contacts",
    "notes": "notes",
    "shop": "products",
    "maps": "spots",
    "calendar": "appointments",
    "clock": "alarms",
}
"""Apps, and the part of the world that the arguments of their pages are numbers of."""
FOREIGN = (
    "Book a table for two|Play some jazz|Take a picture of the receipt|Translate this into Greek|Call a taxi|"
    "Read me the news|What is the weather like in Oslo?|Print the last page|Pay the rent|Dim the lights in the kitchen|"
    "Order a pizza with mushrooms|Record what I say|Unlock the front door|Show my steps of yesterday|"
    "Buy two tickets for the cinema|Post this on my wall|Install a game|Scan the code on the box|Mute the television|"
    "Convert 30 miles to kilometres|Find a flat with three rooms|Transfer 40 euros to my sister|Charge the car at night|"
    "Water the plants at six|Measure the length of the table|Start the vacuum cleaner|Draw a house|Tell me a joke",
    "Book me a flight to Rome|Stream the match tonight|Solve this equation|Rent a bicycle|Send a fax|Trim this video|"
    "Check my blood pressure|Open the garage|Tune my guitar|Sell my shares|Park the car|Reserve a hotel room in Lyon|"
    "Sing a song|Download the film",
)
"""Wishes that no app of the phone fulfils: of training, then of tests."""


@dataclass(frozen=True)
class Missing:
    """A task on a phone that lacks something which the task needs.

    Attributes:
        task: on the phone that lacks it; nobody can do it.
        app: in which it would stand.
        number: that it would have.
        whole: the world with it.
    """

    task: Task
    app: str
    number: str
    whole: World

    def back(self, state: State) -> State | None:
        """The same state of a phone that has it; None once the world is another than at the start."""
        return replace(state, world=self.whole) if state.world == self.task.start.world else None


def without(task: Task, rng: random.Random) -> Missing | None:
    """A task without one of the things that it needs; None if it needs none by name."""
    needed = sorted(
        {
            (KINDS[each.app], each.app, number)
            for each in task.subgoals
            if each.app in KINDS
            for number in each.arguments
        }
    )
    if not needed:
        return None
    kind, app, number = rng.choice(needed)
    world = task.start.world
    kept: dict[str, Any] = {kind: tuple(each for each in getattr(world, kind) if str(each.number) != number)}
    left = replace(world, **kept)
    if kind == "contacts":
        left = replace(left, messages=tuple(each for each in left.messages if str(each.contact) != number))
    return Missing(replace(task, start=replace(task.start, world=left)), app, number, world)


def draw_missing(suite: str, seed: int, language: str | None = None, unseen: bool = True) -> Iterator[Missing]:
    """One task of every kind of a suite that names something, without it.

    Args:
        suite: `simple`, `complex` or `long`.
        seed: the same seed gives the same tasks.
        language: of the apps. If None, drawn.
        unseen: names, texts and looks for tests.
    """
    for place, template in enumerate(ALL[suite]):
        rng = random.Random(f"missing {suite} {seed} {place} {unseen}")
        found = without(template(draw_phone(rng.randrange(10**9), language, unseen), rng), rng)
        if found is not None:
            yield found


def foreign(task: Task, rng: random.Random, unseen: bool = False) -> Task:
    """A wish that no app fulfils, on the phone of a task; it has no subgoals.

    Args:
        task: whose phone it is.
        rng: draws the wish.
        unseen: wishes for tests.
    """
    return replace(task, instruction=rng.choice(FOREIGN[int(unseen)].split("|")), subgoals=())
