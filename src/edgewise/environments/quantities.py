"""Numbers of entities in observations: their units and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array

from edgewise.environments.spaces import Box, Entities, Flags, Space

MOST = 20.0
"""Largest size of a number, unless another is told: observations are made such that usual ones are about 1."""


@dataclass(frozen=True)
class Quantity:
    """A number of an entity. If `unit` is None it is a flag."""

    unit: str | None
    low: float = 0.0
    high: float = MOST

    def space(self, shape: tuple[int, ...]) -> Space:
        """The space of one such number for each place of a shape."""
        return Flags(shape) if self.unit is None else Box.of(self.low, self.high, self.unit, shape)

    def bounded(self, numbers: Array) -> Array:
        """Numbers within the bounds."""
        return numbers if self.unit is None else jnp.clip(numbers, self.low, self.high)


def entities(fields: Mapping[str, Quantity], most: int, shape: tuple[int, ...] = ()) -> Entities:
    """The space of a set of entities.

    Args:
        fields: what is told of each.
        most: how many there can be.
        shape: of what is told by each field; of pairs, the columns.
    """
    return Entities({name: quantity.space(shape) for name, quantity in fields.items()}, most)


def bounded(fields: Mapping[str, Quantity], numbers: Mapping[str, Array]) -> dict[str, Array]:
    """The numbers of entities within their bounds, in the order of the fields."""
    return {name: quantity.bounded(numbers[name]) for name, quantity in fields.items()}
