"""A choice between two PyTrees, sample by sample."""

from __future__ import annotations

from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

Tree = TypeVar("Tree")


def select(condition: Bool[Array, "*batch"], chosen: Tree, otherwise: Tree) -> Tree:
    """`chosen` where the condition holds, `otherwise` elsewhere.

    Args:
        condition: one flag for each sample.
        chosen, otherwise: PyTrees of one structure; every array of `otherwise` begins with the batch axes.
    """

    def choose(one: Array, other: Array) -> Array:
        return jnp.where(condition.reshape(*condition.shape, *([1] * (other.ndim - condition.ndim))), one, other)

    selected: Tree = jax.tree.map(choose, chosen, otherwise)
    return selected
