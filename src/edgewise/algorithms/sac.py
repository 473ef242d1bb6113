"""Soft actor-critic for continuous actions with a learned temperature (Haarnoja et al., 2018, "Algorithms and Applications")."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.actor_critic import Optimisers, check_actor_critic, optimisers
from edgewise.algorithms.base import Metrics, OffPolicyAlgorithm, Transition, require_box
from edgewise.algorithms.critic import ActionValue, Critic, critic_objective, new_critic
from edgewise.algorithms.optimisers import begin, descend
from edgewise.common.errors import check_range
from edgewise.common.plain import ADDED
from edgewise.networks.mlp import soft_update
from edgewise.policies.squashed_gaussian import SquashedGaussianPolicy
from edgewise.policies.stochastic import DensityPolicy


@dataclass(frozen=True)
class SACConfig:
    """Configuration of SAC; "Table 1" is that of Haarnoja et al. (2018). Values without a source are ours."""

    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of actor and critics (Table 1: 256, 256)."""
    temperature: float = 0.2
    """Weight alpha of the entropy, at the start if it is learned."""
    learn_temperature: bool = True
    """Adapt the weight, so that the entropy stays at `target_entropy` per component of the action."""
    target_entropy: float = -1.0
    """Entropy of each component of the action, nats (Table 1: -1)."""
    actor_rate: float = 3e-4
    """Learning rate of the actor at the start (Table 1: 3e-4)."""
    critic_rate: float = 1e-3
    """Learning rate of the critics at the start (Table 1: 3e-4)."""
    temperature_rate: float = 3e-4
    """Learning rate of the temperature (Table 1: 3e-4)."""
    final_rate: float = 0.05
    """Share of the first two rates left at the end of the run; they fall along a cosine. 1 keeps them (paper)."""
    batch_size: int = 256
    """Transitions per update (Table 1: 256)."""
    discount: float = 0.95
    """Discount factor gamma (Table 1: 0.99)."""
    target_rate: float = 0.005
    """Soft update tau (Table 1: 0.005)."""
    privileged: bool = field(default=False, metadata=ADDED)
    """Show the critics what only a critic may see, in training, where the environment offers it."""
    layer_norm: bool = field(default=False, metadata=ADDED)
    """Normalise the hidden layers of the critics."""

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0, open_low=True)
        check_range("target_entropy", self.target_entropy)
        check_range("temperature_rate", self.temperature_rate, 0, open_low=True)
        check_actor_critic(self)


class SACState(eqx.Module):
    """Parameters and optimiser states."""

    actor: SquashedGaussianPolicy
    critic: ActionValue
    target_critic: ActionValue
    log_temperature: Float[Array, ""]
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState
    temperature_optimiser: optax.OptState


class SAC(OffPolicyAlgorithm[SACConfig, SACState]):
    """Soft actor-critic for actions in [-1, 1]^A."""

    def __check_init__(self) -> None:
        """Raise a ConfigurationError for other spaces."""
        require_box(self.spaces)

    def init(self, key: PRNGKeyArray) -> SACState:
        c = self.config
        actor_key, critic_key = jax.random.split(key)
        actor = SquashedGaussianPolicy.create(self.observation_size, self.action_size, c.hidden, actor_key)
        critic = new_critic(c, self.spaces, critic_key)
        log_temperature = jnp.log(jnp.asarray(c.temperature, dtype=float))
        return SACState(
            actor=actor,
            critic=critic,
            target_critic=critic,
            log_temperature=log_temperature,
            actor_optimiser=begin(self._optimisers.actor, actor),
            critic_optimiser=begin(self._optimisers.critic, critic),
            temperature_optimiser=begin(optax.adam(c.temperature_rate), log_temperature),
        )

    def policy(self, train_state: SACState) -> SquashedGaussianPolicy:
        return train_state.actor

    def with_policy(self, train_state: SACState, policy: SquashedGaussianPolicy) -> SACState:
        return replace(train_state, actor=policy)

    def act(
        self, train_state: SACState, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Float[Array, "*batch a"]:
        return train_state.actor(observation, key if explore else None)

    def update(self, train_state: SACState, batch: Transition, key: PRNGKeyArray) -> tuple[SACState, Metrics]:
        target_key, actor_key = jax.random.split(key)
        temperature = jnp.exp(train_state.log_temperature)
        target = self.value_target(train_state, batch, target_key)
        critic, critic_optimiser, critic_loss = self._optimisers.improve_critic(
            critic_objective, train_state.critic, train_state.critic_optimiser, batch, target
        )
        arguments = critic.shown(batch.privileged), temperature, batch.observation, actor_key
        actor, actor_optimiser, (value, entropy) = self._optimisers.improve_actor(
            actor_objective, train_state.actor, train_state.actor_optimiser, *arguments
        )
        log_temperature, temperature_optimiser = self._adapt(train_state, entropy)
        next_state = SACState(
            actor=actor,
            critic=critic,
            target_critic=soft_update(train_state.target_critic, critic, self.config.target_rate),
            log_temperature=log_temperature,
            actor_optimiser=actor_optimiser,
            critic_optimiser=critic_optimiser,
            temperature_optimiser=temperature_optimiser,
        )
        metrics = {"critic_loss": critic_loss, "value": value, "entropy": entropy, "temperature": temperature}
        return next_state, metrics

    def value_target(self, train_state: SACState, batch: Transition, key: PRNGKeyArray) -> Float[Array, " b"]:
        """Soft TD target: the smaller of both target values of a new action, less alpha times its log-density."""
        action, log_density = train_state.actor.sample_with_density(batch.next_observation, key)
        value = train_state.target_critic.shown(batch.next_privileged)(batch.next_observation, action).min(0)
        return batch.reward + batch.discount * (value - jnp.exp(train_state.log_temperature) * log_density)

    def _adapt(self, train_state: SACState, entropy: Float[Array, ""]) -> tuple[Float[Array, ""], optax.OptState]:
        if not self.config.learn_temperature:
            return train_state.log_temperature, train_state.temperature_optimiser
        excess = entropy - self.config.target_entropy * self.action_size
        optimiser = optax.adam(self.config.temperature_rate)
        return descend(optimiser, train_state.log_temperature, excess, train_state.temperature_optimiser)

    @property
    def _optimisers(self) -> Optimisers:
        return optimisers(self.config, self.updates)


def actor_objective(
    actor: DensityPolicy,
    critic: Critic,
    temperature: Float[Array, ""],
    observation: Float[Array, "b o"],
    key: PRNGKeyArray,
) -> tuple[Float[Array, ""], tuple[Float[Array, ""], Float[Array, ""]]]:
    """Mean of alpha log pi - min Q for new actions; and their mean value and entropy."""
    action, log_density = actor.sample_with_density(observation, key)
    value = critic(observation, action).min(0).mean()
    entropy = -log_density.mean()
    return -(value + temperature * entropy), (value, entropy)
