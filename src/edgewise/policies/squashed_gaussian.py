"""A policy over the box [-1, 1]^A: tanh of a normal distribution (Haarnoja et al., 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.networks.mlp import MLP
from edgewise.numerics.squashed_normal import squashed_normal
from edgewise.policies.network import NetworkPolicy

LOG_DEVIATION = (-5.0, 2.0)
"""Bounds of the logarithm of the standard deviation."""


class SquashedGaussianPolicy(NetworkPolicy):
    """Independent normal components whose means and deviations a Mish network gives, then tanh.

    Attributes:
        network: observation to the means, followed by the unbounded log-deviations.
    """

    @staticmethod
    def create(
        observation_size: int, action_size: int, hidden: Sequence[int], key: PRNGKeyArray
    ) -> SquashedGaussianPolicy:
        """A policy with fresh weights, for the given sizes and widths of the hidden layers."""
        return SquashedGaussianPolicy(MLP((observation_size, *hidden, 2 * action_size), key))

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes, for `blank`."""
        return {"observation_size": self.observation_size, "hidden": self.hidden, "action_size": self.outputs // 2}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> SquashedGaussianPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        return SquashedGaussianPolicy.create(**architecture, key=jax.random.key(0))

    def normal(
        self, observation: Float[Array, "*batch o"]
    ) -> tuple[Float[Array, "*batch a"], Float[Array, "*batch a"]]:
        """Mean and log-deviation before tanh; the latter is squeezed into `LOG_DEVIATION`."""
        mean, raw = jnp.split(self.network(observation), 2, axis=-1)
        low, high = LOG_DEVIATION
        return mean, low + 0.5 * (high - low) * (jnp.tanh(raw) + 1)

    def sample_with_density(
        self, observation: Float[Array, "*batch o"], key: PRNGKeyArray
    ) -> tuple[Float[Array, "*batch a"], Float[Array, "*batch"]]:
        """A sampled action, differentiable, and the logarithm of its density."""
        mean, log_deviation = self.normal(observation)
        return squashed_normal(mean, log_deviation, jax.random.normal(key, mean.shape, mean.dtype))

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Float[Array, "*batch a"]:
        """A sampled action, or without a key tanh of the mean."""
        return jnp.tanh(self.normal(observation)[0]) if key is None else self.sample_with_density(observation, key)[0]
