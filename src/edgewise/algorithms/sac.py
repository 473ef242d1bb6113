"""Soft actor-critic for continuous actions with a learned temperature (Haarnoja et al., 2018, "Algorithms and Applications")."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import OffPolicyAlgorithm, Transition, flat_size
from edgewise.algorithms.critic import ActionValue, critic_objective
from edgewise.algorithms.optimisers import falling_adam
from edgewise.common.errors import check_integer, check_range
from edgewise.environments.spaces import Spaces
from edgewise.networks.mlp import soft_update
from edgewise.policies.squashed_gaussian import SquashedGaussianPolicy


@dataclass(frozen=True)
class SACConfig:
    """Configuration of SAC; "Table 1" is that of Haarnoja et al. (2018). Values without a source are ours.

    Attributes:
        hidden: widths of the hidden layers of actor and critics (Table 1: 256, 256).
        temperature: weight of the entropy, at the start if it is learned.
        learn_temperature: adapt it, so that the entropy stays at `target_entropy` per component of the action.
        target_entropy: of each component, nats (Table 1: -1).
        actor_rate, critic_rate, temperature_rate: learning rates at the start (Table 1: 3e-4).
        final_rate: share of the first two rates left at the end of the run; they fall along a cosine. 1 keeps them (paper).
        batch_size: transitions per update (Table 1: 256).
        discount: gamma (Table 1: 0.99).
        target_rate: soft update tau (Table 1: 0.005).
    """

    hidden: tuple[int, ...] = (256, 256)
    temperature: float = 0.2
    learn_temperature: bool = True
    target_entropy: float = -1.0
    actor_rate: float = 3e-4
    critic_rate: float = 1e-3
    temperature_rate: float = 3e-4
    final_rate: float = 0.05
    batch_size: int = 256
    discount: float = 0.95
    target_rate: float = 0.005

    def __post_init__(self) -> None:
        check_range("hidden", self.hidden, 1)
        check_range("temperature", self.temperature, 0, open_low=True)
        check_range("target_entropy", self.target_entropy)
        check_range("actor_rate", self.actor_rate, 0, open_low=True)
        check_range("critic_rate", self.critic_rate, 0, open_low=True)
        check_range("temperature_rate", self.temperature_rate, 0, open_low=True)
        check_range("final_rate", self.final_rate, 0, 1, open_low=True)
        check_integer("batch_size", self.batch_size, 1)
        check_range("discount", self.discount, 0, 1, open_high=True)
        check_range("target_rate", self.target_rate, 0, 1, open_low=True)


class SACState(eqx.Module):
    """Parameters and optimiser states."""

    actor: SquashedGaussianPolicy
    critic: ActionValue
    target_critic: ActionValue
    log_temperature: Float[Array, ""]
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState
    temperature_optimiser: optax.OptState


class SAC(OffPolicyAlgorithm[SACState]):
    """Soft actor-critic for actions in [-1, 1]^A."""

    config: SACConfig = eqx.field(static=True)
    observation_size: int = eqx.field(static=True)
    action_size: int = eqx.field(static=True)
    updates: int = eqx.field(static=True)

    def __init__(self, config: SACConfig, spaces: Spaces, updates: int) -> None:
        """Args: configuration, the spaces to learn in (vectors), and the updates of the run (for the learning rates)."""
        self.config = config
        self.updates = updates
        self.observation_size = flat_size(spaces.observation)
        self.action_size = flat_size(spaces.action)

    @property
    def discount(self) -> float:
        return self.config.discount

    @property
    def batch_size(self) -> int:
        return self.config.batch_size

    def init(self, key: PRNGKeyArray) -> SACState:
        c = self.config
        actor_key, critic_key = jax.random.split(key)
        actor = SquashedGaussianPolicy.create(self.observation_size, self.action_size, c.hidden, actor_key)
        critic = ActionValue(self.observation_size, self.action_size, c.hidden, critic_key)
        log_temperature = jnp.log(jnp.asarray(c.temperature, dtype=float))
        return SACState(
            actor=actor,
            critic=critic,
            target_critic=critic,
            log_temperature=log_temperature,
            actor_optimiser=self._actor_optimiser.init(actor),
            critic_optimiser=self._critic_optimiser.init(critic),
            temperature_optimiser=self._temperature_optimiser.init(log_temperature),
        )

    def policy(self, train_state: SACState) -> SquashedGaussianPolicy:
        return train_state.actor

    def act(
        self, train_state: SACState, observation: Float[Array, "*batch o"], key: PRNGKeyArray, explore: bool
    ) -> Float[Array, "*batch a"]:
        return train_state.actor(observation, key if explore else None)

    def update(
        self, train_state: SACState, batch: Transition, key: PRNGKeyArray
    ) -> tuple[SACState, dict[str, Float[Array, ""]]]:
        c = self.config
        target_key, actor_key = jax.random.split(key)
        temperature = jnp.exp(train_state.log_temperature)
        goal = self.value_target(train_state, batch, target_key)
        critic_loss, gradient = jax.value_and_grad(critic_objective)(train_state.critic, batch, goal)
        step, critic_optimiser = self._critic_optimiser.update(gradient, train_state.critic_optimiser)
        critic = eqx.apply_updates(train_state.critic, step)

        (_, (value, entropy)), gradient = jax.value_and_grad(actor_objective, has_aux=True)(
            train_state.actor, critic, temperature, batch.observation, actor_key
        )
        step, actor_optimiser = self._actor_optimiser.update(gradient, train_state.actor_optimiser)
        actor = eqx.apply_updates(train_state.actor, step)
        log_temperature, temperature_optimiser = self._adapt(train_state, entropy)
        next_state = SACState(
            actor=actor,
            critic=critic,
            target_critic=soft_update(train_state.target_critic, critic, c.target_rate),
            log_temperature=log_temperature,
            actor_optimiser=actor_optimiser,
            critic_optimiser=critic_optimiser,
            temperature_optimiser=temperature_optimiser,
        )
        metrics = {"critic_loss": critic_loss, "value": value, "entropy": entropy, "temperature": temperature}
        return next_state, metrics

    def value_target(self, train_state: SACState, batch: Transition, key: PRNGKeyArray) -> Float[Array, " b"]:
        """Soft TD target: the smaller of both target values of a new action, less alpha times its log-density."""
        action, log_density = train_state.actor.draw(batch.next_observation, key)
        value = train_state.target_critic(batch.next_observation, action).min(0)
        return batch.reward + batch.discount * (value - jnp.exp(train_state.log_temperature) * log_density)

    def _adapt(self, train_state: SACState, entropy: Float[Array, ""]) -> tuple[Float[Array, ""], optax.OptState]:
        if not self.config.learn_temperature:
            return train_state.log_temperature, train_state.temperature_optimiser
        excess = entropy - self.config.target_entropy * self.action_size
        step, optimiser = self._temperature_optimiser.update(excess, train_state.temperature_optimiser)
        return train_state.log_temperature + step, optimiser

    @property
    def _actor_optimiser(self) -> optax.GradientTransformation:
        return falling_adam(self.config.actor_rate, self.config.final_rate, self.updates)

    @property
    def _critic_optimiser(self) -> optax.GradientTransformation:
        return falling_adam(self.config.critic_rate, self.config.final_rate, self.updates)

    @property
    def _temperature_optimiser(self) -> optax.GradientTransformation:
        return optax.adam(self.config.temperature_rate)


def actor_objective(
    actor: SquashedGaussianPolicy,
    critic: ActionValue,
    temperature: Float[Array, ""],
    observation: Float[Array, "b o"],
    key: PRNGKeyArray,
) -> tuple[Float[Array, ""], tuple[Float[Array, ""], Float[Array, ""]]]:
    """Mean of alpha log pi - min Q for new actions; and their mean value and entropy."""
    action, log_density = actor.draw(observation, key)
    value = critic(observation, action).min(0).mean()
    entropy = -log_density.mean()
    return -(value + temperature * entropy), (value, entropy)
