"""What PPO and REINFORCE share: a stochastic policy, a value network beside it, and advantages of a rollout."""

from __future__ import annotations

import abc
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import equinox as eqx
import jax
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.advantage import advantages
from edgewise.algorithms.base import OnPolicyAlgorithm, Step, require_box, require_choices
from edgewise.algorithms.optimisers import begin, descend, falling_adam
from edgewise.common.errors import check_range
from edgewise.environments.spaces import Box
from edgewise.networks.mlp import MLP, orthogonal
from edgewise.policies.categorical import CategoricalPolicy
from edgewise.policies.gaussian import GaussianPolicy
from edgewise.policies.stochastic import StochasticPolicy

Actor = CategoricalPolicy | GaussianPolicy
ADAM_EPSILON = 1e-5
"""Epsilon of Adam, as in the usual implementations of PPO; policy gradients are small."""
OUTPUT_GAIN = 0.01
"""Shrinks the actor's first outputs, so that every action of a fresh policy is about equally likely."""
SMALLEST_DEVIATION = 1e-8
"""Added to the deviation by which advantages are divided, which is 0 where all are equal."""


@dataclass(frozen=True)
class PolicyGradientConfig:
    """What the configurations of PPO and REINFORCE have in common."""

    hidden: tuple[int, ...] = (64, 64)
    """Widths of the hidden layers of actor and value network."""
    actor_rate: float = 1e-3
    """Learning rate of the actor at the start."""
    critic_rate: float = 2e-3
    """Learning rate of the value network at the start."""
    final_rate: float = 0.05
    """Share of both rates left at the end of the run; they fall along a cosine. 1 keeps them."""
    gradient_norm: float = 0.5
    """Longer gradients are shortened to this length, those of each network on their own."""
    discount: float = 0.99
    """Discount factor gamma."""
    entropy_weight: float = 0.0
    """Weight beta of the policy's entropy in its objective."""
    initial_deviation: float = 0.5
    """Standard deviation of a fresh policy over real actions, before they are squashed if they are."""
    orthogonal: bool = True
    """Start both networks from orthogonal weights, or else from uniform ones."""
    masking: bool = False
    """Never choose an action that the observation's mask forbids; needs an environment that shows a mask."""

    def __post_init__(self) -> None:
        check_range("hidden", self.hidden, 1)
        check_range("actor_rate", self.actor_rate, 0, open_low=True)
        check_range("critic_rate", self.critic_rate, 0, open_low=True)
        check_range("final_rate", self.final_rate, 0, 1, open_low=True)
        check_range("gradient_norm", self.gradient_norm, 0, open_low=True)
        check_range("discount", self.discount, 0, 1, open_high=True)
        check_range("entropy_weight", self.entropy_weight, 0)
        check_range("initial_deviation", self.initial_deviation, 0, open_low=True)


Config = TypeVar("Config", bound=PolicyGradientConfig)


class PolicyGradientState(eqx.Module):
    """Parameters and optimiser states."""

    actor: StochasticPolicy
    critic: MLP
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState


class Sample(eqx.Module):
    """A step of a rollout as the losses need it, or a batch of such.

    Attributes:
        observation: before the step.
        action: as it was sampled.
        log_probability: logarithm of the probability of the action under the policy that sampled it.
        advantage: A, by which it went better than the value network expected.
        target: A + V, the regression target of the value network.
    """

    observation: Float[Array, "*batch o"]
    action: Array
    log_probability: Float[Array, "*batch"]
    advantage: Float[Array, "*batch"]
    target: Float[Array, "*batch"]


class PolicyGradient(OnPolicyAlgorithm[Config, PolicyGradientState]):
    """An actor that gives a distribution over actions, and a network for the value of observations."""

    def __check_init__(self) -> None:
        """Raise a ConfigurationError for other spaces, or if there is no mask where one is asked for."""
        if isinstance(self.spaces.action, Box):
            require_box(self.spaces)
        if self.config.masking or not isinstance(self.spaces.action, Box):
            require_choices(self.spaces, self.config.masking)

    @property
    @abc.abstractmethod
    def actor_steps(self) -> int:
        """Gradient steps of the actor per rollout."""

    @property
    @abc.abstractmethod
    def critic_steps(self) -> int:
        """Gradient steps of the value network per rollout."""

    def init(self, key: PRNGKeyArray) -> PolicyGradientState:
        actor_key, critic_key = jax.random.split(key)
        actor = self._new_actor(actor_key)
        critic = MLP((self.observation_size, *self.config.hidden, 1), critic_key)
        if self.config.orthogonal:
            critic = orthogonal(critic, 1.0, critic_key)
        return PolicyGradientState(
            actor, critic, begin(self._actor_optimiser, actor), begin(self._critic_optimiser, critic)
        )

    def policy(self, train_state: PolicyGradientState) -> StochasticPolicy:
        return train_state.actor

    def with_policy(self, train_state: PolicyGradientState, policy: StochasticPolicy) -> PolicyGradientState:
        return replace(train_state, actor=policy)

    def act(self, train_state: PolicyGradientState, observation: Float[Array, "*batch o"], key: PRNGKeyArray) -> Array:
        return train_state.actor.sample(observation, key)

    def samples(self, train_state: PolicyGradientState, rollout: Step, trace: float) -> Sample:
        """The steps of a rollout of the current policy, [time, copies] flattened, with their advantages."""
        value, next_value = (
            train_state.critic(observation)[..., 0] for observation in (rollout.observation, rollout.next_observation)
        )
        advantage = advantages(
            rollout.reward, rollout.terminated, rollout.ended, value, next_value, self.config.discount, trace
        )
        log_probability, _ = train_state.actor.log_probability_and_entropy(rollout.observation, rollout.action)
        sample = Sample(rollout.observation, rollout.action, log_probability, advantage, advantage + value)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), sample)

    def improve_actor(self, train_state: PolicyGradientState, gradient: Any) -> tuple[StochasticPolicy, optax.OptState]:
        """The actor after a gradient step, and its optimiser's state."""
        return descend(self._actor_optimiser, train_state.actor, gradient, train_state.actor_optimiser)

    def improve_critic(
        self, critic: MLP, optimiser: optax.OptState, sample: Sample
    ) -> tuple[MLP, optax.OptState, Float[Array, ""]]:
        """The value network after a gradient step, its optimiser's state, and the loss before."""
        loss, gradient = jax.value_and_grad(critic_objective)(critic, sample)
        return *descend(self._critic_optimiser, critic, gradient, optimiser), loss

    def _new_actor(self, key: PRNGKeyArray) -> Actor:
        c = self.config
        actor: Actor
        if isinstance(self.spaces.action, Box):
            actor = GaussianPolicy.create(self.observation_size, self.action_size, c.hidden, c.initial_deviation, key)
        else:
            actor = CategoricalPolicy.create(self.observation_size, self.actions, c.hidden, key, c.masking)
        if c.orthogonal:
            start: Actor = eqx.tree_at(
                lambda policy: policy.network, actor, orthogonal(actor.network, OUTPUT_GAIN, key)
            )
            return start
        shrunk: Actor = eqx.tree_at(
            lambda policy: policy.network.layers[-1].weight, actor, replace_fn=lambda weight: OUTPUT_GAIN * weight
        )
        return shrunk

    @property
    def _actor_optimiser(self) -> optax.GradientTransformation:
        return self._optimiser(self.config.actor_rate, self.actor_steps)

    @property
    def _critic_optimiser(self) -> optax.GradientTransformation:
        return self._optimiser(self.config.critic_rate, self.critic_steps)

    def _optimiser(self, rate: float, steps: int) -> optax.GradientTransformation:
        c = self.config
        return falling_adam(rate, c.final_rate, self.updates * steps, epsilon=ADAM_EPSILON, clip=c.gradient_norm)


def critic_objective(critic: MLP, sample: Sample) -> Float[Array, ""]:
    """Mean squared error of the value network."""
    return ((critic(sample.observation)[..., 0] - sample.target) ** 2).mean()


def explained_variance(sample: Sample) -> Float[Array, ""]:
    """1 - Var(A) / Var(A + V): 1 for a value network that foresees every return, 0 for a constant one."""
    return 1 - sample.advantage.var() / (sample.target.var() + np.finfo(np.float32).eps)


def normalised(x: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Shifted to mean 0 and scaled to deviation 1."""
    return (x - x.mean()) / (x.std() + SMALLEST_DEVIATION)
