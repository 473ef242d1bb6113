"""DQN with its usual improvements: double targets, Huber loss, n-step returns, prioritised replay.

Sources: Mnih et al. (2015, "Nature"), van Hasselt et al. (2016, double), Schaul et al. (2016, prioritised replay).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.algorithms.base import Metrics, PrioritisedAlgorithm, Transition, require_choices
from edgewise.algorithms.optimisers import falling_adam
from edgewise.algorithms.q_learning import (
    QLearningConfig,
    QLearningState,
    annealed,
    epsilon_greedy,
    exploration,
    next_value,
    of_action,
)
from edgewise.common.errors import check_integer, check_range
from edgewise.policies.greedy import GreedyPolicy


@dataclass(frozen=True)
class DQNConfig(QLearningConfig):
    """Configuration of DQN; "Schaul" is Table 3 of Schaul et al., proportional variant."""

    n_step: int = 1
    """Steps n that a transition spans (Nature: 1)."""
    priority_exponent: float = 0.0
    """How much the replay prefers large errors; 0 draws uniformly (Nature: 0, Schaul: 0.6)."""
    importance_exponent: float = 0.4
    """Beta at the first update, which grows linearly to 1 at the last (Schaul: 0.4)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("n_step", self.n_step, 1)
        check_range("priority_exponent", self.priority_exponent, 0, 1)
        check_range("importance_exponent", self.importance_exponent, 0, 1)


@dataclass(frozen=True)
class PrioritisedDQNConfig(DQNConfig):
    """Configuration of DQN with prioritised replay."""

    priority_exponent: float = 0.6


DQNState = QLearningState[GreedyPolicy]


class DQN(PrioritisedAlgorithm[DQNConfig, DQNState]):
    """Deep Q-network for a finite set of actions."""

    def __check_init__(self) -> None:
        """Raise a ConfigurationError for other spaces."""
        require_choices(self.spaces)

    def importance_exponent(self, train_state: DQNState) -> Float[Array, ""]:
        return annealed(self.config.importance_exponent, train_state.updates, self.updates)

    def init(self, key: PRNGKeyArray) -> DQNState:
        network = GreedyPolicy.create(self.observation_size, self.actions, self.config.hidden, key)
        return DQNState.begin(network, self._optimiser)

    def policy(self, train_state: DQNState) -> GreedyPolicy:
        return train_state.network

    def act(
        self, train_state: DQNState, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Int[Array, "*batch"]:
        greedy = train_state.network(observation, None)
        if not explore:
            return greedy
        epsilon = exploration(self.config, train_state.updates, self.updates)
        return epsilon_greedy(greedy, self.actions, epsilon, key)

    def update_prioritised(
        self, train_state: DQNState, batch: Transition, weight: Float[Array, " b"], key: PRNGKeyArray
    ) -> tuple[DQNState, Metrics, Float[Array, " b"]]:
        c = self.config
        target = self.value_target(train_state, batch)
        (loss, (value, error)), gradient = jax.value_and_grad(objective, has_aux=True)(
            train_state.network, batch, target, weight, c.huber
        )
        metrics = {"loss": loss, "value": value.mean(), "error": jnp.abs(error).mean()}
        metrics["epsilon"] = jnp.asarray(exploration(c, train_state.updates, self.updates))
        return train_state.after(self._optimiser, gradient, c), metrics, jnp.abs(error)

    def value_target(self, train_state: DQNState, batch: Transition) -> Float[Array, " b"]:
        """Reward plus discounted value of the best next action."""
        online = train_state.network.values(batch.next_observation)
        target = train_state.target.values(batch.next_observation)
        return batch.reward + batch.discount * next_value(online, target, self.config.double)

    @property
    def _optimiser(self) -> optax.GradientTransformation:
        return falling_adam(self.config.rate, self.config.final_rate, self.updates)


def objective(
    network: GreedyPolicy, batch: Transition, target: Float[Array, " b"], weight: Float[Array, " b"], huber: float
) -> tuple[Float[Array, ""], tuple[Float[Array, " b"], Float[Array, " b"]]]:
    """Weighted mean of the Huber losses against the target; the values of the taken actions, and their errors."""
    value = of_action(network.values(batch.observation), batch.action)
    return jnp.mean(weight * optax.huber_loss(value, target, delta=huber)), (value, target - value)
