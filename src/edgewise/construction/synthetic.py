"""The ground of the built-in kinds: a synthetic telephone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from edgewise.construction.acceptance import Task, draw_tasks, example, successes
from edgewise.construction.agent import Agent
from edgewise.construction.edge_config import EXAMPLES
from edgewise.construction.ground import HIDDEN, Experience, Ground, Stage
from edgewise.construction.steps import After, moves, reflect

PLACES = (
    (("mail", "maps", "shop"), "en"),
    (("post", "karten", "bahn"), "de"),
    (("courrier", "plans", "metro"), "fr"),
    (("correo", "mapas", "tienda"), "es"),
    (("posta", "mappe", "treno"), "it"),
)
MOST_TASKS = 10_000
"""Of an acceptance test: as many different ones are drawn as anybody asks for."""


class SyntheticTelephone(Ground):
    """Tasks of two or three subgoals on a synthetic telephone, see `acceptance`."""

    @property
    def places(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        return PLACES

    def experience(self, kind: str) -> Experience:
        return Experience(EXAMPLES)

    @property
    def most_tasks(self) -> int:
        return MOST_TASKS

    def draw_tasks(self, count: int, seed: int) -> Sequence[Task]:
        return draw_tasks(HIDDEN, count, seed)

    def successes(self, agent: Agent, tasks: Sequence[Task]) -> Bool[np.ndarray, " n"]:
        return successes(agent, tasks)

    def warm(self, agent: Agent) -> None:
        for _ in range(2):
            moves(agent, [example()])
        reflect(agent, [After(label="send", before="home", after="outbox", change=0.5)])

    def stage(self, seed: int, port: int | None) -> Stage:
        return Asked()


class Asked(Stage):
    """The agent, asked once over HTTP."""

    @property
    def told(self) -> str:
        return ""

    def play(self, folder: Path) -> str:
        from edgewise.construction.asking import ask_once

        return f"asked once over HTTP: {json.dumps(ask_once(folder)['move'])}"

    def stay(self) -> None:
        """There is nothing to look at."""


SYNTHETIC_TELEPHONE = SyntheticTelephone()
