"""Replay memories: what is kept of the experience, and how a learner learns from it."""

from __future__ import annotations

import abc
from dataclasses import replace
from typing import Any

import equinox as eqx
import flashbax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PRNGKeyArray

from edgewise.algorithms.base import (
    OffPolicyAlgorithm,
    PrioritisedAlgorithm,
    RecurrentAlgorithm,
    ReplayLearner,
    Step,
    Transition,
)
from edgewise.common.errors import ConfigurationError
from edgewise.training.experience import n_step

PRIORITY_FLOOR = 1e-6
"""Added to every priority, so that nothing is never drawn again (Schaul et al., 2016, section 3.3)."""


class Replay(eqx.Module):
    """A memory of Flashbax, and the updates of one learner from it. Its own state is passed in and out.

    Attributes:
        learner: who learns.
        environments: copies of the environment.
        capacity: steps kept, of all copies together.
    """

    learner: eqx.AbstractVar[ReplayLearner[Any, Any]]
    environments: eqx.AbstractVar[int]
    capacity: eqx.AbstractVar[int]

    @property
    @abc.abstractmethod
    def recent(self) -> int:
        """Latest steps that must be at hand, beside the newest one, to store an item."""

    @abc.abstractmethod
    def init(self, example: Step) -> Any:
        """An empty memory for steps like the example, which is one step of one copy."""

    @abc.abstractmethod
    def add(self, state: Any, window: Step) -> Any:
        """Store what the newest step completes; `window` holds `recent` + 1 steps of every copy, oldest first."""

    def cut(self, state: Any) -> Any:
        """Make the newest stored step the last one of its episode, where steps of an episode are stored one by one."""
        return state

    @abc.abstractmethod
    def learn(self, train_state: Any, state: Any, keys: Key[Array, " u"]) -> tuple[Any, Any, dict[str, Array]]:
        """One update for each key: the learner, the memory, and the metrics of every update."""


class TransitionReplay(Replay):
    """Transitions of n steps."""

    learner: eqx.AbstractVar[OffPolicyAlgorithm[Any, Any]]

    @property
    @abc.abstractmethod
    def _buffer(self) -> Any:
        """The buffer of single items."""

    @property
    def recent(self) -> int:
        return self.learner.n_step - 1

    def init(self, example: Step) -> Any:
        zero = jnp.zeros(())
        seen = example.observation, example.action, zero, zero, example.next_observation
        return self._buffer.init(Transition(*seen, example.privileged, example.next_privileged, example.credit))

    def add(self, state: Any, window: Step) -> Any:
        return self._buffer.add(state, n_step(window, self.learner.discount))


class UniformReplay(TransitionReplay):
    """Transitions drawn uniformly."""

    learner: OffPolicyAlgorithm[Any, Any]
    environments: int
    capacity: int

    @property
    def _buffer(self) -> Any:
        return flashbax.make_item_buffer(
            max_length=self.capacity, min_length=1, sample_batch_size=self.learner.batch_size, add_batches=True
        )

    def learn(self, train_state: Any, state: Any, keys: Key[Array, " u"]) -> tuple[Any, Any, dict[str, Array]]:
        return _learn_uniformly(self.learner, self._buffer, train_state, state, keys)


class PrioritisedReplay(TransitionReplay):
    """Transitions drawn by priority (Schaul et al., 2016); a new one has the largest priority so far."""

    learner: PrioritisedAlgorithm[Any, Any]
    environments: int
    capacity: int

    @property
    def _buffer(self) -> Any:
        return flashbax.make_prioritised_item_buffer(
            max_length=self.capacity,
            min_length=1,
            sample_batch_size=self.learner.batch_size,
            add_batches=True,
            priority_exponent=self.learner.priority_exponent,
            device=jax.default_backend(),
        )

    def learn(self, train_state: Any, state: Any, keys: Key[Array, " u"]) -> tuple[Any, Any, dict[str, Array]]:
        buffer = self._buffer

        def update(carry: tuple[Any, Any], key: PRNGKeyArray) -> tuple[tuple[Any, Any], dict[str, Array]]:
            train_state, state = carry
            sample_key, update_key = jax.random.split(key)
            sample = buffer.sample(state, sample_key)
            weight = importance(sample.probabilities, self.learner.importance_exponent(train_state))
            train_state, metrics, priority = self.learner.update_prioritised(
                train_state, sample.experience, weight, update_key
            )
            priority = jnp.where(sample.probabilities > 0, priority + PRIORITY_FLOOR, 0.0)
            return (train_state, buffer.set_priorities(state, sample.indices, priority)), metrics

        (train_state, state), metrics = jax.lax.scan(update, (train_state, state), keys)
        return train_state, state, metrics


class SequenceReplay(Replay):
    """Windows of successive steps of one copy, drawn uniformly; every step is kept once."""

    learner: RecurrentAlgorithm[Any, Any]
    environments: int
    capacity: int

    @property
    def recent(self) -> int:
        return 0

    @property
    def _buffer(self) -> Any:
        return flashbax.make_trajectory_buffer(
            add_batch_size=self.environments,
            sample_batch_size=self.learner.batch_size,
            sample_sequence_length=self.learner.span,
            period=1,
            min_length_time_axis=self.learner.span,
            max_length_time_axis=self.capacity // self.environments,
        )

    def init(self, example: Step) -> Any:
        return self._buffer.init(example)

    def add(self, state: Any, window: Step) -> Any:
        return self._buffer.add(state, jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), window))

    def cut(self, state: Any) -> Any:
        steps = state.experience
        newest = (state.current_index - 1) % steps.ended.shape[1]
        return state.replace(experience=replace(steps, ended=steps.ended.at[:, newest].set(True)))

    def learn(self, train_state: Any, state: Any, keys: Key[Array, " u"]) -> tuple[Any, Any, dict[str, Array]]:
        return _learn_uniformly(self.learner, self._buffer, train_state, state, keys)


def make_replay(learner: ReplayLearner[Any, Any], environments: int, capacity: int) -> Replay:
    """The memory that a learner learns from.

    Args:
        learner: who learns.
        environments: copies of the environment.
        capacity: steps to keep, of all copies together.

    Raises:
        ConfigurationError: if a sequence does not fit into it.
    """
    if isinstance(learner, RecurrentAlgorithm):
        if capacity // environments < learner.span:
            least = learner.span * environments
            raise ConfigurationError("replay_capacity", capacity, f"at least sequence_length * environments = {least}")
        return SequenceReplay(learner, environments, capacity)
    if isinstance(learner, PrioritisedAlgorithm) and learner.priority_exponent > 0:
        return PrioritisedReplay(learner, environments, capacity)
    assert isinstance(learner, OffPolicyAlgorithm)
    return UniformReplay(learner, environments, capacity)


def importance(probability: Float[Array, " b"], exponent: Float[Array, ""]) -> Float[Array, " b"]:
    """Weights P^-beta of Schaul et al., divided by the largest of the batch (the memory's size cancels).

    Rounding in the sum tree can draw a place without probability; its weight is 0.
    """
    smallest = jnp.min(jnp.where(probability > 0, probability, jnp.inf))
    return jnp.where(probability > 0, (smallest / jnp.where(probability > 0, probability, 1.0)) ** exponent, 0.0)


def _learn_uniformly(
    learner: ReplayLearner[Any, Any], buffer: Any, train_state: Any, state: Any, keys: Key[Array, " u"]
) -> tuple[Any, Any, dict[str, Array]]:
    def update(train_state: Any, key: PRNGKeyArray) -> tuple[Any, dict[str, Array]]:
        sample_key, update_key = jax.random.split(key)
        batch = buffer.sample(state, sample_key).experience
        return learner.update(train_state, batch, update_key)

    train_state, metrics = jax.lax.scan(update, train_state, keys)
    return train_state, state, metrics
