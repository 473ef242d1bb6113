"""The simulated phone as the ground of a federated construction: its agents are tested on phones that no edge server has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from jaxtyping import Bool

from edgewise.agent.agents import AGENTS, Setting
from edgewise.agent.conduct import Conduct
from edgewise.agent.evaluate import Trial, play
from edgewise.agent.modules.folder import RULES, modules_of
from edgewise.agent.modules.learned.kind import PhoneKind
from edgewise.agent.modules.learned.lockstep import Many, successes
from edgewise.agent.phone.tasks.suites import SUITES, draw_tasks
from edgewise.agent.phone.tasks.task import Task
from edgewise.common.errors import EdgewiseError
from edgewise.construction.agent import Agent
from edgewise.construction.arrival import current_agent
from edgewise.construction.ground import Ground

PLACES = (
    (("calendar", "contacts", "maps", "messages", "notes", "settings"), "en"),
    (("clock", "contacts", "maps", "notes", "settings", "shop"), "de"),
    (("calendar", "clock", "contacts", "messages", "notes", "settings"), "es"),
    (("calendar", "contacts", "maps", "messages", "settings", "shop"), "fr"),
)
"""Apps and language of the users at each edge server: each lacks two apps, other ones."""
SHOWN = 6
"""Tasks by which an agent is shown."""
MOST_TASKS = 62
"""Two of every kind."""
ASKED = ("memory", "planning", "decision", "action", "reflection")
"""Places whose modules are asked in the acceptance test; perception has the tree of elements there."""


SHOWN_SEED = 4_000_000
"""Seed of these tasks."""


class SimulatedPhone(Ground):
    """Tasks of both suites on simulated phones with the names, values and looks of tests."""

    @property
    def places(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        return PLACES

    @property
    def most_tasks(self) -> int:
        return MOST_TASKS

    def draw_tasks(self, count: int, seed: int) -> Sequence[Task]:
        found: list[Task] = []
        while len(found) < count:
            found += [task for suite in SUITES for task in draw_tasks(suite, seed + len(found), unseen=True)]
        return found[:count]

    def successes(self, agent: Agent, tasks: Sequence[Task]) -> Bool[np.ndarray, " n"]:
        return successes(together(agent), tasks)

    def warm(self, agent: Agent) -> None:
        modules_of(agent)
        successes(together(agent), self.draw_tasks(1, 0))

    def show(self, folder: Path) -> str:
        place = current_agent(folder)
        if place is None:
            raise EdgewiseError(f"{folder}: no agent has arrived yet")
        modules = modules_of(Agent.load(place), str(place))
        told, done = [], 0
        for task in self.draw_tasks(SHOWN, SHOWN_SEED):
            episode = play(lambda setting: modules, task, 0, Trial(task.suite, conduct=Conduct(late_s=0.0)))
            done += episode.succeeded
            end = f"done, {episode.actions} steps" if episode.succeeded else f"not done ({episode.reason})"
            told.append(f'"{task.instruction}": {end}')
        return f"on simulated phones, {done} of {len(told)} tasks done. {'; '.join(told)}"


def together(agent: Agent) -> dict[str, Many]:
    """An agent's modules as functions of several requests; plain rules stand in for those that are missing.

    Raises:
        EdgewiseError: if one of its modules is not for a phone.
    """
    modules_of(agent)
    found: dict[str, Many] = {}
    for name, (kind, weights) in agent.whole.items():
        if name in ASKED and isinstance(kind, PhoneKind):
            answer = cast(Many, kind.answering_with(weights))
            found[name] = answer
    missing = [name for name in ASKED if name not in found]
    if missing:
        plain = AGENTS.find(RULES)(Setting())
        found |= {name: _one_by_one(getattr(plain, name)) for name in missing}
    return found


def _one_by_one(module: Callable[[Any], Any]) -> Many:
    return lambda requests: [module(each) for each in requests]


PHONE = SimulatedPhone()
