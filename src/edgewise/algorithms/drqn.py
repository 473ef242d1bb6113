"""DRQN: Q-learning with a recurrent network (Hausknecht and Stone, 2015) on replayed windows of steps.

A window starts with an empty memory. The errors of its first steps are not counted ("burn-in", Kapturowski et al., 2019,
R2D2), except from the first step on whose episode began inside the window: there the memory is the true one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.algorithms.base import Metrics, RecurrentAlgorithm, Step, require_choices
from edgewise.algorithms.optimisers import falling_adam
from edgewise.algorithms.q_learning import (
    QLearningConfig,
    QLearningState,
    epsilon_greedy,
    exploration,
    next_value,
    of_action,
)
from edgewise.common.errors import ConfigurationError, check_choice, check_integer, check_range
from edgewise.numerics.select import select
from edgewise.policies.recurrent import CellName, RecurrentGreedyPolicy


@dataclass(frozen=True)
class DRQNConfig(QLearningConfig):
    """Configuration of DRQN; "Hausknecht" is Hausknecht and Stone (2015), "R2D2" is Table 2 of Kapturowski et al. (2019)."""

    hidden: tuple[int, ...] = (128,)
    """Widths of the layers before the recurrent cell, at least one."""
    batch_size: int = 32
    """Windows per update (R2D2: 64)."""
    cell: CellName = "gru"
    """Recurrent cell (Hausknecht, R2D2: lstm)."""
    memory: int = 128
    """Size of the cell (Hausknecht, R2D2: 512)."""
    sequence_length: int = 16
    """Steps of a window, with its burn-in (Hausknecht: 10; R2D2: 120)."""
    burn_in: int = 4
    """First steps of a window that only build up memory (Hausknecht: 0; R2D2: 40)."""
    n_step: int = 1
    """Steps whose rewards a target sums before it takes a value (Hausknecht: 1; R2D2: 5), or as many as the window and the
    episode have left."""
    gradient_clip: float = 10.0
    """Largest norm of the gradient (Hausknecht: 10)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.hidden:
            raise ConfigurationError("hidden", self.hidden, "at least one width")
        check_choice("cell", self.cell, get_args(CellName))
        check_integer("memory", self.memory, 1)
        check_integer("sequence_length", self.sequence_length, 1)
        check_integer("burn_in", self.burn_in, 0, self.sequence_length - 1)
        check_integer("n_step", self.n_step, 1, self.sequence_length)
        check_range("gradient_clip", self.gradient_clip, 0, open_low=True)


DRQNState = QLearningState[RecurrentGreedyPolicy]


class DRQN(RecurrentAlgorithm[DRQNConfig, DRQNState]):
    """Deep recurrent Q-network for a finite set of actions."""

    def __check_init__(self) -> None:
        """Raise a ConfigurationError for other spaces."""
        require_choices(self.spaces)

    @property
    def span(self) -> int:
        return self.config.sequence_length

    def init(self, key: PRNGKeyArray) -> DRQNState:
        return DRQNState.begin(self._new_network(key), self._optimiser)

    def policy(self, train_state: DRQNState) -> RecurrentGreedyPolicy:
        return train_state.network

    def initial_memory(self, batch: tuple[int, ...]) -> Any:
        blank = eqx.filter_eval_shape(self._new_network, jax.random.key(0))
        return blank.initial_memory(batch)

    def step(
        self,
        train_state: DRQNState,
        observation: Float[Array, "*batch o"],
        memory: Any,
        key: PRNGKeyArray,
        explore: bool,
    ) -> tuple[Int[Array, "*batch"], Any]:
        greedy, memory = train_state.network.step(observation, memory, None)
        if not explore:
            return greedy, memory
        epsilon = exploration(self.config, train_state.updates, self.updates)
        return epsilon_greedy(greedy, self.actions, epsilon, key), memory

    def update(self, train_state: DRQNState, batch: Step, key: PRNGKeyArray) -> tuple[DRQNState, Metrics]:
        c = self.config
        (loss, metrics), gradient = jax.value_and_grad(self.objective, has_aux=True)(
            train_state.network, train_state.target, batch
        )
        metrics |= {"loss": loss, "epsilon": jnp.asarray(exploration(c, train_state.updates, self.updates))}
        return train_state.after(self._optimiser, gradient, c), metrics

    def objective(
        self, network: RecurrentGreedyPolicy, target: RecurrentGreedyPolicy, batch: Step
    ) -> tuple[Float[Array, ""], Metrics]:
        """Mean Huber loss over the steps that count, and the means of their values and absolute errors."""
        c = self.config
        values, online = unroll(network, batch)
        _, slow = unroll(target, batch)
        expected = jax.lax.stop_gradient(returns(batch, next_value(online, slow, c.double), c.discount, c.n_step))
        value = of_action(values, batch.action)
        counted = counts(batch.ended, c.burn_in)

        def mean(x: Float[Array, "b t"]) -> Float[Array, ""]:
            return jnp.sum(counted * x) / counted.sum()

        loss = mean(optax.huber_loss(value, expected, delta=c.huber))
        return loss, {"value": mean(value), "error": mean(jnp.abs(expected - value))}

    def _new_network(self, key: PRNGKeyArray) -> RecurrentGreedyPolicy:
        c = self.config
        return RecurrentGreedyPolicy.create(self.observation_size, self.actions, c.hidden, c.cell, c.memory, key)

    @property
    def _optimiser(self) -> optax.GradientTransformation:
        c = self.config
        return falling_adam(c.rate, c.final_rate, self.updates, clip=c.gradient_clip)


def unroll(network: RecurrentGreedyPolicy, batch: Step) -> tuple[Float[Array, "b t a"], Float[Array, "b t a"]]:
    """Values before and after every step of windows, under the memory of the episode that the step belongs to.

    The values after a step are those of its next observation, which is the final one where the episode ended.
    """
    windows = batch.reward.shape[0]
    fresh = network.initial_memory((windows,))
    starts = jnp.pad(batch.ended[:, :-1], ((0, 0), (1, 0)), constant_values=True)

    def advance(memory: Any, inputs: tuple[Array, Array]) -> tuple[Any, tuple[Array, Any]]:
        observation, start = inputs
        memory = select(start, fresh, memory)
        values, memory = network.values(observation, memory)
        return memory, (values, memory)

    inputs = (jnp.swapaxes(batch.observation, 0, 1), starts.T)
    _, (before, memories) = jax.lax.scan(advance, fresh, inputs)
    after, _ = network.values(jnp.swapaxes(batch.next_observation, 0, 1), memories)
    return jnp.swapaxes(before, 0, 1), jnp.swapaxes(after, 0, 1)


def returns(batch: Step, following: Float[Array, "b t"], discount: float, n_step: int) -> Float[Array, "b t"]:
    """Discounted rewards of up to `n_step` steps of a window and the value after them, `following` of the last one (R2D2,
    section 2.3, without its rescaling of values).

    Fewer steps are summed where the window or the episode ends; where it terminated, the value after it is 0.
    """
    last = batch.ended.at[:, -1].set(True)
    discounts = jnp.where(batch.terminated, 0.0, discount)
    total = batch.reward + discounts * following
    for _ in range(n_step - 1):
        total = batch.reward + discounts * jnp.where(last, following, jnp.roll(total, -1, axis=1))
    return total


def counts(ended: Bool[Array, "b t"], burn_in: int) -> Bool[Array, "b t"]:
    """Which steps' errors count: those after the burn-in, and those whose episode began after the window's first step."""
    begun = jnp.cumsum(ended, axis=1) - ended > 0
    return begun | (jnp.arange(ended.shape[1]) >= burn_in)
