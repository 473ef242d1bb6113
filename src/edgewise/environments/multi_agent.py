"""The contract of environments with several agents: dictionaries keyed by agent id, and slots that agents move in by turns."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import equinox as eqx
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from edgewise.environments.base import Space

State = TypeVar("State")
Observations = dict[str, Array]


class MultiAgentStep(eqx.Module):
    """What a move returns beside the state.

    Attributes:
        observations: of every agent, after the move.
        rewards: of every agent; zeros until the last stage of a slot.
        terminated: the episode ended inside the decision problem.
        truncated: the episode was cut.
        info: domain metrics, scalars; they may tell what no agent may see.
    """

    observations: Observations
    rewards: dict[str, Float[Array, ""]]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]
    info: dict[str, Array]


class MultiAgentEnvironment(eqx.Module, Generic[State]):
    """A game of several slots, each of one or more stages, as pure functions."""

    @property
    @abc.abstractmethod
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """Who moves in each stage of a slot; every agent moves once in a slot."""

    @property
    @abc.abstractmethod
    def observation_spaces(self) -> dict[str, Space]:
        """Space of each agent's observation."""

    @property
    @abc.abstractmethod
    def action_spaces(self) -> dict[str, Space]:
        """Space of each agent's action."""

    @property
    @abc.abstractmethod
    def horizon(self) -> int:
        """Slots after which an episode has ended for certain."""

    @abc.abstractmethod
    def reset(self, key: PRNGKeyArray) -> tuple[State, Observations]:
        """Draw an initial state and return it with every agent's observation."""

    @abc.abstractmethod
    def move(
        self, key: PRNGKeyArray, state: State, stage: int, actions: Mapping[str, Any]
    ) -> tuple[State, MultiAgentStep]:
        """Let the agents of a stage move. There is no reset inside.

        Args:
            key: of what chance decides.
            state: before the move.
            stage: its place in `stages`; stages of a slot follow each other.
            actions: of its agents; those of others are not looked at.
        """

    @property
    def agents(self) -> tuple[str, ...]:
        """Every agent."""
        return tuple(agent for stage in self.stages for agent in stage)


@dataclass(frozen=True)
class MultiAgentEntry(abc.ABC):
    """A system with several agents in the registry.

    Attributes:
        name: as given to the command line.
        summary: one line.
        config: configuration dataclass, all of whose fields have defaults.
    """

    name: str
    summary: str
    config: type[Any]

    @abc.abstractmethod
    def build(self, config: Any) -> MultiAgentEnvironment[Any]:
        """The environment of a configuration."""
