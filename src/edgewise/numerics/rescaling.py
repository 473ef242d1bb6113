"""Rescaling of actions: from the box in which learners act to that of an environment."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float


@dataclass(frozen=True)
class Rescaling:
    """The affine map from [-1, 1] to an interval, component by component.

    Attributes:
        low: images of -1.
        high: images of 1.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    def __call__(self, x: Float[Array, "*batch a"]) -> Float[Array, "*batch a"]:
        """The images of vectors; components beyond -1 or 1 are clipped first."""
        low, high = jnp.asarray(self.low, x.dtype), jnp.asarray(self.high, x.dtype)
        share = (jnp.clip(x, -1.0, 1.0) + 1) / 2
        return jnp.clip((1 - share) * low + share * high, low, high)  # exact at both ends, and without overflow
