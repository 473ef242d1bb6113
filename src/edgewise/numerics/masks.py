"""Action masks that are part of an observation."""

from __future__ import annotations

from jaxtyping import Array, Bool, Float

FORBIDDEN_LOGIT = -1e9
"""Logit of a forbidden action: its probability is zero, and no difference of logits overflows."""


def allowed_actions(observation: Float[Array, "*batch o"], actions: int) -> Bool[Array, "*batch a"]:
    """The action mask that an observation ends with; where it allows nothing, everything.

    Args:
        observation: its last components are positive for an allowed action, else not.
        actions: how many.
    """
    flags = observation[..., -actions:] > 0
    return flags | ~flags.any(axis=-1, keepdims=True)
