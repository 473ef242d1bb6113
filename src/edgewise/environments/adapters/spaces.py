"""Spaces in the terms of other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from edgewise.common.errors import ConfigurationError
from edgewise.environments.spaces import Box, Discrete, Space


def to_gymnasium(space: Space) -> spaces.Space[Any]:
    """The Gymnasium space with the same elements: float32 boxes, int64 integers from 0."""
    if isinstance(space, Discrete):
        return spaces.Discrete(space.n)
    return spaces.Box(space.low, space.high, dtype=np.float32)


def to_array(space: Space, value: Any) -> np.ndarray:
    """An element of the space as the array that an environment takes: float32 for a box, int32 for integers.

    Any number of leading batch axes may precede the axes of the space.

    Raises:
        ConfigurationError: if the last axes are not those of the space.
    """
    array = np.asarray(value, dtype=np.int32 if isinstance(space, Discrete) else np.float32)
    size = len(space.shape)
    if array.ndim < size or array.shape[array.ndim - size :] != space.shape:
        raise ConfigurationError("shape", array.shape, f"that of the space, {space.shape}")
    return array


def from_bounds(field: str, space: Any) -> Space:
    """The space described by an object with `n`, or with `low`, `high` and `shape`, such as gymnax's.

    Args:
        field: name shown in the error.
        space: to translate.

    Raises:
        ConfigurationError: if it is neither, such as a dictionary of spaces.
    """
    if hasattr(space, "n"):
        return Discrete(int(space.n))
    if not (hasattr(space, "low") and hasattr(space, "high")):
        raise ConfigurationError(field, space, "a box or a discrete space")
    low, high = (np.broadcast_to(np.asarray(b, np.float32), space.shape).copy() for b in (space.low, space.high))
    return Box(low, high)
