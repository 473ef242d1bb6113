"""The contract of learners of games: every agent that moves is told what it sees, and learns from its own rollouts."""

from __future__ import annotations

import abc
from typing import Any, Generic, TypeVar

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Step
from edgewise.environments.game import GameSpaces
from edgewise.policies.joint import JointPolicy

TrainState = TypeVar("TrainState")


class Turns(eqx.Module):
    """Moves of the agents of one kind, [agents, copies, ...], or of several slots along a leading axis.

    Attributes:
        step: every agent's view, what it drew, its reward, and its view at its next move.
        everyone: all agents' views together when the kind moves, [copies, g]; none if the learner shares nothing.
        next_everyone: the same at its next move.
    """

    step: Step
    everyone: Array | None
    next_everyone: Array | None


class GameAlgorithm(eqx.Module, Generic[TrainState]):
    """Learners from rollouts of their newest policies. Its fields are static: configuration and kinds of agents."""

    joint: eqx.AbstractVar[GameSpaces]

    @property
    @abc.abstractmethod
    def shares(self) -> int:
        """Equal parts into which the copies of the environment must be divisible."""

    @property
    @abc.abstractmethod
    def central(self) -> bool:
        """Whether learners may look at all agents' views."""

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
        everyone: Float[Array, "copies g"] | None,
        memory: Any,
        key: PRNGKeyArray,
    ) -> tuple[Array, Array, Any]:
        """What agents of a kind draw, the actions that this means, and their memory to go on with."""

    @abc.abstractmethod
    def update(
        self, train_state: TrainState, rollout: tuple[Turns, ...], memory: Any, key: PRNGKeyArray
    ) -> tuple[TrainState, dict[str, Float[Array, ""]]]:
        """Learn from a rollout of this state's policies, [time, agents, copies, ...] by kind; metrics are scalars.

        `memory` is that before the rollout.
        """
