"""The simulated phone as the ground of a federated construction: its agents are tested on phones that no edge server has."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from jaxtyping import Bool

from edgewise.agent.agents import AGENTS, Setting
from edgewise.agent.modules.folder import RULES, modules_of
from edgewise.agent.modules.learned.kind import PhoneKind
from edgewise.agent.modules.learned.lockstep import Many, successes
from edgewise.agent.modules.learned.moments import NAMES
from edgewise.agent.modules.learned.stage import PhoneStage
from edgewise.agent.phone.tasks.suites import SUITES, draw_tasks
from edgewise.agent.phone.tasks.task import Task
from edgewise.construction.agent import Agent
from edgewise.construction.ground import Experience, Ground, Stage

PLACES = (
    (("calendar", "contacts", "maps", "messages", "notes", "settings"), "en"),
    (("clock", "contacts", "maps", "notes", "settings", "shop"), "de"),
    (("calendar", "clock", "contacts", "messages", "notes", "settings"), "es"),
    (("calendar", "contacts", "maps", "messages", "settings", "shop"), "fr"),
)
"""Apps and language of the users at each edge server: each lacks two apps, other ones."""
BRIEF_PLACES = tuple(
    (tuple(app for app in NAMES if app != missing), language)
    for missing, language in (("settings", "en"), ("calendar", "de"), ("shop", "es"), ("maps", "fr"))
)
"""The same where there is little time: each lacks one app, another one."""
EXPERIENCE = {"phone-memory": Experience(1024, 512, False), "phone-action": Experience(512, None, False)}
MOST_EXPERIENCE = Experience(8192, 4096, False)
"""Data of an edge server of a demonstration, by kind: less where there is less to learn; as much for all other kinds."""
OF_A_KIND = 2
"""Tasks of every kind in an acceptance test."""
ASKED = ("memory", "planning", "decision", "action", "reflection")
"""Places whose modules are asked in the acceptance test; perception has the tree of elements there."""
SHOWN_SEED = 4_000_000
"""Added to the seed of a demonstration: the task that is shown is no one's that an agent is tested on."""


@dataclass(frozen=True)
class SimulatedPhone(Ground):
    """Tasks on simulated phones with the names, values and looks of tests.

    Attributes:
        suites: of the tasks.
    """

    suites: tuple[str, ...] = tuple(SUITES)

    @property
    def places(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        if len(self.suites) == len(SUITES):
            return PLACES
        return tuple(((*apps, *self.suites), language) for apps, language in BRIEF_PLACES)

    @property
    def hidden(self) -> tuple[str, ...]:
        return super().hidden if len(self.suites) == len(SUITES) else (*super().hidden, *self.suites)

    @property
    def brief(self) -> str:
        return "phone-simple"

    @property
    def most_tasks(self) -> int:
        return OF_A_KIND * sum(len(SUITES[suite]) for suite in self.suites)

    def experience(self, kind: str) -> Experience:
        return EXPERIENCE.get(kind, MOST_EXPERIENCE)

    def draw_tasks(self, count: int, seed: int) -> Sequence[Task]:
        found: list[Task] = []
        while len(found) < count:
            found += [task for suite in self.suites for task in draw_tasks(suite, seed + len(found), unseen=True)]
        return found[:count]

    def successes(self, agent: Agent, tasks: Sequence[Task]) -> Bool[np.ndarray, " n"]:
        return successes(together(agent, len(tasks)), tasks)

    def warm(self, agent: Agent) -> None:
        modules_of(agent)
        successes(together(agent), self.draw_tasks(1, 0))

    def stage(self, seed: int, port: int | None) -> Stage:
        suites = {suite: list(draw_tasks(suite, SHOWN_SEED + seed, unseen=True)) for suite in self.suites}
        drawn = [task for tasks in suites.values() for task in tasks]
        return PhoneStage(random.Random(f"shown {seed}").choice(drawn), port)


def together(agent: Agent, most: int = 1) -> dict[str, Many]:
    """An agent's modules as functions of several requests, most of them so many at a time; plain rules stand in.

    Raises:
        EdgewiseError: if one of its modules is not for a phone.
    """
    modules_of(agent)
    found: dict[str, Many] = {}
    for name, (kind, weights) in agent.whole.items():
        if name in ASKED and isinstance(kind, PhoneKind):
            answer = cast(Many, kind.answering_with(weights, most))
            found[name] = answer
    missing = [name for name in ASKED if name not in found]
    if missing:
        plain = AGENTS.find(RULES)(Setting())
        found |= {name: _one_by_one(getattr(plain, name)) for name in missing}
    return found


def _one_by_one(module: Callable[[Any], Any]) -> Many:
    return lambda requests: [module(each) for each in requests]


PHONE = SimulatedPhone()
SIMPLE_PHONE = SimulatedPhone(("simple",))
