"""What the learners of action values share: their configuration, the value of the next step, exploration, slow copies.

"Nature" is Mnih et al., "Human-level control through deep reinforcement learning" (2015), Extended Data Table 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.common.errors import check_integer, check_range
from edgewise.networks.mlp import soft_update

Network = TypeVar("Network")


@dataclass(frozen=True)
class QLearningConfig:
    """Configuration common to DQN and DRQN; values are ours where no source is named, and "Nature" gives the paper's.

    Attributes:
        hidden: widths of the hidden layers.
        double: the online network chooses the next action and the slow one values it (van Hasselt et al., 2016); otherwise
            the slow one does both (Nature).
        huber: error from which the loss is linear instead of quadratic (Nature: 1, "error clipping").
        rate: learning rate at the start (Nature: 2.5e-4, of RMSProp).
        final_rate: share of the rate left at the end of the run; it falls along a cosine. 1 keeps it (Nature).
        batch_size: items of the replay per update (Nature: 32).
        discount: gamma (Nature: 0.99).
        target_rate: what the slow network moves by towards the online one, a share of their distance (Nature: 1, a copy).
        target_period: updates between two such moves (Nature: 10000).
        epsilon_start: probability of a uniformly random action at the first update (Nature: 1).
        epsilon_end: the same at the end of its linear decay (Nature: 0.1).
        epsilon_share: share of the run's updates over which it decays (Nature: 0.02).
    """

    hidden: tuple[int, ...] = (256, 256)
    double: bool = True
    huber: float = 1.0
    rate: float = 1e-3
    final_rate: float = 0.05
    batch_size: int = 256
    discount: float = 0.95
    target_rate: float = 0.005
    target_period: int = 1
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    epsilon_share: float = 0.3

    def __post_init__(self) -> None:
        check_range("hidden", self.hidden, 1)
        check_range("huber", self.huber, 0, open_low=True)
        check_range("rate", self.rate, 0, open_low=True)
        check_range("final_rate", self.final_rate, 0, 1, open_low=True)
        check_integer("batch_size", self.batch_size, 1)
        check_range("discount", self.discount, 0, 1, open_high=True)
        check_range("target_rate", self.target_rate, 0, 1, open_low=True)
        check_integer("target_period", self.target_period, 1)
        check_range("epsilon_start", self.epsilon_start, 0, 1)
        check_range("epsilon_end", self.epsilon_end, 0, 1)
        check_range("epsilon_share", self.epsilon_share, 0, 1)


def of_action(values: Float[Array, "*batch a"], action: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
    """The entry of each sample's action."""
    return jnp.take_along_axis(values, action[..., None], axis=-1)[..., 0]


def next_value(
    online: Float[Array, "*batch a"], target: Float[Array, "*batch a"], double: bool
) -> Float[Array, "*batch"]:
    """Value of the best next action, from the values that the online and the slow network give to all of them."""
    return of_action(target, jnp.argmax(online if double else target, axis=-1))


def exploration(config: QLearningConfig, done: Int[Array, ""], updates: int) -> Float[Array, ""]:
    """Epsilon after so many updates of a run."""
    span = max(round(config.epsilon_share * updates), 1)
    return optax.linear_schedule(config.epsilon_start, config.epsilon_end, span)(done)


def annealed(importance_exponent: float, done: Int[Array, ""], updates: int) -> Float[Array, ""]:
    """Beta of prioritised replay after so many updates of a run: linear, 1 at its end."""
    return optax.linear_schedule(importance_exponent, 1.0, max(updates, 1))(done)


def epsilon_greedy(
    greedy: Int[Array, "*batch"], actions: int, epsilon: Float[Array, ""], key: PRNGKeyArray
) -> Int[Array, "*batch"]:
    """The greedy action, or with probability epsilon any of the actions."""
    where_key, action_key = jax.random.split(key)
    other = jax.random.randint(action_key, greedy.shape, 0, actions, greedy.dtype)
    return jnp.where(jax.random.bernoulli(where_key, epsilon, greedy.shape), other, greedy)


def follow(target: Network, network: Network, done: Int[Array, ""], rate: float, period: int) -> Network:
    """The slow network after so many updates: it moves by `rate` towards the online one at every period-th."""
    moved = soft_update(target, network, rate)
    if period == 1:
        return moved
    following: Network = jax.tree.map(lambda new, old: jnp.where(done % period == 0, new, old), moved, target)
    return following
