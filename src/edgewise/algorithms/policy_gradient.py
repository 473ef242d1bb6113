"""What PPO and REINFORCE share: a stochastic policy, a value network beside it, and advantages of a rollout."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.advantage import advantages
from edgewise.algorithms.base import OnPolicyAlgorithm, Step, check_masking, count, flat_size
from edgewise.common.errors import check_range
from edgewise.environments.spaces import Box, Space, Spaces
from edgewise.networks.mlp import MLP, orthogonal
from edgewise.policies.categorical import CategoricalPolicy
from edgewise.policies.gaussian import GaussianPolicy

StochasticPolicy = CategoricalPolicy | GaussianPolicy
OUTPUT_GAIN = 0.01
"""Shrinks the actor's first outputs, so that every action of a fresh policy is about equally likely."""


@dataclass(frozen=True)
class PolicyGradientConfig:
    """Common configuration.

    Attributes:
        hidden: widths of the hidden layers of actor and value network.
        actor_rate: learning rate of the actor at the start.
        critic_rate: learning rate of the value network at the start.
        final_rate: share of both rates left at the end of the run; they fall along a cosine. 1 keeps them.
        gradient_norm: longer gradients are shortened to this length, those of each network on their own.
        discount: gamma.
        entropy_weight: beta, weight of the policy's entropy in its objective.
        initial_deviation: standard deviation of a fresh policy over real actions.
        orthogonal: start both networks from orthogonal weights, or else from uniform ones.
        masking: never choose an action that the observation's mask forbids; needs an environment that shows a mask.
    """

    hidden: tuple[int, ...] = (64, 64)
    actor_rate: float = 1e-3
    critic_rate: float = 2e-3
    final_rate: float = 0.05
    gradient_norm: float = 0.5
    discount: float = 0.99
    entropy_weight: float = 0.0
    initial_deviation: float = 0.5
    orthogonal: bool = True
    masking: bool = False

    def __post_init__(self) -> None:
        check_range("hidden", self.hidden, 1)
        check_range("actor_rate", self.actor_rate, 0, open_low=True)
        check_range("critic_rate", self.critic_rate, 0, open_low=True)
        check_range("final_rate", self.final_rate, 0, 1, open_low=True)
        check_range("gradient_norm", self.gradient_norm, 0, open_low=True)
        check_range("discount", self.discount, 0, 1, open_high=True)
        check_range("entropy_weight", self.entropy_weight, 0)
        check_range("initial_deviation", self.initial_deviation, 0, open_low=True)


class PolicyGradientState(eqx.Module):
    """Parameters and optimiser states."""

    actor: Any
    critic: MLP
    actor_optimiser: optax.OptState
    critic_optimiser: optax.OptState


class Sample(eqx.Module):
    """A step of a rollout as the losses need it, or a batch of such.

    Attributes:
        observation: before the step.
        action: drawn.
        log_probability: of the action under the policy that drew it.
        advantage: A, by which it went better than the value network expected.
        goal: A + V, what the value network is to say.
    """

    observation: Float[Array, "*batch o"]
    action: Array
    log_probability: Float[Array, "*batch"]
    advantage: Float[Array, "*batch"]
    goal: Float[Array, "*batch"]


class PolicyGradient(OnPolicyAlgorithm[PolicyGradientState]):
    """An actor that gives a distribution over actions, and a network for the value of observations."""

    config: PolicyGradientConfig = eqx.field(static=True)
    spaces: Spaces = eqx.field(static=True)
    updates: int = eqx.field(static=True)

    def __init__(self, config: PolicyGradientConfig, spaces: Spaces, updates: int) -> None:
        """Args: configuration, the spaces to learn in, and the rollouts of the run (for the learning rates)."""
        check_masking(config.masking, spaces)
        check_box(spaces.action)
        self.config = config
        self.spaces = spaces
        self.updates = updates

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
        critic = MLP((flat_size(self.spaces.observation), *self.config.hidden, 1), critic_key)
        if self.config.orthogonal:
            critic = orthogonal(critic, 1.0, critic_key)
        return PolicyGradientState(
            actor, critic, self._actor_optimiser.init(actor), self._critic_optimiser.init(critic)
        )

    def policy(self, train_state: PolicyGradientState) -> StochasticPolicy:
        actor: StochasticPolicy = train_state.actor
        return actor

    def act(self, train_state: PolicyGradientState, observation: Float[Array, "*batch o"], key: PRNGKeyArray) -> Array:
        action: Array = train_state.actor.draw(observation, key)
        return action

    def samples(self, train_state: PolicyGradientState, rollout: Step, trace: float) -> Sample:
        """The steps of a rollout of the present policy, [time, copies] flattened, with their advantages."""
        value, next_value = (
            train_state.critic(observation)[..., 0] for observation in (rollout.observation, rollout.next_observation)
        )
        advantage = advantages(
            rollout.reward, rollout.terminated, rollout.ended, value, next_value, self.config.discount, trace
        )
        log_probability, _ = train_state.actor.judge(rollout.observation, rollout.action)
        sample = Sample(rollout.observation, rollout.action, log_probability, advantage, advantage + value)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), sample)

    def improve_actor(self, train_state: PolicyGradientState, gradient: Any) -> tuple[StochasticPolicy, optax.OptState]:
        """The actor after a gradient step, and its optimiser's state."""
        step, optimiser = self._actor_optimiser.update(gradient, train_state.actor_optimiser)
        return eqx.apply_updates(train_state.actor, step), optimiser

    def improve_critic(
        self, critic: MLP, optimiser: optax.OptState, sample: Sample
    ) -> tuple[MLP, optax.OptState, Float[Array, ""]]:
        """The value network after a gradient step, its optimiser's state, and the loss before."""
        loss, gradient = jax.value_and_grad(critic_objective)(critic, sample)
        step, optimiser = self._critic_optimiser.update(gradient, optimiser)
        return eqx.apply_updates(critic, step), optimiser, loss

    def _new_actor(self, key: PRNGKeyArray) -> StochasticPolicy:
        c = self.config
        size = flat_size(self.spaces.observation)
        actor: StochasticPolicy
        if isinstance(self.spaces.action, Box):
            actor = GaussianPolicy.create(size, flat_size(self.spaces.action), c.hidden, c.initial_deviation, key)
        else:
            actor = CategoricalPolicy.create(size, count(self.spaces.action), c.hidden, key, c.masking)
        if self.config.orthogonal:
            start: StochasticPolicy = eqx.tree_at(
                lambda policy: policy.network, actor, orthogonal(actor.network, OUTPUT_GAIN, key)
            )
            return start
        shrunk: StochasticPolicy = eqx.tree_at(
            lambda policy: policy.network.layers[-1].weight, actor, replace_fn=lambda weight: OUTPUT_GAIN * weight
        )
        return shrunk

    @property
    def _actor_optimiser(self) -> optax.GradientTransformation:
        return self._adam(self.config.actor_rate, self.actor_steps)

    @property
    def _critic_optimiser(self) -> optax.GradientTransformation:
        return self._adam(self.config.critic_rate, self.critic_steps)

    def _adam(self, rate: float, steps: int) -> optax.GradientTransformation:
        schedule = optax.cosine_decay_schedule(rate, max(self.updates * steps, 1), self.config.final_rate)
        return optax.chain(optax.clip_by_global_norm(self.config.gradient_norm), optax.adam(schedule, eps=1e-5))


def check_box(space: Space) -> None:
    """Require [-1, 1]^A of real actions.

    Raises:
        ValueError: if they lie in another box.
    """
    if isinstance(space, Box) and not (np.all(space.low == -1) and np.all(space.high == 1)):
        raise ValueError(f"{space}: this algorithm needs actions in [-1, 1]")


def critic_objective(critic: MLP, sample: Sample) -> Float[Array, ""]:
    """Mean squared error of the value network."""
    return ((critic(sample.observation)[..., 0] - sample.goal) ** 2).mean()


def explained_variance(sample: Sample) -> Float[Array, ""]:
    """1 - Var(A) / Var(A + V): 1 for a value network that foresees every return, 0 for one that says a constant."""
    return 1 - sample.advantage.var() / (sample.goal.var() + np.finfo(np.float32).eps)


def normalised(x: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Shifted to mean 0 and scaled to deviation 1."""
    return (x - x.mean()) / (x.std() + 1e-8)
