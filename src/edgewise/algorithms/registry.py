"""Algorithms by name, ours and those that others bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from edgewise.common.errors import ConfigurationError
from edgewise.common.table import Table, resolve

ActionKind = Literal["box", "discrete", "matching", "game"]


@dataclass(frozen=True)
class AlgorithmEntry:
    """An algorithm that can be asked for by name.

    Attributes:
        name: the name, as given to the command line.
        summary: one line.
        configuration: its configuration dataclass, or "module:name" of it.
        learner: its class, or "module:name" of it; built with (configuration, spaces, updates of the run).
        actions: the kinds of action space it learns in; "matching" for those that
            choose a column for every row of a bipartite observation; "game" stands for the actions of several agents.
    """

    name: str
    summary: str
    configuration: type[Any] | str
    learner: type[Any] | str
    actions: tuple[ActionKind, ...]

    @property
    def config(self) -> type[Any]:
        """Its configuration dataclass, loaded."""
        kind: type[Any] = resolve(self.configuration)
        return kind

    @property
    def algorithm(self) -> type[Any]:
        """Its class, loaded."""
        kind: type[Any] = resolve(self.learner)
        return kind

    def build(self, config: Any, spaces: Any, updates: int) -> Any:
        """The algorithm for the given spaces, in a run of `updates` updates.

        Args:
            config: an instance of `self.config`.
            spaces: `Spaces` of an environment, or `GameSpaces` of a game.
            updates: calls of the algorithm's update in the whole run.

        Raises:
            ConfigurationError: if it does not learn in this kind of action space; names those that do.
        """
        kind = spaces.actions
        if kind not in self.actions:
            fitting = ", ".join(e.name for e in map(find_algorithm, ALGORITHMS.names()) if kind in e.actions)
            raise ConfigurationError("algorithm", self.name, f"one for {kind} actions: {fitting or 'there is none'}")
        return self.algorithm(config, spaces, updates)


ALGORITHMS: Table[AlgorithmEntry] = Table("edgewise.algorithms", "algorithm")


def find_algorithm(name: str) -> AlgorithmEntry:
    """Look an algorithm up.

    Raises:
        ConfigurationError: naming the algorithms that exist.
    """
    return ALGORITHMS.find(name)


def register_algorithm(entry: AlgorithmEntry) -> None:
    """Add an algorithm of your own, for this process.

    Raises:
        ConfigurationError: if the name is taken.
    """
    ALGORITHMS.register(entry.name, entry)
