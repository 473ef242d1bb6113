"""Proximal policy optimisation with a clipped objective (Schulman et al., 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Metrics, Step
from edgewise.algorithms.policy_gradient import (
    PolicyGradient,
    PolicyGradientConfig,
    PolicyGradientState,
    Sample,
    explained_variance,
    normalised,
)
from edgewise.common.errors import check_integer, check_range
from edgewise.policies.stochastic import StochasticPolicy


@dataclass(frozen=True)
class PPOConfig(PolicyGradientConfig):
    """Configuration of PPO."""

    clip: float = 0.2
    """Epsilon; an update gains nothing from moving a probability ratio beyond [1 - epsilon, 1 + epsilon]."""
    trace: float = 0.95
    """Lambda of the advantages."""
    epochs: int = 4
    """Passes over a rollout."""
    minibatches: int = 4
    """Gradient steps of a pass, each on its own share of the rollout."""
    normalise_advantage: bool = True
    """Shift and scale the advantages of a minibatch to mean 0 and deviation 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("clip", self.clip, 0, open_low=True)
        check_range("trace", self.trace, 0, 1)
        check_integer("epochs", self.epochs, 1)
        check_integer("minibatches", self.minibatches, 1)


class PPO(PolicyGradient[PPOConfig]):
    """Several passes over each rollout, held near the policy that collected it."""

    @property
    def actor_steps(self) -> int:
        return self.config.epochs * self.config.minibatches

    @property
    def critic_steps(self) -> int:
        return self.actor_steps

    def update(
        self, train_state: PolicyGradientState, rollout: Step, key: PRNGKeyArray
    ) -> tuple[PolicyGradientState, Metrics]:
        sample = self.samples(train_state, rollout, self.config.trace)

        def run_epoch(
            state: PolicyGradientState, key: PRNGKeyArray
        ) -> tuple[PolicyGradientState, dict[str, Float[Array, " m"]]]:
            order = jax.random.permutation(key, len(sample.target)).reshape(self.config.minibatches, -1)
            return jax.lax.scan(self.learn, state, jax.tree.map(lambda x: x[order], sample))

        keys = jax.random.split(key, self.config.epochs)
        train_state, metrics = jax.lax.scan(run_epoch, train_state, keys)
        means = {name: values.mean() for name, values in metrics.items()}
        return train_state, means | {"explained_variance": explained_variance(sample)}

    def learn(self, train_state: PolicyGradientState, sample: Sample) -> tuple[PolicyGradientState, Metrics]:
        """A gradient step of both networks on a minibatch."""
        (_, metrics), gradient = jax.value_and_grad(self.actor_objective, has_aux=True)(train_state.actor, sample)
        actor, actor_optimiser = self.improve_actor(train_state, gradient)
        critic, critic_optimiser, critic_loss = self.improve_critic(
            train_state.critic, train_state.critic_optimiser, sample
        )
        next_state = PolicyGradientState(actor, critic, actor_optimiser, critic_optimiser)
        return next_state, metrics | {"critic_loss": critic_loss}

    def actor_objective(self, actor: StochasticPolicy, sample: Sample) -> tuple[Float[Array, ""], Metrics]:
        """`clipped_objective` of a minibatch."""
        c = self.config
        log_probability, entropy = actor.log_probability_and_entropy(sample.observation, sample.action)
        advantage = normalised(sample.advantage) if c.normalise_advantage else sample.advantage
        return clipped_objective(log_probability, sample.log_probability, entropy, advantage, c.clip, c.entropy_weight)


def clipped_objective(
    log_probability: Float[Array, "*batch"],
    before: Float[Array, "*batch"],
    entropy: Float[Array, "*some"],
    advantage: Float[Array, "*batch"],
    clip: float,
    entropy_weight: float,
) -> tuple[Float[Array, ""], Metrics]:
    """Negative clipped objective, equation (7) of the PPO paper, less the entropy bonus of (9); and its parts.

    Args:
        log_probability: logarithm of the probability of the actions under the policy that learns.
        before: the same under the policy that sampled them.
        entropy: the entropy of the policy that learns.
        advantage: the advantage of the actions.
        clip: epsilon.
        entropy_weight: beta.
    """
    difference = log_probability - before
    ratio = jnp.exp(difference)
    gain = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage).mean()
    metrics = {
        "actor_gain": gain,
        "entropy": entropy.mean(),
        "divergence": (ratio - 1 - difference).mean(),
        "clipped": (jnp.abs(ratio - 1) > clip).mean(),
    }
    return -(gain + entropy_weight * entropy.mean()), metrics
