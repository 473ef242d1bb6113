"""A kind of agent module: what edge servers build, and how the cloud measures it. Kinds are found by entry points."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgewise.common.table import Table

Weights = dict[str, np.ndarray]
"""Named arrays: all that a module is."""
Data = dict[str, np.ndarray]
"""Named arrays of examples, each [n, ...]."""
Answering = Callable[[Mapping[str, Any]], dict[str, Any]]
"""A module at work: a request of its kind's input schema to an answer of its output schema."""
ManyAnswering = Callable[[Sequence[Mapping[str, Any]]], list[dict[str, Any]]]
"""The same for several requests at a time."""
Name = Literal["perception", "memory", "planning", "decision", "reflection", "action"]
"""The places of an agent that a module can take."""
SYNTHETIC = "synthetic"
"""Name of the ground of the built-in kinds."""
NAMES: tuple[Name, ...] = ("perception", "memory", "planning", "decision", "reflection", "action")


class ModuleKind(abc.ABC):
    """A kind of module. It has no state: two with equal fields do the same.

    Data never leave an edge server; weights and figures do.
    """

    @property
    @abc.abstractmethod
    def name(self) -> Name:
        """The place of an agent that modules of this kind take."""

    @property
    @abc.abstractmethod
    def interface(self) -> int:
        """Version of what its modules take and give; an agent has room for one only."""

    @property
    @abc.abstractmethod
    def inputs(self) -> dict[str, Any]:
        """JSON schema of a request."""

    @property
    @abc.abstractmethod
    def outputs(self) -> dict[str, Any]:
        """JSON schema of an answer."""

    @property
    @abc.abstractmethod
    def learned(self) -> bool:
        """Whether a round trains a network; else it adds knowledge."""

    @property
    def ground(self) -> str:
        """On what its modules work, by the name of its `ground.Ground`: what an agent of them is tested on."""
        return SYNTHETIC

    @property
    def usual(self) -> bool:
        """Whether it is built where nobody says which kinds are; of several kinds for a place, one is."""
        return True

    @abc.abstractmethod
    def draw_data(self, apps: tuple[str, ...], examples: int, seed: int, language: str) -> Data:
        """Synthetic examples of an edge server.

        Args:
            apps: its apps, any names; each name has a look of its own.
            examples: how many.
            seed: of the random numbers.
            language: of most labels; see `words.LANGUAGES`, or "mixed" for all alike.

        Raises:
            ConfigurationError: for no apps, no examples or an unknown language.
        """

    @abc.abstractmethod
    def data_from(self, folder: Path) -> Data:
        """Examples of a user: every `*.jsonl` of a folder, a line `{"request": ..., "answer": ...}` each.

        Raises:
            EdgewiseError: if a file cannot be read, naming the line.
        """

    @abc.abstractmethod
    def initial(self, seed: int) -> Weights:
        """The weights that building begins with; the cloud sends them."""

    @abc.abstractmethod
    def train_round(self, weights: Weights, data: Data, seed: int) -> tuple[Weights, dict[str, float]]:
        """One round: one pass over the data.

        Args:
            weights: before it; they stay as they are.
            data: of the edge server.
            seed: of the order of the examples.

        Returns:
            The weights after it, and its figures: "loss" (mean over the pass), "examples", "cpu_seconds" (CPU time, s,
            without compilation).
        """

    @abc.abstractmethod
    def evaluate(self, weights: Weights, data: Data) -> float:
        """Measured quality in [0, 1] on data."""

    @abc.abstractmethod
    def respond(self, weights: Weights, data: Data) -> np.ndarray:
        """Outputs [n, ...] on the inputs of data, whatever their answers are: copies are found by them."""

    def joined(self, parts: Sequence[Weights]) -> tuple[ModuleKind, Weights] | None:
        """Several modules as one: what the cloud server may make of them when it integrates an agent.

        Args:
            parts: weights of modules of this kind, two or more.

        Returns:
            A kind that answers for all of them and its weights; the kind may be this one, where weights can be averaged. If
            None, as for kinds that say nothing, they cannot be joined: an agent has the best of them alone.
        """
        return None

    @abc.abstractmethod
    def load(self, weights: Weights) -> Answering:
        """The module as it answers a request.

        Raises:
            ConfigurationError: if weights do not fit; the returned function raises it for a request that does not.
        """

    def load_many(self, weights: Weights) -> ManyAnswering:
        """The module as it answers several requests at a time; one after the other, unless a kind knows better."""
        answer = self.load(weights)
        return lambda requests: [answer(request) for request in requests]


MODULES: Table[ModuleKind] = Table("edgewise.modules", "kind")
"""The kinds that are installed, instances of `ModuleKind`, by a name of their own."""


def learned_kinds() -> tuple[str, ...]:
    """Names of the usual kinds that need nothing but data: others ask a model, whose endpoint must be named."""
    found = {name: MODULES.find(name) for name in MODULES.names()}
    return tuple(name for name, kind in found.items() if kind.learned and kind.usual)


def register_module(name: str, kind: ModuleKind) -> None:
    """Add a kind of your own, for this process.

    Raises:
        ConfigurationError: if the name is taken.
    """
    MODULES.register(name, kind)
