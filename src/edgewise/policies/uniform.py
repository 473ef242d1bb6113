"""A policy that learns nothing: any action of its box is as likely as any other."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


class UniformPolicy(eqx.Module):
    """Samples uniformly.

    Attributes:
        observation_size: components of an observation.
        low, high: bounds of the action.
    """

    observation_size: int = eqx.field(static=True)
    low: tuple[float, ...] = eqx.field(static=True)
    high: tuple[float, ...] = eqx.field(static=True)

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes and bounds, for `blank`."""
        return {"observation_size": self.observation_size, "low": list(self.low), "high": list(self.high)}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> UniformPolicy:
        """The policy of the given architecture."""
        a = architecture
        return UniformPolicy(a["observation_size"], tuple(a["low"]), tuple(a["high"]))

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Float[Array, "*batch a"]:
        """A sampled action, or without a key the middle of the box."""
        low, high = jnp.asarray(self.low), jnp.asarray(self.high)
        shape = (*observation.shape[:-1], len(self.low))
        share = jnp.full(shape, 0.5) if key is None else jax.random.uniform(key, shape, float)
        return low + (high - low) * share
