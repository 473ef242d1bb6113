"""What D2SAC and discrete SAC share: twin critics over all actions, an entropy-regularised actor, one update.

Equation numbers are those of the D2SAC paper.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import OffPolicyAlgorithm, Transition, check_masking, count, flat_size
from edgewise.algorithms.critic import TwinActionValues
from edgewise.common.errors import check_integer, check_range
from edgewise.environments.spaces import Spaces
from edgewise.networks.mlp import soft_update


@dataclass(frozen=True)
class CategoricalActorCriticConfig:
    """Common configuration; "Table 1" and "Table 2" are those of the D2SAC paper.

    Attributes:
        hidden: widths of the hidden layers of actor and critics (Table 1).
        temperature: alpha of (25), weight of the policy's entropy; where it is learned, its initial value (Table 2: 0.05).
        target_entropy: learn the temperature so that the entropy keeps this share of ln(actions); none keeps it fixed.
        soft_target: add the entropy to the value target too, as SAC does; the D2SAC paper's (30) does not.
        actor_rate: learning rate eta_a at the start (Table 2: 1e-4).
        critic_rate: learning rate eta_c at the start (Table 2: 1e-3).
        final_rate: share of both rates left at the end of the run; they fall along a cosine. 1 keeps them (Table 2).
        huber: errors of the critics beyond this count linearly; none squares them all (28).
        weight_decay: lambda, decoupled (Table 2).
        batch_size: transitions per update (Table 2: 512).
        discount: gamma (Table 2: 0.95).
        n_step: steps that a transition spans (authors' code: 3).
        target_rate: soft update tau (Table 2).
        deploy_average: deploy the slow copy of the actor, an average over its latest updates, instead of the actor itself.
        masking: never choose an action that the observation's mask forbids; needs an environment that shows a mask.
    """

    hidden: tuple[int, ...] = (256, 256)
    temperature: float = 0.05
    target_entropy: float | None = None
    soft_target: bool = False
    actor_rate: float = 3e-4
    critic_rate: float = 1e-3
    final_rate: float = 0.05
    huber: float | None = 1.0
    weight_decay: float = 1e-4
    batch_size: int = 256
    discount: float = 0.95
    n_step: int = 3
    target_rate: float = 0.005
    deploy_average: bool = True
    masking: bool = False

    def __post_init__(self) -> None:
        check_range("hidden", self.hidden, 1)
        check_range("temperature", self.temperature, 0, open_low=self.target_entropy is not None)
        if self.target_entropy is not None:
            check_range("target_entropy", self.target_entropy, 0, 1)
        check_range("actor_rate", self.actor_rate, 0, open_low=True)
        check_range("critic_rate", self.critic_rate, 0, open_low=True)
        check_range("final_rate", self.final_rate, 0, 1, open_low=True)
        if self.huber is not None:
            check_range("huber", self.huber, 0, open_low=True)
        check_range("weight_decay", self.weight_decay, 0)
        check_integer("batch_size", self.batch_size, 1)
        check_range("discount", self.discount, 0, 1, open_high=True)
        check_integer("n_step", self.n_step, 1)
        check_range("target_rate", self.target_rate, 0, 1, open_low=True)


class CategoricalActorCriticState(eqx.Module):
    """Parameters and optimiser states; `target_*` are the slow copies of (31)."""

    actor: Any
    critic: TwinActionValues
    target_actor: Any
    target_critic: TwinActionValues
    log_temperature: Float[Array, ""]
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState
    temperature_optimiser: optax.OptState


class CategoricalActorCritic(OffPolicyAlgorithm[CategoricalActorCriticState]):
    """An actor that gives the probability of each of a finite set of actions, and twin critics that value them all."""

    config: eqx.AbstractVar[CategoricalActorCriticConfig]
    observation_size: eqx.AbstractVar[int]
    actions: eqx.AbstractVar[int]
    updates: eqx.AbstractVar[int]

    @abc.abstractmethod
    def new_actor(self, key: PRNGKeyArray) -> Any:
        """Fresh parameters of the actor."""

    @abc.abstractmethod
    def policy_of(self, actor: Any) -> Any:
        """The deployable policy with these parameters."""

    @abc.abstractmethod
    def log_probabilities(
        self, actor: Any, observation: Float[Array, "*batch o"], key: PRNGKeyArray
    ) -> Float[Array, "*batch a"]:
        """Logarithm of the probability of every action."""

    @property
    def discount(self) -> float:
        return self.config.discount

    @property
    def n_step(self) -> int:
        return self.config.n_step

    @property
    def batch_size(self) -> int:
        return self.config.batch_size

    def init(self, key: PRNGKeyArray) -> CategoricalActorCriticState:
        actor_key, critic_key = jax.random.split(key)
        actor = self.new_actor(actor_key)
        critic = TwinActionValues(self.observation_size, self.actions, self.config.hidden, critic_key)
        log_temperature = jnp.log(jnp.asarray(self.config.temperature, dtype=float))
        return CategoricalActorCriticState(
            actor=actor,
            critic=critic,
            target_actor=actor,
            target_critic=critic,
            log_temperature=log_temperature,
            actor_optimiser=self._actor_optimiser.init(actor),
            critic_optimiser=self._critic_optimiser.init(critic),
            temperature_optimiser=self._temperature_optimiser.init(log_temperature),
        )

    def policy(self, train_state: CategoricalActorCriticState) -> Any:
        return self.policy_of(train_state.target_actor if self.config.deploy_average else train_state.actor)

    def act(
        self, train_state: CategoricalActorCriticState, observation: Float[Array, "*batch o"], key: PRNGKeyArray,
        explore: bool,
    ) -> Array:  # fmt: skip
        if not explore:
            action: Array = self.policy(train_state)(observation, None)
            return action
        actor_key, choice_key = jax.random.split(key)
        return jax.random.categorical(choice_key, self.log_probabilities(train_state.actor, observation, actor_key))

    def update(
        self, train_state: CategoricalActorCriticState, batch: Transition, key: PRNGKeyArray
    ) -> tuple[CategoricalActorCriticState, dict[str, Float[Array, ""]]]:
        c = self.config
        target_key, actor_key = jax.random.split(key)
        temperature = jnp.exp(train_state.log_temperature)
        goal = self.value_target(train_state, batch, target_key)
        critic_loss, critic_gradient = jax.value_and_grad(critic_objective)(train_state.critic, batch, goal, c.huber)
        step, critic_optimiser = self._critic_optimiser.update(
            critic_gradient, train_state.critic_optimiser, train_state.critic
        )
        critic = eqx.apply_updates(train_state.critic, step)

        (_, (value, entropy)), actor_gradient = jax.value_and_grad(self.actor_objective, has_aux=True)(
            train_state.actor, critic, temperature, batch.observation, actor_key
        )
        step, actor_optimiser = self._actor_optimiser.update(
            actor_gradient, train_state.actor_optimiser, train_state.actor
        )
        actor = eqx.apply_updates(train_state.actor, step)
        log_temperature, temperature_optimiser = self._adapt(train_state, entropy)
        next_state = CategoricalActorCriticState(
            actor=actor,
            critic=critic,
            target_actor=soft_update(train_state.target_actor, actor, c.target_rate),
            target_critic=soft_update(train_state.target_critic, critic, c.target_rate),
            log_temperature=log_temperature,
            actor_optimiser=actor_optimiser,
            critic_optimiser=critic_optimiser,
            temperature_optimiser=temperature_optimiser,
        )
        metrics = {"critic_loss": critic_loss, "value": value, "entropy": entropy, "temperature": temperature}
        return next_state, metrics

    def value_target(
        self, train_state: CategoricalActorCriticState, batch: Transition, key: PRNGKeyArray
    ) -> Float[Array, " b"]:
        """TD target (30): the target actor's expectation of the smaller of both target values."""
        log_probability = self.log_probabilities(train_state.target_actor, batch.next_observation, key)
        value = train_state.target_critic(batch.next_observation).min(0)
        if self.config.soft_target:
            value = value - jnp.exp(train_state.log_temperature) * log_probability
        return batch.reward + batch.discount * expectation(log_probability, value)

    def actor_objective(
        self, actor: Any, critic: TwinActionValues, temperature: Float[Array, ""], observation: Float[Array, "b o"],
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, ""], tuple[Float[Array, ""], Float[Array, ""]]]:  # fmt: skip
        """Negative objective (25), and its parts: expected value and entropy (26)."""
        log_probability = self.log_probabilities(actor, observation, key)
        value = expectation(log_probability, critic(observation).min(0)).mean()
        entropy = -expectation(log_probability, log_probability).mean()
        return -(value + temperature * entropy), (value, entropy)

    def _adapt(
        self, train_state: CategoricalActorCriticState, entropy: Float[Array, ""]
    ) -> tuple[Float[Array, ""], optax.OptState]:
        if self.config.target_entropy is None:
            return train_state.log_temperature, train_state.temperature_optimiser
        excess = entropy - self.config.target_entropy * jnp.log(self.actions)
        step, optimiser = self._temperature_optimiser.update(excess, train_state.temperature_optimiser)
        return train_state.log_temperature + step, optimiser

    @property
    def _actor_optimiser(self) -> optax.GradientTransformation:
        return self._adam(self.config.actor_rate)

    @property
    def _critic_optimiser(self) -> optax.GradientTransformation:
        return self._adam(self.config.critic_rate)

    @property
    def _temperature_optimiser(self) -> optax.GradientTransformation:
        return optax.adam(self.config.actor_rate)

    def _adam(self, rate: float) -> optax.GradientTransformation:
        schedule = optax.cosine_decay_schedule(rate, max(self.updates, 1), self.config.final_rate)
        return optax.adamw(schedule, weight_decay=self.config.weight_decay)


def sizes(config: CategoricalActorCriticConfig, spaces: Spaces) -> tuple[int, int]:
    """Components of an observation and number of actions.

    Raises:
        ConfigurationError: if the configuration asks for a mask that the environment does not show.
    """
    check_masking(config.masking, spaces)
    return flat_size(spaces.observation), count(spaces.action)


def expectation(log_probability: Float[Array, "*batch a"], value: Float[Array, "*batch a"]) -> Float[Array, "*batch"]:
    """pi^T value."""
    return jnp.sum(jnp.exp(log_probability) * value, axis=-1)


def critic_objective(
    critic: TwinActionValues, batch: Transition, goal: Float[Array, " b"], huber: float | None
) -> Float[Array, ""]:
    """Sum of both critics' mean errors of the taken action's value against the TD target: (28), or with Huber's error."""
    taken = jnp.take_along_axis(critic(batch.observation), batch.action[None, :, None], axis=-1)[..., 0]
    error = (taken - goal) ** 2 if huber is None else 2 * optax.losses.huber_loss(taken, goal, delta=huber)
    return error.mean(1).sum()
