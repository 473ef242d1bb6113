"""Tasks that are fulfilled at the start: all that is left is to look, and to say so."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from edgewise.agent.phone.apps.settings import GROUPS
from edgewise.agent.phone.core import draw_phone
from edgewise.agent.phone.tasks.suites import ALL
from edgewise.agent.phone.tasks.task import Subgoal, Task

PAGES = {
    "turn-alarm": "alarms",
    "start-timer": "timer",
    "favourite": "person",
    "keep-spot": "spot",
    "start-route": "route",
}
"""Kinds of tasks of which it is seen that they are fulfilled, and the page on which it is; for those of the settings it is the
page of what is set."""


def fulfilled(task: Task) -> Task | None:
    """A task on a phone on which all is already as it asks for; None if that cannot be seen on a page.

    Nothing is to be changed: the subgoal is to have seen the page.
    """
    subgoal = task.subgoals[0] if len(task.subgoals) == 1 else None
    if subgoal is None or subgoal.world is None:
        return None
    argument = subgoal.arguments[0] if subgoal.arguments else ""
    page = PAGES.get(task.name)
    if subgoal.app == "settings":
        name = subgoal.deeds[0].split()[-1]
        page = next(group for group, names in GROUPS.items() if name in names)
    if page is None:
        return None
    seen = Subgoal(
        f"See that it is so: {subgoal.told}", subgoal.app, page=(page, argument), arguments=subgoal.arguments
    )
    return replace(task, start=replace(task.start, world=task.goal), subgoals=(seen,))


def draw_fulfilled(suite: str, seed: int, language: str | None = None, unseen: bool = True) -> Iterator[Task]:
    """One task of every kind of a suite of which it can be seen, fulfilled.

    Args:
        suite: `simple`, `complex` or `long`; of the last two it can be seen of none.
        seed: the same seed gives the same tasks.
        language: of the apps. If None, drawn.
        unseen: names, texts and looks for tests.
    """
    for place, template in enumerate(ALL[suite]):
        rng = random.Random(f"fulfilled {suite} {seed} {place} {unseen}")
        found = fulfilled(template(draw_phone(rng.randrange(10**9), language, unseen), rng))
        if found is not None:
            yield found
