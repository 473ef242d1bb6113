"""Spaces in gymnax's terms; needs the extra `gymnax`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from edgewise.common.extras import missing
from edgewise.environments.spaces import Box, Choices, Dict, Discrete, Entities, Flags, Space, parts

try:
    from gymnax.environments import spaces as gymnax_spaces
except ImportError as error:
    raise missing("gymnax", "gymnax", error) from error


class Integers(gymnax_spaces.Space):  # type: ignore[misc]
    """Arrays of choices or of flags, which gymnax's own box would draw as rounded real numbers.

    Args:
        space: choices or flags.
    """

    def __init__(self, space: Choices | Flags) -> None:
        self.space = space
        self.shape = space.shape
        self.n = space.n if isinstance(space, Choices) else 2
        self.dtype = jnp.int32 if isinstance(space, Choices) else jnp.bool_

    def sample(self, key: PRNGKeyArray) -> Array:
        """Draw uniformly."""
        return self.space.sample(key)

    def contains(self, x: Array) -> Bool[Array, ""]:
        """Whether all are choices that exist."""
        x = jnp.asarray(x)
        return jnp.all((x >= 0) & (x < self.n))


class Fields(gymnax_spaces.Dict):  # type: ignore[misc]
    """Dictionaries of arrays; gymnax's own asks for attributes of those names."""

    def contains(self, x: Mapping[str, Any]) -> Bool[Array, ""]:
        """Whether every field lies in its space."""
        return jnp.all(jnp.stack([jnp.asarray(space.contains(x[name])) for name, space in self.spaces.items()]))


def to_gymnax_space(space: Space) -> Any:
    """The gymnax space with the same elements; structures are dictionaries, sets of entities arrays with the flags "mask"."""
    match space:
        case Box():
            return gymnax_spaces.Box(jnp.asarray(space.low), jnp.asarray(space.high), space.shape, jnp.float32)
        case Discrete():
            return gymnax_spaces.Discrete(space.n)
        case Choices() | Flags():
            return Integers(space)
    return Fields({name: to_gymnax_space(part) for name, part in parts(space).items()})


def typed(space: Space, value: Any) -> Any:
    """An element that gymnax gave, in the types of its space."""
    if isinstance(space, Dict | Entities):
        return {name: typed(part, value[name]) for name, part in parts(space).items()}
    kinds: dict[str, Any] = {Discrete.kind: int, Choices.kind: int, Flags.kind: bool}
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=kinds.get(space.kind, float)), value)
