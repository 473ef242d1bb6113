"""The algorithm contract: three pure functions around one PyTree of arrays."""

from __future__ import annotations

import abc
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from edgewise.common.errors import ConfigurationError
from edgewise.environments.spaces import Box, Discrete, Space, Spaces

TrainState = TypeVar("TrainState")


class Transition(eqx.Module):
    """One step of experience, or n of them in a row, or a batch of such.

    Attributes:
        observation: before the step; a vector, or a PyTree of arrays in a structured space.
        action: taken.
        reward: received; over n steps their discounted sum.
        discount: gamma^n, or 0 where the episode *terminated*; a truncated episode keeps its discount.
        next_observation: after the n steps; the final observation where the episode ended.
    """

    observation: PyTree[Array]
    action: Array
    reward: Array
    discount: Array
    next_observation: PyTree[Array]


class Step(eqx.Module):
    """One step of the environment, or several along leading axes.

    Attributes:
        observation: before the step; a vector, or a PyTree of arrays in a structured space.
        action: taken.
        reward: received.
        terminated: the episode ended inside the decision problem.
        ended: it ended for any reason.
        next_observation: after the step; the final observation where the episode ended.
    """

    observation: PyTree[Array]
    action: Array
    reward: Float[Array, ...]
    terminated: Bool[Array, ...]
    ended: Bool[Array, ...]
    next_observation: PyTree[Array]


class ReplayLearner(eqx.Module, Generic[TrainState]):
    """What the off-policy loop needs of a learner. Its fields are static: configuration and spaces."""

    @property
    @abc.abstractmethod
    def discount(self) -> float:
        """Discount factor gamma per step."""

    @property
    @abc.abstractmethod
    def batch_size(self) -> int:
        """Items of the replay per update."""

    @property
    @abc.abstractmethod
    def span(self) -> int:
        """Steps of the environment that an item of the replay spans."""

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray) -> TrainState:
        """Fresh networks and optimisers."""

    @abc.abstractmethod
    def policy(self, train_state: TrainState) -> Any:
        """The module that is deployed: a `DeployablePolicy`, or a `RecurrentPolicy` if the learner has a memory."""

    @abc.abstractmethod
    def initial_memory(self, batch: tuple[int, ...]) -> Any:
        """Memory at the start of an episode, of any leading batch shape; an empty tuple without one."""

    @abc.abstractmethod
    def step(
        self,
        train_state: TrainState,
        observation: PyTree[Array],
        memory: Any,
        key: PRNGKeyArray,
        explore: bool,
    ) -> tuple[Array, Any]:
        """Actions for observations of any leading batch shape, and the memory to go on with."""

    @abc.abstractmethod
    def update(
        self, train_state: TrainState, batch: Any, key: PRNGKeyArray
    ) -> tuple[TrainState, dict[str, Float[Array, ""]]]:
        """One learning step on a batch; metrics are scalars."""


class OffPolicyAlgorithm(ReplayLearner[TrainState]):
    """A learner without memory from replayed transitions."""

    @property
    def n_step(self) -> int:
        """Steps n that a transition spans."""
        return 1

    @property
    def span(self) -> int:
        return self.n_step

    @abc.abstractmethod
    def act(self, train_state: TrainState, observation: PyTree[Array], key: PRNGKeyArray, explore: bool) -> Array:
        """Actions for observations of any leading batch shape."""

    @abc.abstractmethod
    def update(
        self, train_state: TrainState, batch: Transition, key: PRNGKeyArray
    ) -> tuple[TrainState, dict[str, Float[Array, ""]]]:
        """One learning step on a batch; metrics are scalars."""

    def initial_memory(self, batch: tuple[int, ...]) -> tuple[()]:
        return ()

    def step(
        self,
        train_state: TrainState,
        observation: PyTree[Array],
        memory: Any,
        key: PRNGKeyArray,
        explore: bool,
    ) -> tuple[Array, Any]:
        return self.act(train_state, observation, key, explore), memory


class PrioritisedAlgorithm(OffPolicyAlgorithm[TrainState]):
    """A learner that says how much it has yet to learn from each transition, and gets those more often."""

    @property
    @abc.abstractmethod
    def priority_exponent(self) -> float:
        """Omega: a transition is drawn with a probability in proportion to priority^omega; 0 draws uniformly."""

    @abc.abstractmethod
    def importance_exponent(self, train_state: TrainState) -> Float[Array, ""]:
        """Beta: a transition drawn with probability P has a weight in proportion to P^-beta."""

    @abc.abstractmethod
    def update_prioritised(
        self, train_state: TrainState, batch: Transition, weight: Float[Array, " b"], key: PRNGKeyArray
    ) -> tuple[TrainState, dict[str, Float[Array, ""]], Float[Array, " b"]]:
        """One learning step on a weighted batch; returns the new priorities too, none negative."""

    def update(
        self, train_state: TrainState, batch: Transition, key: PRNGKeyArray
    ) -> tuple[TrainState, dict[str, Float[Array, ""]]]:
        train_state, metrics, _ = self.update_prioritised(train_state, batch, jnp.ones_like(batch.reward), key)
        return train_state, metrics


class RecurrentAlgorithm(ReplayLearner[TrainState]):
    """A learner with a memory, from windows of `span` successive steps of one copy of the environment.

    A window may start inside an episode and reach into the next one.
    """

    @abc.abstractmethod
    def update(
        self, train_state: TrainState, batch: Step, key: PRNGKeyArray
    ) -> tuple[TrainState, dict[str, Float[Array, ""]]]:
        """One learning step on a batch of windows, [batch, span, ...]; metrics are scalars."""


class OnPolicyAlgorithm(eqx.Module, Generic[TrainState]):
    """A learner from rollouts of its newest policy. Its fields are static: configuration and spaces."""

    @property
    def shares(self) -> int:
        """Equal parts into which a rollout must be divisible."""
        return 1

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray) -> TrainState:
        """Fresh networks and optimisers."""

    @abc.abstractmethod
    def policy(self, train_state: TrainState) -> Any:
        """The module that is deployed: a `DeployablePolicy`."""

    @abc.abstractmethod
    def act(self, train_state: TrainState, observation: PyTree[Array], key: PRNGKeyArray) -> Array:
        """Actions drawn for observations of any leading batch shape; the loop clips what is carried out to a box."""

    @abc.abstractmethod
    def update(
        self, train_state: TrainState, rollout: Step, key: PRNGKeyArray
    ) -> tuple[TrainState, dict[str, Float[Array, ""]]]:
        """Learn from a rollout of this state's policy, [time, copies, ...], drawn actions included; metrics are scalars."""


def check_masking(masking: bool, spaces: Spaces) -> None:
    """Require an action mask in the observations, if it is to be used.

    Raises:
        ConfigurationError: if the environment shows none.
    """
    if masking and not spaces.action_mask:
        raise ConfigurationError("masking", True, "used in an environment whose observations end with an action mask")


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
