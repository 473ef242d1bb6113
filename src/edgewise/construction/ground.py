"""What agents are for: tasks by which one is tested when it is integrated, and whom the demonstration's servers serve.

Kinds say on which ground their modules work; grounds are found by the entry points `edgewise.grounds`.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool

from edgewise.common.errors import ConfigurationError
from edgewise.common.table import Table
from edgewise.construction.kind import MODULES, SYNTHETIC

if TYPE_CHECKING:
    from edgewise.construction.agent import Agent


class Ground(abc.ABC):
    """What agents are for. It has no state."""

    @property
    @abc.abstractmethod
    def places(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Apps and language of the users at each edge server of a demonstration, begun again where there are more."""

    @property
    @abc.abstractmethod
    def most_tasks(self) -> int:
        """Tasks of an acceptance test at most: what a test takes no longer than a minute for."""

    @abc.abstractmethod
    def draw_tasks(self, count: int, seed: int) -> Sequence[Any]:
        """Tasks of an acceptance test, on what no edge server has."""

    @abc.abstractmethod
    def successes(self, agent: Agent, tasks: Sequence[Any]) -> Bool[np.ndarray, " n"]:
        """Which tasks are done when the agent says so; plain rules stand in for modules that are missing."""

    @abc.abstractmethod
    def warm(self, agent: Agent) -> None:
        """Let an agent answer once, so that what answers need is compiled.

        Raises:
            EdgewiseError: if it does not answer.
        """

    @abc.abstractmethod
    def show(self, folder: Path) -> str:
        """What the agent that has arrived in an edge server's folder does when it is used, in a line.

        Raises:
            EdgewiseError: if it cannot be used.
        """


GROUNDS: Table[Ground] = Table("edgewise.grounds", "ground")
"""The grounds that are installed, by name."""


def ground_of(kinds: Sequence[str]) -> str:
    """The ground of an agent of some kinds.

    Raises:
        ConfigurationError: if it is not the same for all of them.
    """
    found = {MODULES.find(name).ground for name in kinds}
    if len(found) > 1:
        raise ConfigurationError("kinds", ", ".join(kinds), f"of one ground, not of {' and '.join(sorted(found))}")
    return next(iter(found), SYNTHETIC)


def ground_of_agent(agent: Agent) -> Ground:
    """The ground on which an agent's modules work."""
    return GROUNDS.find(ground_of([module.manifest.kind for module in agent.modules.values()]))
