"""The contract of games: several agents, dictionaries keyed by agent id, and slots that agents move in by turns."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import equinox as eqx
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from edgewise.environments.environment import structure_hash
from edgewise.environments.spaces import Box, Dict, Space
from edgewise.numerics.scaling import AnyScaling

State = TypeVar("State")
Observations = dict[str, Any]
Answer = Callable[[int, State], dict[str, Array]]
"""`answer(stage, state) -> actions`: how the agents of a stage move in a state."""


class GameStep(eqx.Module):
    """What a move returns beside the state.

    Attributes:
        observations: the observations of every agent, after the move.
        rewards: the rewards of every agent; zeros until the last stage of a slot.
        terminated: the episode ended inside the decision problem.
        truncated: the episode was cut.
        info: domain metrics, scalars; they may tell what no agent may see.
    """

    observations: Observations
    rewards: dict[str, Float[Array, ""]]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]
    info: dict[str, Array]


@dataclass(frozen=True)
class Kind:
    """Agents that move in the same stage and have the same spaces.

    Attributes:
        agents: their ids.
        observation_size: components of an observation.
        low, high: bounds of an action.
    """

    agents: tuple[str, ...]
    observation_size: int
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def name(self) -> str:
        """What their ids begin with."""
        return self.agents[0].rpartition("_")[0]


@dataclass(frozen=True)
class GameSpaces:
    """What a learner needs to know of a game.

    Attributes:
        kinds: the kinds of agents, in the order in which they move.
    """

    kinds: tuple[Kind, ...]
    actions: ClassVar[str] = "game"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the kinds."""
        return tuple(kind.name for kind in self.kinds)


class Game(eqx.Module, Generic[State]):
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
    def move(self, key: PRNGKeyArray, state: State, stage: int, actions: Mapping[str, Any]) -> tuple[State, GameStep]:
        """Let the agents of a stage move. There is no reset inside.

        Args:
            key: the key of what chance decides.
            state: before the move.
            stage: its place in `stages`; stages of a slot follow each other.
            actions: the actions of its agents; those of others are not looked at.
        """

    @abc.abstractmethod
    def observe(self, state: State) -> Observations:
        """What each agent sees in a state."""

    @property
    def privileged_space(self) -> Space:
        """Space of what `privileged` gives."""
        return Dict(self.observation_spaces)

    def privileged(self, state: State) -> Any:
        """What a critic of all agents may see of a state in training; by default what they see together."""
        return self.observe(state)

    def present(self, state: State) -> dict[str, Bool[Array, ""]]:
        """Who takes part in the slot that begins in a state; agents that are not named always do.

        An agent that left does not come back. What those move who are not there must have no influence.
        """
        return {}

    def gains(self, state: State, answer: Answer[State]) -> dict[str, Array]:
        """What agents could gain by moving otherwise in the next slot, one alone; nothing where nobody can tell.

        Args:
            state: before the slot.
            answer: how everyone moves.
        """
        return {}

    def __hash__(self) -> int:
        return structure_hash(self)

    @property
    def scalings(self) -> dict[str, AnyScaling]:
        """How agents' observations were made from those that a deployed policy takes; nothing where they are the same."""
        return {}

    @property
    def agents(self) -> tuple[str, ...]:
        """The ids of all agents, in the order in which they move."""
        return tuple(agent for stage in self.stages for agent in stage)

    @property
    def spaces(self) -> GameSpaces:
        """Every agent's spaces, by kind.

        Raises:
            ValueError: if they are not vectors.
        """
        kinds = []
        for stage in self.stages:
            alike: dict[tuple[tuple[float, ...], ...], list[str]] = {}
            for agent in stage:
                seen, done = self.observation_spaces[agent], self.action_spaces[agent]
                if (
                    not isinstance(seen, Box)
                    or not isinstance(done, Box)
                    or len(seen.shape) != 1
                    or len(done.shape) != 1
                ):
                    raise ValueError(f"{agent}: observation and action must be vectors")
                bounds = tuple(tuple(bound.tolist()) for bound in (seen.low, seen.high, done.low, done.high))
                alike.setdefault(bounds, []).append(agent)
            kinds += [Kind(tuple(agents), len(seen), low, high) for (seen, _, low, high), agents in alike.items()]
        return GameSpaces(tuple(kinds))
