"""Rainbow: double, duelling, noisy, distributional Q-learning from prioritised n-step transitions (Hessel et al., 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.algorithms.base import PrioritisedAlgorithm, Transition, count, flat_size
from edgewise.algorithms.optimisers import falling_adam
from edgewise.algorithms.q_learning import annealed, follow
from edgewise.common.errors import ConfigurationError, check_integer, check_range
from edgewise.environments.spaces import Spaces
from edgewise.policies.distributional import DistributionalPolicy


@dataclass(frozen=True)
class RainbowConfig:
    """Configuration of Rainbow; "Table 1" is that of Hessel et al. (2018). Values without a source are ours.

    Attributes:
        hidden: widths of the layers that both streams share (paper: three convolutions); there must be one.
        stream: width of the hidden layer of each stream (paper: 512).
        noise: sigma_0 of the noisy layers (Table 1: 0.5).
        atoms: of a distribution (Table 1: 51).
        lowest, highest: first and last atom, in units of the return (Table 1: -10, 10); returns beyond them are clipped.
        n_step: steps n that a transition spans (Table 1: 3).
        priority_exponent: omega (Table 1: 0.5).
        importance_exponent: beta at the first update, which grows linearly to 1 at the last (Table 1: 0.4).
        rate: learning rate of Adam at the start (Table 1: 6.25e-5).
        final_rate: share of the rate left at the end of the run; it falls along a cosine. 1 keeps it (paper).
        adam_epsilon: of Adam (Table 1: 1.5e-4).
        batch_size: transitions per update (paper: 32).
        discount: gamma (paper: 0.99).
        target_rate: what the slow network moves by towards the online one, a share of their distance (paper: 1, a copy).
        target_period: updates between two such moves (Table 1: 32000 frames, which are 2000 updates).
    """

    hidden: tuple[int, ...] = (256,)
    stream: int = 256
    noise: float = 0.5
    atoms: int = 51
    lowest: float = -10.0
    highest: float = 10.0
    n_step: int = 3
    priority_exponent: float = 0.5
    importance_exponent: float = 0.4
    rate: float = 1e-3
    final_rate: float = 0.05
    adam_epsilon: float = 1.5e-4
    batch_size: int = 128
    discount: float = 0.95
    target_rate: float = 0.01
    target_period: int = 1

    def __post_init__(self) -> None:
        check_range("hidden", self.hidden, 1)
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
        check_range("rate", self.rate, 0, open_low=True)
        check_range("final_rate", self.final_rate, 0, 1, open_low=True)
        check_range("adam_epsilon", self.adam_epsilon, 0, open_low=True)
        check_integer("batch_size", self.batch_size, 1)
        check_range("discount", self.discount, 0, 1, open_high=True)
        check_range("target_rate", self.target_rate, 0, 1, open_low=True)
        check_integer("target_period", self.target_period, 1)


class RainbowState(eqx.Module):
    """Networks, optimiser state, and the number of updates done."""

    network: DistributionalPolicy
    target: DistributionalPolicy
    optimiser: optax.OptState
    updates: Int[Array, ""]


class Rainbow(PrioritisedAlgorithm[RainbowState]):
    """All six improvements of DQN together, for a finite set of actions. Its noisy layers explore."""

    config: RainbowConfig = eqx.field(static=True)
    observation_size: int = eqx.field(static=True)
    actions: int = eqx.field(static=True)
    updates: int = eqx.field(static=True)

    def __init__(self, config: RainbowConfig, spaces: Spaces, updates: int) -> None:
        """Args: configuration, the spaces to learn in, and the updates of the run (for everything that decays)."""
        self.config = config
        self.updates = updates
        self.observation_size = flat_size(spaces.observation)
        self.actions = count(spaces.action)

    @property
    def discount(self) -> float:
        return self.config.discount

    @property
    def n_step(self) -> int:
        return self.config.n_step

    @property
    def batch_size(self) -> int:
        return self.config.batch_size

    @property
    def priority_exponent(self) -> float:
        return self.config.priority_exponent

    def importance_exponent(self, train_state: RainbowState) -> Float[Array, ""]:
        return annealed(self.config.importance_exponent, train_state.updates, self.updates)

    def init(self, key: PRNGKeyArray) -> RainbowState:
        c = self.config
        network = DistributionalPolicy.create(
            self.observation_size, self.actions, c.hidden, c.stream, c.atoms, c.lowest, c.highest, c.noise, key
        )
        return RainbowState(network, network, self._optimiser.init(network), jnp.zeros((), int))

    def policy(self, train_state: RainbowState) -> DistributionalPolicy:
        return train_state.network

    def act(
        self, train_state: RainbowState, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Int[Array, "*batch"]:
        return train_state.network(observation, key if explore else None)

    def update_prioritised(
        self, train_state: RainbowState, batch: Transition, weight: Float[Array, " b"], key: PRNGKeyArray
    ) -> tuple[RainbowState, dict[str, Float[Array, ""]], Float[Array, " b"]]:
        c = self.config
        goal_key, loss_key = jax.random.split(key)
        goal = self.target_distribution(train_state, batch, goal_key)
        (loss, divergence), gradient = jax.value_and_grad(objective, has_aux=True)(
            train_state.network, batch, goal, weight, loss_key
        )
        step, optimiser = self._optimiser.update(gradient, train_state.optimiser)
        network = eqx.apply_updates(train_state.network, step)
        done = train_state.updates + 1
        target = follow(train_state.target, network, done, c.target_rate, c.target_period)
        metrics = {"loss": loss, "divergence": divergence.mean(), "value": (goal @ network.support).mean()}
        return RainbowState(network, target, optimiser, done), metrics, divergence

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
        return falling_adam(c.rate, c.final_rate, self.updates, c.adam_epsilon)


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
    network: DistributionalPolicy, batch: Transition, goal: Float[Array, "b n"], weight: Float[Array, " b"],
    key: PRNGKeyArray,
) -> tuple[Float[Array, ""], Float[Array, " b"]]:  # fmt: skip
    """Weighted mean cross-entropy against the target distribution, and its divergence from it, which is the priority."""
    log_probability = of_action(network.log_probabilities(batch.observation, key), batch.action)
    cross_entropy = -jnp.sum(goal * log_probability, axis=-1)
    entropy = -jnp.sum(jax.scipy.special.xlogy(goal, goal), axis=-1)
    return jnp.mean(weight * cross_entropy), jnp.maximum(cross_entropy - entropy, 0.0)
