"""Placeholder until the filter lands."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from edgewise.systems.agent_migration.parameters import Parameters


def begin(p: Parameters, rsus: int) -> Float[Array, "s h"]:
    """Nothing is known."""
    return jnp.full((rsus, 4), 0.25)


def update(
    p: Parameters, belief: Float[Array, "s h"], evidence: Float[Array, " s"], defence: Bool[Array, " s"]
) -> Float[Array, "s h"]:
    """Nothing is learned."""
    return belief
