"""The suites of tasks: simple and complex ones, by which agents are built and compared, and long ones beside."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from edgewise.agent.phone.core import draw_phone
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tasks.long import LONG
from edgewise.agent.phone.tasks.several import COMPLEX
from edgewise.agent.phone.tasks.simple import SIMPLE, Template
from edgewise.agent.phone.tasks.task import Task
from edgewise.common.errors import check_choice

SUITES: dict[str, tuple[Template, ...]] = {"simple": SIMPLE, "complex": COMPLEX}
ALL: dict[str, tuple[Template, ...]] = {**SUITES, "long": LONG}
"""With the tasks that nothing is trained on."""


def draw_tasks(
    suite: str,
    seed: int,
    language: str | None = None,
    unseen: bool = False,
    change: Callable[[State], State] = lambda state: state,
) -> Iterator[Task]:
    """One task of every kind of a suite, each on a phone of its own.

    Args:
        suite: `simple`, `complex` or `long`.
        seed: the same seed gives the same tasks.
        language: of the apps. If None, drawn; instructions are in English.
        unseen: names, texts and looks that no task of training has.
        change: of each phone before its task is drawn, such as texts on it that give orders.
    """
    check_choice("suite", suite, tuple(ALL))
    for place, template in enumerate(ALL[suite]):
        rng = random.Random(f"task {suite} {seed} {place} {unseen}")
        yield template(change(draw_phone(rng.randrange(10**9), language, unseen)), rng)
