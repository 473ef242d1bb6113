"""Spaces in the terms of other libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from edgewise.common.errors import ConfigurationError
from edgewise.environments.spaces import Box, Choices, Dict, Discrete, Entities, Flags, Space, parts


def to_gymnasium(space: Space) -> spaces.Space[Any]:
    """The Gymnasium space with the same elements: float32 boxes, int64 integers from 0, int8 flags, `Dict` for structures.

    A set of entities becomes a `Dict` of arrays of `most` rows, with the flags "mask"; see `Entities.expanded`.
    """
    match space:
        case Box():
            return spaces.Box(space.low, space.high, dtype=np.float32)
        case Discrete():
            return spaces.Discrete(space.n)
        case Choices():
            return spaces.MultiDiscrete(np.full(space.shape, space.n))
        case Flags():
            return spaces.MultiBinary(space.shape)
    return spaces.Dict({name: to_gymnasium(part) for name, part in parts(space).items()})


def to_numpy(space: spaces.Space[Any], value: Any) -> Any:
    """An element, or a batch of elements, in NumPy arrays of the types of a Gymnasium space."""
    if isinstance(space, spaces.Dict):
        return {name: to_numpy(part, value[name]) for name, part in space.items()}
    if isinstance(space, spaces.Discrete):
        return np.int64(value)
    return np.array(value, dtype=space.dtype)


def to_array(space: Space, value: Any, field: str = "action", batch: tuple[int, ...] | None = ()) -> Any:
    """An action as the array that an environment takes: float32 within the bounds of a box, int32 for integers.

    Numbers outside of a box count as the nearest ones inside. Flags become truth values, structures dictionaries of arrays.

    Args:
        space: the space of one action.
        value: the action, or a batch of them.
        field: what an error calls it.
        batch: axes that precede those of the space; if None, any. An array of one integer is that integer where the batch has
            no axes.

    Raises:
        ConfigurationError: for another shape, a number that is not finite, or a choice that does not exist.
    """
    if isinstance(space, Dict | Entities):
        if not isinstance(value, Mapping) or set(value) != set(parts(space)):
            given = sorted(map(str, value)) if isinstance(value, Mapping) else value
            raise ConfigurationError(field, given, f"a dictionary of {', '.join(parts(space))}")
        return {name: to_array(part, value[name], f"{field}/{name}", batch) for name, part in parts(space).items()}
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.asarray(None)
    integers = isinstance(space, Discrete | Choices)
    kinds = "biu" if integers else "biuf"  # NumPy's letters of logical values, integers and real numbers
    allowed = (
        f"an integer in [0, {space.n - 1}]" if isinstance(space, Discrete | Choices) else "numbers that are finite"
    )
    if array.dtype.kind not in kinds:
        raise ConfigurationError(field, array.item() if array.ndim == 0 else f"an array of {array.dtype}", allowed)
    if batch == () and isinstance(space, Discrete) and array.size == 1:
        array = array.reshape(())
    size = len(space.shape)
    if array.shape[array.ndim - size :] != space.shape or batch not in (None, array.shape[: array.ndim - size]):
        shape = space.shape if batch is None else (*batch, *space.shape)
        raise ConfigurationError(f"{field}: shape", array.shape, f"that of the space, {shape}")
    wrong = (array < 0) | (array >= space.n) if isinstance(space, Discrete | Choices) else ~np.isfinite(array)
    if wrong.any():
        place = np.argwhere(wrong)[0]
        where = f"{field}[{', '.join(map(str, place))}]" if len(place) else field
        raise ConfigurationError(where, array[tuple(place)].item(), allowed)
    if isinstance(space, Discrete | Choices):
        return array.astype(np.int32)
    if isinstance(space, Flags):
        return array.astype(np.bool_)
    return np.clip(array, space.low, space.high).astype(np.float32)


def from_bounds(field: str, space: Any) -> Space:
    """The space described by an object with `n`, with `low`, `high` and `shape`, or with `spaces` by name, such as gymnax's.

    Args:
        field: name shown in the error.
        space: to translate.

    Raises:
        ConfigurationError: if it is not one of them, such as a tuple of spaces.
    """
    named = getattr(space, "spaces", None)
    if isinstance(named, Mapping):
        return Dict({str(name): from_bounds(f"{field}/{name}", part) for name, part in named.items()})
    if hasattr(space, "n"):
        return Discrete(int(space.n))
    if not (hasattr(space, "low") and hasattr(space, "high")):
        raise ConfigurationError(field, space, "a box, a discrete space or a dictionary of them")
    low, high = (np.broadcast_to(np.asarray(b, np.float32), space.shape).copy() for b in (space.low, space.high))
    return Box(low, high)
