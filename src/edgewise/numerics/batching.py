"""What is the same for all members of a batch."""

from __future__ import annotations

import jax
from jaxtyping import Array, Bool


@jax.custom_batching.custom_vmap
def same_for_all(condition: Bool[Array, ""]) -> Bool[Array, ""]:
    """A condition of which the caller knows that it is the same for all members of a `vmap`.

    With it, `jax.lax.cond` stays a branch; with a condition that could differ, `vmap` carries out both sides.
    """
    return condition


@same_for_all.def_vmap
def _(size: int, batched: list[bool], condition: Bool[Array, "*batch"]) -> tuple[Bool[Array, ""], bool]:
    return condition.reshape(-1)[0], False
