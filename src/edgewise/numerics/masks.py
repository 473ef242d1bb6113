"""Action masks that are part of an observation."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Array, Bool, PyTree

ACTION_MASK = "action_mask"
"""Field of a structured observation that holds the flags."""
FORBIDDEN_LOGIT = -1e9
"""Logit of a forbidden action: its probability is zero, and no difference of logits overflows."""


def allowed_actions(observation: PyTree[Array], actions: int) -> Bool[Array, "*batch a"]:
    """The action mask of an observation; where it allows nothing, everything.

    Args:
        observation: a vector [*batch, o] whose last components, or a dictionary whose field "action_mask" [*batch, a], are
            positive or true for an allowed action.
        actions: number of actions.
    """
    flags = observation[ACTION_MASK] if isinstance(observation, Mapping) else observation[..., -actions:]
    flags = flags > 0
    return flags | ~flags.any(axis=-1, keepdims=True)
