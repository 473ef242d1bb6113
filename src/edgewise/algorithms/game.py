"""The contract of learners of games: every agent that moves gets what it observes, and learns from its own rollouts.

`edgewise.algorithms.base` explains how a learner is written; the configuration of one of games may have the fields `minibatches`,
if it divides the copies of the environment, and `central`, if learners may look at the observations of all agents.
"""

from __future__ import annotations

import abc
from typing import Any, Generic, TypeVar

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Metrics, Step
from edgewise.environments.game import GameSpaces
from edgewise.policies.joint import JointPolicy

Config = TypeVar("Config")
TrainState = TypeVar("TrainState")


class Turns(eqx.Module):
    """Moves of the agents of one kind, [agents, copies, ...], or of several slots along a leading axis.

    Attributes:
        step: every agent's observation, what it sampled, its reward, and its observation at its next move.
        global_observation: what all agents see together when the kind moves, [copies, g]; None if the learner shares nothing.
        next_global_observation: the same at its next move.
    """

    step: Step
    global_observation: Array | None
    next_global_observation: Array | None


class GameAlgorithm(eqx.Module, Generic[Config, TrainState]):
    """Learners from rollouts of their newest policies.

    Attributes:
        config: the learners' configuration.
        spaces: kinds of agents with their spaces.
        updates: calls of `update` in the whole run, for everything that decays.
    """

    config: Config = eqx.field(static=True)
    spaces: GameSpaces = eqx.field(static=True)
    updates: int = eqx.field(static=True)

    @property
    def shares(self) -> int:
        """Equal parts into which the copies of the environment must be divisible: `minibatches` of the configuration, or 1."""
        return int(getattr(self.config, "minibatches", 1))

    @property
    def central(self) -> bool:
        """Whether learners may look at all agents' observations: `central` of the configuration, or no."""
        return bool(getattr(self.config, "central", False))

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray) -> TrainState:
        """Fresh networks and optimisers of every agent."""

    @abc.abstractmethod
    def policy(self, train_state: TrainState) -> JointPolicy:
        """What is deployed."""

    @abc.abstractmethod
    def initial_memory(self, copies: int) -> Any:
        """Memories at the start of an episode, by kind; every array begins with [agents, copies]."""

    @abc.abstractmethod
    def act(
        self,
        train_state: TrainState,
        kind: int,
        observation: Float[Array, "agents copies o"],
        global_observation: Float[Array, "copies g"] | None,
        memory: Any,
        key: PRNGKeyArray,
    ) -> tuple[Array, Array, Any]:
        """What agents of a kind sample, the actions that this means, and their memory to go on with."""

    @abc.abstractmethod
    def update(
        self, train_state: TrainState, rollout: tuple[Turns, ...], memory: Any, key: PRNGKeyArray
    ) -> tuple[TrainState, Metrics]:
        """Learn from a rollout of this state's policies, [time, agents, copies, ...] by kind.

        `memory` is that before the rollout.
        """
