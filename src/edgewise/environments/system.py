"""What the library knows of a system: how to build it, what to measure in it, what to compare with."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Array, PRNGKeyArray

from edgewise.common.errors import ConfigurationError

Policy = Callable[[PRNGKeyArray, Any, Any], Any]
"""`policy(key, state, observation) -> action`. A learned policy ignores the state; a reference may look at it.

In a game observation and action are dictionaries keyed by agent id, and only the actions of those who move count.
"""


@runtime_checkable
class RememberingPolicy(Protocol):
    """A policy that acts on observations alone, and remembers what it has seen of an episode."""

    def initial_memory(self) -> Any:
        """Memory at the start of an episode; an empty tuple for a policy without one."""

    def step(self, key: PRNGKeyArray, observation: Any, memory: Any) -> tuple[Array, Any]:
        """An action, and the memory to go on with."""


@dataclass(frozen=True)
class Headline:
    """The metric by which policies of a system are judged.

    Attributes:
        metric: a name in `info`, whose mean over an episode's steps counts; or "return", the sum of an episode's rewards.
        label: in words.
        unit: of that figure.
        higher_is_better: whether more of it is better.
        digits: decimals worth printing.
    """

    metric: str
    label: str
    unit: str
    higher_is_better: bool = False
    digits: int = 1

    def text(self, value: float) -> str:
        """A figure of the metric, as printed."""
        return f"{value:.{self.digits}f}"

    def best_first(self, value: float) -> float:
        """A sort key that puts the best figure first."""
        return -value if self.higher_is_better else value


@dataclass(frozen=True)
class System(abc.ABC):
    """A system, of one agent or several.

    Attributes:
        name: as given to the command line.
        summary: one line.
        config: configuration dataclass, all of whose fields have defaults.
        headline: the metric of the system.
        columns: further metrics that a table shows.
        reference_names: every reference policy.
        usual_references: those shown unless asked otherwise.
        default_algorithm: the algorithm that trains unless another is asked for.
    """

    name: str
    summary: str
    config: type[Any]
    headline: Headline
    columns: tuple[str, ...]
    reference_names: tuple[str, ...]
    usual_references: tuple[str, ...]
    default_algorithm: str

    @abc.abstractmethod
    def build(self, config: Any) -> Any:
        """The environment to train in: an `Environment`, or a `HostTask` if it is stepped outside of compiled code."""

    @abc.abstractmethod
    def build_evaluation(self, config: Any) -> Any:
        """The environment to be judged in: the same instance, and the held-out part of a recording."""

    @abc.abstractmethod
    def references(self, environment: Any, names: Sequence[str]) -> dict[str, Policy]:
        """Reference policies for an environment of this system."""

    def bound(self, environment: Any, states: Any) -> Array | None:
        """What no policy can beat in an episode's headline metric, or none if no such figure is known.

        Args:
            environment: the episode's.
            states: the state before each of its steps, along the first axis.
        """
        return None

    def choose_references(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """The usual references for none, every one for "all", else the named ones.

        Raises:
            ConfigurationError: for a name that does not exist.
        """
        if names is None:
            return self.usual_references
        if "all" in names:
            return self.reference_names
        for name in names:
            if name not in self.reference_names:
                raise ConfigurationError("against", name, f"one of {', '.join(self.reference_names)}, or all")
        return tuple(names)


@dataclass(frozen=True)
class Entry(System):
    """A system with one agent in the registry.

    Attributes:
        gymnasium_id: as given to `gymnasium.make`.
    """

    gymnasium_id: str
