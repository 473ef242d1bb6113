"""What agents are for: tasks by which one is tested when it is integrated, and whom the demonstration's servers serve.

Kinds say on which ground their modules work; grounds are found by the entry points `edgewise.grounds`.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool

from edgewise.common.errors import ConfigurationError
from edgewise.common.table import Table
from edgewise.construction.kind import MODULES, SYNTHETIC

if TYPE_CHECKING:
    from edgewise.construction.agent import Agent


HIDDEN = ("hidden-1", "hidden-2", "hidden-3", "hidden-4")


@dataclass(frozen=True)
class Experience:
    """Data of an edge server; fields as of `edge_config.EdgeConfig`."""

    examples: int
    round_examples: int | None = None
    renewed: bool = True


class Stage(abc.ABC):
    """Where an agent is shown at work when a demonstration ends; it is there from the demonstration's beginning."""

    @property
    @abc.abstractmethod
    def told(self) -> str:
        """What will be done, and where one can look on; empty if there is nothing to tell."""

    @abc.abstractmethod
    def play(self, folder: Path) -> str:
        """Let the agent that has arrived in an edge server's folder do what it is for; what came of it, in a line.

        Raises:
            EdgewiseError: if it cannot be used.
        """

    @abc.abstractmethod
    def stay(self) -> None:
        """Wait for Ctrl-C where there is something to look at, as long as this process lives."""


class Ground(abc.ABC):
    """What agents are for. It has no state."""

    @property
    @abc.abstractmethod
    def places(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Apps and language of the users at each edge server of a demonstration, begun again where there are more."""

    @property
    def hidden(self) -> tuple[str, ...]:
        """Apps that no edge server has: what modules are measured on."""
        return HIDDEN

    @property
    def brief(self) -> str:
        """Name of the ground that a demonstration has in its place, so that it ends within minutes; empty for none."""
        return ""

    @abc.abstractmethod
    def experience(self, kind: str) -> Experience:
        """What an edge server of a demonstration builds a kind from, by its name."""

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
    def stage(self, seed: int, port: int | None) -> Stage:
        """Make a stage.

        Args:
            seed: of what will be done.
            port: of the loopback, for a page that shows it; 0 for a free one. If None, or where nothing can be shown, there is
                no page.

        Raises:
            EdgewiseError: if the port is taken.
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
