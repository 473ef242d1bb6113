"""Rainbow: double, duelling, noisy, distributional Q-learning from prioritised n-step transitions (Hessel et al., 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.algorithms.base import Metrics, PrioritisedAlgorithm, Transition, require_choices
from edgewise.algorithms.optimisers import falling_adam
from edgewise.algorithms.q_learning import QLearningState, annealed, check_q_learning
from edgewise.common.errors import ConfigurationError, check_integer, check_range
from edgewise.policies.distributional import DistributionalPolicy


@dataclass(frozen=True)
class RainbowConfig:
    """Configuration of Rainbow; "Table 1" is that of Hessel et al. (2018). Values without a source are ours."""

    hidden: tuple[int, ...] = (256,)
    """Widths of the layers that both streams share, at least one (paper: three convolutions)."""
    stream: int = 256
    """Width of the hidden layer of each stream (paper: 512)."""
    noise: float = 0.5
    """Initial scale sigma_0 of the noisy layers (Table 1: 0.5)."""
    atoms: int = 51
    """Atoms of a distribution (Table 1: 51)."""
    lowest: float = -10.0
    """First atom, in units of the return (Table 1: -10); smaller returns are clipped."""
    highest: float = 10.0
    """Last atom, in units of the return (Table 1: 10); larger returns are clipped."""
    n_step: int = 3
    """Steps n that a transition spans (Table 1: 3)."""
    priority_exponent: float = 0.5
    """Omega: how much the replay prefers large errors (Table 1: 0.5)."""
    importance_exponent: float = 0.4
    """Beta at the first update, which grows linearly to 1 at the last (Table 1: 0.4)."""
    rate: float = 1e-3
    """Learning rate of Adam at the start (Table 1: 6.25e-5)."""
    final_rate: float = 0.05
    """Share of the rate left at the end of the run; it falls along a cosine. 1 keeps it (paper)."""
    adam_epsilon: float = 1.5e-4
    """Epsilon of Adam (Table 1: 1.5e-4)."""
    batch_size: int = 128
    """Transitions per update (paper: 32)."""
    discount: float = 0.95
    """Discount factor gamma (paper: 0.99)."""
    target_rate: float = 0.01
    """Share of the distance to the online network that the slow one moves at a time (paper: 1, a copy)."""
    target_period: int = 1
    """Updates between two moves of the slow network (Table 1: 32000 frames, which are 2000 updates)."""

    def __post_init__(self) -> None:
        check_q_learning(self)
        if not self.hidden:
            raise ConfigurationError("hidden", self.hidden, "at least one width")
        check_integer("stream", self.stream, 1)
        check_range("noise", self.noise, 0)
        check_integer("atoms", self.atoms, 2)
        check_range("lowest", self.lowest)
        check_range("highest", self.highest, self.lowest, open_low=True)
        check_integer("n_step", self.n_step, 1)
        check_range("priority_exponent", self.priority_exponent, 0, 1)
        check_range("importance_exponent", self.importance_exponent, 0, 1)
        check_range("adam_epsilon", self.adam_epsilon, 0, open_low=True)


RainbowState = QLearningState[DistributionalPolicy]


class Rainbow(PrioritisedAlgorithm[RainbowConfig, RainbowState]):
    """All six improvements of DQN together, for a finite set of actions. Its noisy layers explore."""

    def __check_init__(self) -> None:
        """Raise a ConfigurationError for other spaces."""
        require_choices(self.spaces)

    def importance_exponent(self, train_state: RainbowState) -> Float[Array, ""]:
        return annealed(self.config.importance_exponent, train_state.updates, self.updates)

    def init(self, key: PRNGKeyArray) -> RainbowState:
        c = self.config
        network = DistributionalPolicy.create(
            self.observation_size, self.actions, c.hidden, c.stream, c.atoms, c.lowest, c.highest, c.noise, key
        )
        return RainbowState.begin(network, self._optimiser)

    def policy(self, train_state: RainbowState) -> DistributionalPolicy:
        return train_state.network

    def act(
        self, train_state: RainbowState, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Int[Array, "*batch"]:
        return train_state.network(observation, key if explore else None)

    def update_prioritised(
        self, train_state: RainbowState, batch: Transition, weight: Float[Array, " b"], key: PRNGKeyArray
    ) -> tuple[RainbowState, Metrics, Float[Array, " b"]]:
        c = self.config
        target_key, loss_key = jax.random.split(key)
        target = self.target_distribution(train_state, batch, target_key)
        (loss, divergence), gradient = jax.value_and_grad(objective, has_aux=True)(
            train_state.network, batch, target, weight, loss_key
        )
        value = (target @ train_state.network.support).mean()
        metrics = {"loss": loss, "divergence": divergence.mean(), "value": value}
        return train_state.after(self._optimiser, gradient, c), metrics, divergence

    def target_distribution(
        self, train_state: RainbowState, batch: Transition, key: PRNGKeyArray
    ) -> Float[Array, "b n"]:
        """Projected distribution of the target: the online network chooses the next action, the slow one values it."""
        choice_key, value_key = jax.random.split(key)
        action = train_state.network(batch.next_observation, choice_key)
        probability = jnp.exp(train_state.target.log_probabilities(batch.next_observation, value_key))
        chosen = of_action(probability, action)
        return project(train_state.target.support, chosen, batch.reward, batch.discount)

    @property
    def _optimiser(self) -> optax.GradientTransformation:
        c = self.config
        return falling_adam(c.rate, c.final_rate, self.updates, epsilon=c.adam_epsilon)


def of_action(distribution: Float[Array, "*batch a n"], action: Int[Array, "*batch"]) -> Float[Array, "*batch n"]:
    """The distribution of each sample's action."""
    return jnp.take_along_axis(distribution, action[..., None, None], axis=-2)[..., 0, :]


def project(
    support: np.ndarray, probability: Float[Array, "b n"], reward: Float[Array, " b"], discount: Float[Array, " b"]
) -> Float[Array, "b n"]:
    """Distribution of reward + discount * Z on the atoms of Z: each atom that moved is shared by its two neighbours.

    Equation (7) of Bellemare et al., "A distributional perspective on reinforcement learning" (2017).
    """
    spacing = support[1] - support[0]
    moved = jnp.clip(reward[:, None] + discount[:, None] * support, support[0], support[-1])
    share = jnp.clip(1 - jnp.abs(moved[:, None, :] - support[:, None]) / spacing, 0, 1)
    return jnp.einsum("bij,bj->bi", share, probability)


def objective(
    network: DistributionalPolicy,
    batch: Transition,
    target: Float[Array, "b n"],
    weight: Float[Array, " b"],
    key: PRNGKeyArray,
) -> tuple[Float[Array, ""], Float[Array, " b"]]:
    """Weighted mean cross-entropy against the target distribution, and its divergence from it, which is the priority."""
    log_probability = of_action(network.log_probabilities(batch.observation, key), batch.action)
    cross_entropy = -jnp.sum(target * log_probability, axis=-1)
    entropy = -jnp.sum(jax.scipy.special.xlogy(target, target), axis=-1)
    return jnp.mean(weight * cross_entropy), jnp.maximum(cross_entropy - entropy, 0.0)
