"""The tanh of a normal variable, and its density."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def squashed_normal(
    mean: Float[Array, "*batch a"], log_deviation: Float[Array, "*#batch a"], noise: Float[Array, "*batch a"]
) -> tuple[Float[Array, "*batch a"], Float[Array, "*batch"]]:
    """Tanh of mean + deviation noise, and the logarithm of its density over the box.

    Args:
        mean, log_deviation: of independent normal components before tanh.
        noise: standard normal.
    """
    u = mean + jnp.exp(log_deviation) * noise
    log_density = -0.5 * noise**2 - log_deviation - 0.5 * jnp.log(2 * jnp.pi)
    return jnp.tanh(u), (log_density - log_volume(u)).sum(-1)


def log_volume(u: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The logarithm of d tanh(u) / du, 1 - tanh(u)^2, by which a density is divided: 2 (log 2 - u - softplus(-2u))."""
    return 2 * (jnp.log(2.0) - u - jax.nn.softplus(-2 * u))
