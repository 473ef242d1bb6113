"""The algorithm contract: three pure functions around one PyTree of arrays."""

from __future__ import annotations

import abc
from typing import Any, Generic, TypeVar

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.environments.base import Box, Discrete, Space

TrainState = TypeVar("TrainState")


class Transition(eqx.Module):
    """One step of experience, or n of them in a row, or a batch of such.

    Attributes:
        observation: before the step.
        action: taken.
        reward: received; over n steps their discounted sum.
        discount: gamma^n, or 0 where the episode *terminated*; a truncated episode keeps its discount.
        next_observation: after the n steps; the final observation where the episode ended.
    """

    observation: Array
    action: Array
    reward: Array
    discount: Array
    next_observation: Array


class OffPolicyAlgorithm(eqx.Module, Generic[TrainState]):
    """A learner from replayed transitions. Its fields are static: configuration and spaces."""

    @property
    @abc.abstractmethod
    def discount(self) -> float:
        """Discount factor gamma per step."""

    @property
    def n_step(self) -> int:
        """Steps n that a transition spans."""
        return 1

    @property
    @abc.abstractmethod
    def batch_size(self) -> int:
        """Transitions per update."""

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray) -> TrainState:
        """Fresh networks and optimisers."""

    @abc.abstractmethod
    def policy(self, train_state: TrainState) -> Any:
        """The module that is deployed: called with (observation, key), key None for its deterministic action."""

    @abc.abstractmethod
    def act(
        self, train_state: TrainState, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Array:
        """Actions for observations of any leading batch shape."""

    @abc.abstractmethod
    def update(
        self, train_state: TrainState, batch: Transition, key: PRNGKeyArray
    ) -> tuple[TrainState, dict[str, Float[Array, ""]]]:
        """One learning step on a batch; metrics are scalars."""


def flat_size(space: Space) -> int:
    """Number of components of a vector space.

    Raises:
        ValueError: if the space is not a vector.
    """
    if not isinstance(space, Box) or len(space.shape) != 1:
        raise ValueError(f"{space}: this algorithm needs a vector space")
    return space.shape[0]


def count(space: Space) -> int:
    """Number of choices of a discrete space.

    Raises:
        ValueError: if the space is not discrete.
    """
    if not isinstance(space, Discrete):
        raise ValueError(f"{space}: this algorithm needs a discrete space")
    return space.n
