"""What is not finite in a run that broke, in words."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np


def not_finite(loop: Any) -> str | None:
    """What the environments gave that is not finite; None if all that is still kept is.

    Args:
        loop: state of a loop, with a leading axis of seeds.
    """
    for field in ("observation", "observations"):
        found = _first(getattr(loop, field, ()))
        if found is not None:
            name, seed, copy = found
            return f"the observation{name} of copy {copy} for seed {seed}"
    experience = getattr(getattr(loop, "replay", None), "experience", None)
    for field in ("reward", "observation", "next_observation"):
        found = _first(getattr(experience, field, ()))
        if found is not None:
            return f"a stored {field.replace('_', ' ')}{found[0]} of seed {found[1]}"
    return None


def _first(tree: Any) -> tuple[str, int, int] | None:
    """Name, place along the first axis and along the second of an array that is not finite there."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        values = np.asarray(leaf)
        if values.ndim < 2 or not np.issubdtype(values.dtype, np.floating):
            continue
        broken = np.argwhere(~np.isfinite(values))
        if len(broken):
            return jax.tree_util.keystr(path), int(broken[0][0]), int(broken[0][1])
    return None
