"""Q-learning in a table (Watkins, 1989), from replayed transitions."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.algorithms.base import Metrics, OffPolicyAlgorithm, Transition, require_choices
from edgewise.common.errors import check_integer, check_range
from edgewise_corridor.policy import TablePolicy


@dataclass(frozen=True)
class TabularQConfig:
    """Configuration of tabular Q-learning."""

    rate: float = 0.3
    """Step size."""
    epsilon: float = 0.3
    """Share of random actions while learning."""
    discount: float = 0.9
    """Gamma."""
    batch_size: int = 32
    """Transitions per update."""

    def __post_init__(self) -> None:
        check_range("rate", self.rate, 0, 1, open_low=True)
        check_range("epsilon", self.epsilon, 0, 1)
        check_range("discount", self.discount, 0, 1)
        check_integer("batch_size", self.batch_size, 1)


class TabularQ(OffPolicyAlgorithm[TabularQConfig, TablePolicy]):
    """Its train state is the policy itself."""

    def __check_init__(self) -> None:
        require_choices(self.spaces)

    def init(self, key: PRNGKeyArray) -> TablePolicy:
        return TablePolicy(jnp.zeros((self.observation_size, self.actions)))

    def policy(self, train_state: TablePolicy) -> TablePolicy:
        return train_state

    def act(
        self, train_state: TablePolicy, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Int[Array, "*batch"]:
        greedy = train_state(observation, None)
        if not explore:
            return greedy
        try_key, action_key = jax.random.split(key)
        anything = jax.random.randint(action_key, greedy.shape, 0, self.actions)
        return jnp.where(jax.random.bernoulli(try_key, self.config.epsilon, greedy.shape), anything, greedy)

    def update(self, train_state: TablePolicy, batch: Transition, key: PRNGKeyArray) -> tuple[TablePolicy, Metrics]:
        values = train_state.values
        target = batch.reward + batch.discount * (batch.next_observation @ values).max(-1)
        taken = batch.observation[:, :, None] * jax.nn.one_hot(batch.action, self.actions)[:, None, :]
        error = target - (taken * values).sum((1, 2))
        step = (taken * error[:, None, None]).sum(0) / jnp.maximum(taken.sum(0), 1)
        return TablePolicy(values + self.config.rate * step), {"error": jnp.abs(error).mean()}
