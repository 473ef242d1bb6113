"""What D2SAC and discrete SAC share: twin critics over all actions, an entropy-regularised actor, one update.

Equation numbers are those of the D2SAC paper.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.actor_critic import Optimisers, check_actor_critic, optimisers
from edgewise.algorithms.base import Metrics, OffPolicyAlgorithm, Transition, require_choices
from edgewise.algorithms.critic import TwinActionValues
from edgewise.algorithms.optimisers import begin, descend
from edgewise.common.errors import check_integer, check_range
from edgewise.networks.mlp import soft_update
from edgewise.policies.protocol import DeployablePolicy

Actor = TypeVar("Actor")
Policy = TypeVar("Policy", bound=DeployablePolicy)


@dataclass(frozen=True)
class CategoricalActorCriticConfig:
    """Common configuration; "Table 1" and "Table 2" are those of the D2SAC paper."""

    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of actor and critics (Table 1)."""
    temperature: float = 0.05
    """Weight alpha of the policy's entropy in (25); where it is learned, its initial value (Table 2: 0.05)."""
    target_entropy: float | None = None
    """Learn the temperature so that the entropy keeps this share of ln(actions). If None, the temperature is fixed."""
    soft_target: bool = False
    """Add the entropy to the value target too, as SAC does; the D2SAC paper's (30) does not."""
    actor_rate: float = 3e-4
    """Learning rate eta_a at the start (Table 2: 1e-4)."""
    critic_rate: float = 1e-3
    """Learning rate eta_c at the start (Table 2: 1e-3)."""
    final_rate: float = 0.05
    """Share of both rates left at the end of the run; they fall along a cosine. 1 keeps them (Table 2)."""
    huber: float | None = 1.0
    """Errors of the critics beyond this count linearly. If None, all are squared (28)."""
    weight_decay: float = 1e-4
    """Decoupled weight decay lambda (Table 2)."""
    batch_size: int = 256
    """Transitions per update (Table 2: 512)."""
    discount: float = 0.95
    """Discount factor gamma (Table 2: 0.95)."""
    n_step: int = 3
    """Steps that a transition spans (authors' code: 3)."""
    target_rate: float = 0.005
    """Soft update tau (Table 2)."""
    deploy_average: bool = True
    """Deploy the slow copy of the actor, an average over its latest updates, instead of the actor itself."""
    masking: bool = False
    """Never choose an action that the observation's mask forbids; needs an environment that shows a mask."""

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0, open_low=self.target_entropy is not None)
        if self.target_entropy is not None:
            check_range("target_entropy", self.target_entropy, 0, 1)
        if self.huber is not None:
            check_range("huber", self.huber, 0, open_low=True)
        check_range("weight_decay", self.weight_decay, 0)
        check_integer("n_step", self.n_step, 1)
        check_actor_critic(self)


Config = TypeVar("Config", bound=CategoricalActorCriticConfig)


class CategoricalActorCriticState(eqx.Module, Generic[Actor]):
    """Parameters and optimiser states; `target_*` are the slow copies of (31)."""

    actor: Actor
    critic: TwinActionValues
    target_actor: Actor
    target_critic: TwinActionValues
    log_temperature: Float[Array, ""]
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState
    temperature_optimiser: optax.OptState


class CategoricalActorCritic(
    OffPolicyAlgorithm[Config, CategoricalActorCriticState[Actor]], Generic[Config, Actor, Policy]
):
    """An actor that gives the probability of each of a finite set of actions, and twin critics that value them all."""

    def __check_init__(self) -> None:
        """Raise a ConfigurationError for other spaces, or if there is no mask where one is asked for."""
        require_choices(self.spaces, self.config.masking)

    @abc.abstractmethod
    def new_actor(self, key: PRNGKeyArray) -> Actor:
        """Fresh parameters of the actor."""

    @abc.abstractmethod
    def policy_of(self, actor: Actor) -> Policy:
        """The deployable policy with these parameters."""

    @abc.abstractmethod
    def log_probabilities(
        self, actor: Actor, observation: Float[Array, "*batch o"], key: PRNGKeyArray
    ) -> Float[Array, "*batch a"]:
        """Logarithm of the probability of every action."""

    def init(self, key: PRNGKeyArray) -> CategoricalActorCriticState[Actor]:
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
            actor_optimiser=begin(self._optimisers.actor, actor),
            critic_optimiser=begin(self._optimisers.critic, critic),
            temperature_optimiser=begin(optax.adam(self.config.actor_rate), log_temperature),
        )

    def policy(self, train_state: CategoricalActorCriticState[Actor]) -> Policy:
        return self.policy_of(train_state.target_actor if self.config.deploy_average else train_state.actor)

    def act(
        self,
        train_state: CategoricalActorCriticState[Actor],
        observation: Float[Array, "*batch o"],
        key: PRNGKeyArray,
        explore: bool,
    ) -> Array:
        if not explore:
            action: Array = self.policy(train_state)(observation, None)
            return action
        actor_key, choice_key = jax.random.split(key)
        return jax.random.categorical(choice_key, self.log_probabilities(train_state.actor, observation, actor_key))

    def update(
        self, train_state: CategoricalActorCriticState[Actor], batch: Transition, key: PRNGKeyArray
    ) -> tuple[CategoricalActorCriticState[Actor], Metrics]:
        c = self.config
        target_key, actor_key = jax.random.split(key)
        temperature = jnp.exp(train_state.log_temperature)
        target = self.value_target(train_state, batch, target_key)
        critic, critic_optimiser, critic_loss = self._optimisers.improve_critic(
            critic_objective, train_state.critic, train_state.critic_optimiser, batch, target, c.huber
        )
        arguments = critic, temperature, batch.observation, actor_key
        actor, actor_optimiser, (value, entropy) = self._optimisers.improve_actor(
            self.actor_objective, train_state.actor, train_state.actor_optimiser, *arguments
        )
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
        self, train_state: CategoricalActorCriticState[Actor], batch: Transition, key: PRNGKeyArray
    ) -> Float[Array, " b"]:
        """TD target (30): the target actor's expectation of the smaller of both target values."""
        log_probability = self.log_probabilities(train_state.target_actor, batch.next_observation, key)
        value = train_state.target_critic(batch.next_observation).min(0)
        if self.config.soft_target:
            value = value - jnp.exp(train_state.log_temperature) * log_probability
        return batch.reward + batch.discount * expectation(log_probability, value)

    def actor_objective(
        self,
        actor: Actor,
        critic: TwinActionValues,
        temperature: Float[Array, ""],
        observation: Float[Array, "b o"],
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, ""], tuple[Float[Array, ""], Float[Array, ""]]]:
        """Negative objective (25), and its parts: expected value and entropy (26)."""
        log_probability = self.log_probabilities(actor, observation, key)
        value = expectation(log_probability, critic(observation).min(0)).mean()
        entropy = -expectation(log_probability, log_probability).mean()
        return -(value + temperature * entropy), (value, entropy)

    def _adapt(
        self, train_state: CategoricalActorCriticState[Actor], entropy: Float[Array, ""]
    ) -> tuple[Float[Array, ""], optax.OptState]:
        if self.config.target_entropy is None:
            return train_state.log_temperature, train_state.temperature_optimiser
        excess = entropy - self.config.target_entropy * jnp.log(self.actions)
        optimiser = optax.adam(self.config.actor_rate)
        return descend(optimiser, train_state.log_temperature, excess, train_state.temperature_optimiser)

    @property
    def _optimisers(self) -> Optimisers:
        return optimisers(self.config, self.updates, decoupled_decay=self.config.weight_decay)


def expectation(log_probability: Float[Array, "*batch a"], value: Float[Array, "*batch a"]) -> Float[Array, "*batch"]:
    """Expected value pi^T Q under the probabilities of the actions."""
    return jnp.sum(jnp.exp(log_probability) * value, axis=-1)


def critic_objective(
    critic: TwinActionValues, batch: Transition, target: Float[Array, " b"], huber: float | None
) -> Float[Array, ""]:
    """Sum of both critics' mean errors of the taken action's value against the TD target: (28), or with Huber's error."""
    taken = jnp.take_along_axis(critic(batch.observation), batch.action[None, :, None], axis=-1)[..., 0]
    error = (taken - target) ** 2 if huber is None else 2 * optax.losses.huber_loss(taken, target, delta=huber)
    return error.mean(1).sum()
