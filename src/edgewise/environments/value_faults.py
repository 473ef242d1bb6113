"""What is wrong with spaces, elements, states and metrics: what the checkers of environments and of games share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from edgewise.environments.elements import batch_shape, faults
from edgewise.environments.spaces import Box, Choices, Dict, Discrete, Entities, Flags, Space, parts


def space_faults(name: str, space: Any) -> list[str]:
    """What is wrong with a space: another library's, or bounds that are not finite."""
    if not isinstance(space, Box | Discrete | Choices | Flags | Dict | Entities):
        return [f"{name} is a {type(space).__name__}: must be one of edgewise.environments.spaces"]
    if isinstance(space, Dict | Entities):
        return [fault for part, inner in parts(space).items() for fault in space_faults(f"{name}/{part}", inner)]
    if isinstance(space, Box) and not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
        return [f"{name} has a bound that is not finite: give finite ones; from 1e6 on they count as unknown"]
    return []


def element_faults(name: str, space: Space, value: Any, batch: tuple[int, ...] = ()) -> list[str]:
    """What keeps a value from being an element of a space, its types among it."""
    found = [f"{name}: {fault}" for fault in faults(space, value)]
    if found:
        return found
    if batch_shape(space, value) != batch:
        return [f"{name} has the leading axes {batch_shape(space, value)}: must have {batch}"]
    return list(_type_faults(name, space, value))


def number_faults(name: str, value: Any, kind: Any) -> list[str]:
    """What keeps a value from being one number, or an array over steps, of a type."""
    wanted = jnp.zeros((), kind).dtype
    if getattr(value, "dtype", None) != wanted:
        given = getattr(value, "dtype", type(value).__name__)
        return [f"{name} is {given}: must be {wanted.name}: make it with jnp.asarray(value, {kind.__name__})"]
    return []


def info_faults(info: Any, later: Any) -> list[str]:
    """What is wrong with metrics: they must be named scalars of the default float type, the same at every step."""
    if not isinstance(info, Mapping):
        return [f"info is a {type(info).__name__}: must be a dictionary of named scalars"]
    if info.keys() != later.keys():
        return [
            f"info has other names in later steps, {sorted(later)}: must have the same at every step, {sorted(info)}"
        ]
    found = []
    for name, value in info.items():
        found += number_faults(f"info[{name!r}]", value, float)
        if np.shape(value) != ():
            found.append(
                f"info[{name!r}] has shape {np.shape(value)}: must be a scalar: take its mean or sum, or split it"
            )
    return found


def not_finite(what: str, tree: Any) -> list[str]:
    """The arrays of a tree that hold a value that is not finite."""
    return [
        f"{what}{jax.tree_util.keystr(path)} holds a value that is not finite in an episode of random actions"
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
        if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) and not np.isfinite(np.asarray(leaf)).all()
    ]


def state_faults(before: Any, after: Any) -> list[str]:
    """Differences in structure, shape and type between a state and the one that follows: a scan could not carry it."""
    if not same_structure(before, after):
        return [
            "step returns a state of another structure than reset: must be the same fields, tuples and dictionaries"
        ]
    found = []
    for (path, first), (_, second) in zip(
        jax.tree_util.tree_leaves_with_path(before), jax.tree_util.tree_leaves_with_path(after), strict=True
    ):
        one, other = _described(first), _described(second)
        if one != other:
            found.append(
                f"state{jax.tree_util.keystr(path)} is {one} after reset and {other} after step: must be the same: "
                "cast both with jnp.asarray(value, dtype)"
            )
    return found


def same_structure(these: Any, those: Any) -> bool:
    """Whether two trees differ in their leaves alone."""
    one: Any = jax.tree.structure(these)
    return bool(one == jax.tree.structure(those))


def different(these: Any, those: Any, tolerance: float) -> bool:
    """Whether two trees differ in structure or beyond a tolerance."""
    if not same_structure(these, those):
        return True
    pairs = zip(jax.tree.leaves(these), jax.tree.leaves(those), strict=True)
    return not all(
        np.allclose(_plain(this), _plain(that), rtol=tolerance, atol=tolerance, equal_nan=True) for this, that in pairs
    )


def _type_faults(name: str, space: Space, value: Any) -> Iterator[str]:
    if isinstance(space, Dict | Entities):
        for part, inner in parts(space).items():
            yield from _type_faults(f"{name}: {part}", inner, value[part])
        return
    kinds: dict[str, Any] = {Discrete.kind: int, Choices.kind: int, Flags.kind: bool}
    yield from number_faults(name, value, kinds.get(space.kind, float))


def _described(leaf: Any) -> str:
    array = jnp.asarray(leaf)
    weak = "weakly typed " if array.weak_type else ""
    return f"{weak}{array.dtype}{list(array.shape)}"


def _plain(leaf: Any) -> np.ndarray:
    is_key = jnp.issubdtype(jnp.asarray(leaf).dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf, dtype=float)
