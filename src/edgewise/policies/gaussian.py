"""A policy over the box [-1, 1]^A: a normal distribution around the output of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.networks.mlp import MLP
from edgewise.policies.network import NetworkPolicy


class GaussianPolicy(NetworkPolicy):
    """Independent normal components, whose mean is the output of a Mish network; an action is clipped to the box.

    Attributes:
        network: observation to mean.
        log_deviation: logarithm of the standard deviation of each component, the same for every observation.
    """

    log_deviation: Float[Array, " a"]

    @staticmethod
    def create(
        observation_size: int, action_size: int, hidden: Sequence[int], deviation: float, key: PRNGKeyArray
    ) -> GaussianPolicy:
        """A policy with fresh weights, for the given sizes, widths of the hidden layers and initial standard deviation."""
        network = MLP((observation_size, *hidden, action_size), key)
        return GaussianPolicy(network, jnp.full(action_size, jnp.log(deviation), float))

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes, for `blank`."""
        return {"observation_size": self.observation_size, "hidden": self.hidden, "action_size": self.outputs}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> GaussianPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        return GaussianPolicy.create(**architecture, deviation=1.0, key=jax.random.key(0))

    def sample(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray) -> Float[Array, "*batch a"]:
        """A sample of the normal distribution, which may lie outside the box."""
        mean = self.network(observation)
        return mean + jnp.exp(self.log_deviation) * jax.random.normal(key, mean.shape, mean.dtype)

    def log_probability_and_entropy(
        self, observation: Float[Array, "*batch o"], action: Float[Array, "*batch a"]
    ) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
        """Logarithm of the density of actions that were drawn, and the entropy of the normal distribution."""
        mean = self.network(observation)
        log_density = jax.scipy.stats.norm.logpdf(action, mean, jnp.exp(self.log_deviation)).sum(-1)
        entropy = (self.log_deviation + 0.5 * jnp.log(2 * jnp.pi * jnp.e)).sum()
        return log_density, jnp.broadcast_to(entropy, log_density.shape)

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Float[Array, "*batch a"]:
        """A sampled action, or without a key the mean; clipped to the box."""
        action = self.network(observation) if key is None else self.sample(observation, key)
        return jnp.clip(action, -1.0, 1.0)
