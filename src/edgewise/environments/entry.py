"""What the library knows of a system: how to build it, what to measure in it, what to compare with."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Array, PRNGKeyArray

from edgewise.environments.base import Environment
from edgewise.numerics.checks import ConfigurationError

Policy = Callable[[PRNGKeyArray, Any, Any], Array]
"""`policy(key, state, observation) -> action`. A learned policy ignores the state; a reference may look at it."""


@dataclass(frozen=True)
class Headline:
    """The metric by which policies of a system are judged; lower is better.

    Attributes:
        metric: name in `info`.
        label: in words.
        unit: of its mean over an episode's steps.
    """

    metric: str
    label: str
    unit: str


@dataclass(frozen=True)
class Entry(abc.ABC):
    """A system in the registry.

    Attributes:
        name: as given to the command line.
        gymnasium_id: as given to `gymnasium.make`.
        summary: one line.
        config: configuration dataclass, all of whose fields have defaults.
        headline: the metric of the system.
        columns: further metrics that a table shows.
        reference_names: every reference policy.
        usual_references: those shown unless asked otherwise.
    """

    name: str
    gymnasium_id: str
    summary: str
    config: type[Any]
    headline: Headline
    columns: tuple[str, ...]
    reference_names: tuple[str, ...]
    usual_references: tuple[str, ...]

    @abc.abstractmethod
    def build(self, config: Any) -> Environment[Any]:
        """The environment to train in."""

    @abc.abstractmethod
    def build_evaluation(self, config: Any) -> Environment[Any]:
        """The environment to be judged in: the same instance, and the held-out part of a recording."""

    @abc.abstractmethod
    def references(self, environment: Any, names: Sequence[str]) -> dict[str, Policy]:
        """Reference policies for an environment of this system."""

    @abc.abstractmethod
    def lower_bound(self, environment: Any, state: Any) -> Array:
        """What no policy can undercut in the headline metric, in the given state."""

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
