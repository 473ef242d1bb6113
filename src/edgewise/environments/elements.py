"""Elements of spaces: arrays of the right types, what keeps a value from being an element, and batches of elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from edgewise.environments.spaces import (
    NO_UNIT,
    Box,
    Choices,
    Dict,
    Discrete,
    Entities,
    Flags,
    Space,
    parts,
    structured,
)


def as_arrays(space: Space, value: Any) -> Any:
    """A value in the arrays that an environment takes: float32 for a box, int32 for choices, truth values for flags."""
    if isinstance(space, Dict | Entities):
        return {name: as_arrays(part, value[name]) for name, part in parts(space).items()}
    kinds: dict[str, Any] = {Discrete.kind: np.int32, Choices.kind: np.int32, Flags.kind: np.bool_}
    return np.asarray(value, dtype=kinds.get(space.kind, np.float32))


def clipped(space: Space, value: Any) -> Any:
    """A value whose components outside of a box are its nearest bounds, in the boxes of a structure too; JAX arrays."""
    if isinstance(space, Dict | Entities):
        return {name: clipped(part, value[name]) for name, part in parts(space).items()}
    if isinstance(space, Box):
        return jnp.clip(value, jnp.asarray(space.low), jnp.asarray(space.high))
    return value


def faults(space: Space, value: Any, *, bounds: bool = True, path: str = "") -> list[str]:
    """What keeps a value from being an element of a space, one line for each field; nothing if it is one.

    Args:
        space: a space.
        value: an array, or dictionaries of arrays; any number of leading axes may precede those of the space, the same
            for all arrays.
        bounds: whether to look at bounds too; structure, shapes and finiteness count in any case.
        path: the path of the field, as "vehicles/position"; empty for the whole, which a line then calls by no name.
    """
    return [*_faults(space, value, bounds, path), *_batch_faults(space, value, path)]


def batch_shape(space: Space, value: Any) -> tuple[int, ...]:
    """The leading axes of an element, of which `faults` found nothing, before those of the space."""
    while structured(space):
        name, space = next(iter(parts(space).items()))
        value = value[name]
    assert isinstance(space, Box | Discrete | Choices | Flags)
    shape = np.shape(value)
    return shape[: len(shape) - len(space.shape)]


def _faults(space: Space, value: Any, bounds: bool, path: str) -> list[str]:
    if isinstance(space, Dict | Entities):
        if not isinstance(value, Mapping):
            return [_told(path, f"is no dictionary: must hold {', '.join(parts(space))}")]
        found = [f"{_join(path, name)} is missing" for name in parts(space) if name not in value]
        found += [
            f"{_join(path, str(name))} is unknown: must be one of {', '.join(parts(space))}"
            for name in value
            if name not in parts(space)
        ]
        for name, part in parts(space).items():
            if name in value:
                found += _faults(part, value[name], bounds, _join(path, name))
        return found
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":  # NumPy's letters of truth values, integers and real numbers
            array = array.astype(float)
    except (TypeError, ValueError):
        return [_told(path, "is no array of numbers")]
    size = len(space.shape)
    if array.ndim < size or array.shape[array.ndim - size :] != space.shape:
        return [_told(path, f"has shape {array.shape}: must end in {space.shape}")]
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return [_told(path, "holds a value that is not finite: all must be")]
    return _outside(space, array.astype(float), path) if bounds else []


def _outside(space: Box | Discrete | Choices | Flags, array: np.ndarray, path: str) -> list[str]:
    if isinstance(space, Box):
        wrong = (array.astype(np.float32) < space.low) | (array.astype(np.float32) > space.high)
        if not wrong.any():
            return []
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        inside = place[len(place) - len(space.shape) :]
        limits = f"[{space.low[inside]:g}, {space.high[inside]:g}]"
        unit = "" if space.unit == NO_UNIT else f" {space.unit}"
        return [f"{path}{list(place) if place else ''} = {array[place]:g}: must be in {limits}{unit}"]
    allowed = (
        np.isin(array, (0, 1)) if isinstance(space, Flags) else (array % 1 == 0) & (array >= 0) & (array < space.n)
    )
    if allowed.all():
        return []
    words = "true or false" if isinstance(space, Flags) else f"an integer in [0, {space.n - 1}]"
    return [f"{path} = {array[~allowed].flat[0]:g}: must be {words}"]


def _batch_faults(space: Space, value: Any, path: str) -> list[str]:
    if not structured(space):
        return []
    found: dict[tuple[int, ...], str] = {}

    def look(space: Space, value: Any, path: str) -> None:
        if isinstance(space, Dict | Entities):
            for name, part in parts(space).items():
                if isinstance(value, Mapping) and name in value:
                    look(part, value[name], _join(path, name))
        elif np.ndim(value) >= len(space.shape):
            found.setdefault(np.shape(value)[: np.ndim(value) - len(space.shape)], path)

    look(space, value, path)
    if len(found) < 2:
        return []
    (first, one), (second, other), *_ = found.items()
    return [f"{other} has the leading axes {second}, {one} has {first}: must be the same"]


def _told(path: str, what: str) -> str:
    return f"{path} {what}" if path else what


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def differences(space: Space, other: Space, path: str = "", *, units: bool = False) -> list[str]:
    """How another space's elements differ from those of a space in structure and shape, one line for each field.

    Args:
        space: as it must be.
        other: as it is.
        path: the path of the field, as "vehicles/position"; empty for the whole.
        units: whether units count too; bounds never do.
    """
    if space.kind != other.kind:
        return [f"{path or 'it'} is {_kind_words(other)}: must be {_kind_words(space)}"]
    if isinstance(space, Dict | Entities):
        mine, theirs = parts(space), parts(other)
        found = [f"{_join(path, name)} is missing" for name in mine if name not in theirs]
        found += [
            f"{_join(path, name)} is unknown: must be one of {', '.join(mine)}" for name in theirs if name not in mine
        ]
        both = [name for name in mine if name in theirs]
        return found + [
            each for name in both for each in differences(mine[name], theirs[name], _join(path, name), units=units)
        ]
    assert not isinstance(other, Dict | Entities)
    if space.shape != other.shape:
        return [_told(path, f"has shape {other.shape}: must be {space.shape}")]
    if units and isinstance(space, Box) and isinstance(other, Box) and space.unit != other.unit:
        return [_told(path, f"is in {other.unit}: must be in {space.unit}")]
    choices, given = getattr(space, "n", None), getattr(other, "n", None)
    return [_told(path, f"is a choice among {given}: must be among {choices}")] if choices != given else []


def _kind_words(space: Space) -> str:
    return f"a structure of kind {space.kind}" if structured(space) else str(space)
