"""What the learners of action values share: their configuration, the value of the next step, exploration, slow copies.

"Nature" is Mnih et al., "Human-level control through deep reinforcement learning" (2015), Extended Data Table 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.algorithms.checks import LearningConfig, check_learning
from edgewise.algorithms.optimisers import begin, descend
from edgewise.common.errors import check_integer, check_range
from edgewise.networks.mlp import soft_update

Network = TypeVar("Network")


@dataclass(frozen=True)
class QLearningConfig:
    """Configuration common to DQN and DRQN; values are ours where no source is named, and "Nature" gives the paper's."""

    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers."""
    double: bool = True
    """The online network chooses the next action and the slow one values it (van Hasselt et al., 2016); otherwise the slow one
    does both (Nature)."""
    huber: float = 1.0
    """Error from which the loss is linear instead of quadratic (Nature: 1, "error clipping")."""
    rate: float = 1e-3
    """Learning rate at the start (Nature: 2.5e-4, of RMSProp)."""
    final_rate: float = 0.05
    """Share of the rate left at the end of the run; it falls along a cosine. 1 keeps it (Nature)."""
    batch_size: int = 256
    """Items of the replay per update (Nature: 32)."""
    discount: float = 0.95
    """Discount factor gamma (Nature: 0.99)."""
    target_rate: float = 0.005
    """Share of the distance to the online network that the slow one moves at a time (Nature: 1, a copy)."""
    target_period: int = 1
    """Updates between two moves of the slow network (Nature: 10000)."""
    epsilon_start: float = 1.0
    """Probability of a uniformly random action at the first update (Nature: 1)."""
    epsilon_end: float = 0.05
    """Probability of a uniformly random action at the end of its linear decay (Nature: 0.1)."""
    epsilon_share: float = 0.3
    """Share of the run's updates over which that probability decays (Nature: 0.02)."""

    def __post_init__(self) -> None:
        check_q_learning(self)
        check_range("huber", self.huber, 0, open_low=True)
        check_range("epsilon_start", self.epsilon_start, 0, 1)
        check_range("epsilon_end", self.epsilon_end, 0, 1)
        check_range("epsilon_share", self.epsilon_share, 0, 1)


class SlowCopyConfig(LearningConfig, Protocol):
    """What the configuration of every learner with an online network and a slow copy of it holds."""

    @property
    def rate(self) -> float:
        """Learning rate at the start."""

    @property
    def target_period(self) -> int:
        """Updates between two moves of the slow network."""


class QLearningState(eqx.Module, Generic[Network]):
    """An online network and a slow copy of it, the state of the optimiser, and the number of updates done."""

    network: Network
    target: Network
    optimiser: optax.OptState
    updates: Int[Array, ""]

    @staticmethod
    def begin(network: Network, optimiser: optax.GradientTransformation) -> QLearningState[Network]:
        """The state of a fresh network; the slow copy is equal to it."""
        return QLearningState(network, network, begin(optimiser, network), jnp.zeros((), int))

    def after(
        self, optimiser: optax.GradientTransformation, gradient: Any, config: SlowCopyConfig
    ) -> QLearningState[Network]:
        """The state after a step against the gradient, and a move of the slow copy if it is due."""
        network, state = descend(optimiser, self.network, gradient, self.optimiser)
        done = self.updates + 1
        target = follow(self.target, network, done, config.target_rate, config.target_period)
        return QLearningState(network, target, state, done)


def check_q_learning(config: SlowCopyConfig) -> None:
    """Require the common fields to be in their ranges.

    Raises:
        ConfigurationError: naming the field.
    """
    check_learning(config, "rate")
    check_integer("target_period", config.target_period, 1)


def of_action(values: Float[Array, "*batch a"], action: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
    """The entry of each sample's action."""
    return jnp.take_along_axis(values, action[..., None], axis=-1)[..., 0]


def next_value(
    online: Float[Array, "*batch a"], target: Float[Array, "*batch a"], double: bool
) -> Float[Array, "*batch"]:
    """Value of the best next action, from the values that the online and the slow network give to all of them."""
    return of_action(target, jnp.argmax(online if double else target, axis=-1))


def exploration(config: QLearningConfig, done: Int[Array, ""], updates: int) -> Float[Array, ""]:
    """Probability epsilon of a random action after `done` of the `updates` of a run."""
    span = max(round(config.epsilon_share * updates), 1)
    return optax.linear_schedule(config.epsilon_start, config.epsilon_end, span)(done)


def annealed(importance_exponent: float, done: Int[Array, ""], updates: int) -> Float[Array, ""]:
    """Exponent beta of the weights of prioritised replay after `done` of the `updates` of a run: linear, 1 at its end."""
    return optax.linear_schedule(importance_exponent, 1.0, max(updates, 1))(done)


def epsilon_greedy(
    greedy: Int[Array, "*batch"], actions: int, epsilon: Float[Array, ""], key: PRNGKeyArray
) -> Int[Array, "*batch"]:
    """The greedy action, or with probability epsilon any of the actions."""
    where_key, action_key = jax.random.split(key)
    other = jax.random.randint(action_key, greedy.shape, 0, actions, greedy.dtype)
    return jnp.where(jax.random.bernoulli(where_key, epsilon, greedy.shape), other, greedy)


def follow(target: Network, network: Network, done: Int[Array, ""], rate: float, period: int) -> Network:
    """The slow network after `done` updates: it moves by `rate` towards the online one at every period-th."""
    moved = soft_update(target, network, rate)
    if period == 1:
        return moved
    following: Network = jax.tree.map(lambda new, old: jnp.where(done % period == 0, new, old), moved, target)
    return following
