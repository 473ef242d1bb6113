"""Scaling of observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

LARGEST_BOUND = 1e6
"""A bound beyond this says nothing about the values to expect."""


@dataclass(frozen=True)
class Scaling:
    """(x - centre) gain, component by component.

    Attributes:
        centre: subtracted.
        gain: multiplied with the rest.
    """

    centre: tuple[float, ...]
    gain: tuple[float, ...]

    def __call__(self, x: Float[Array, "*batch i"]) -> Float[Array, "*batch i"]:
        """Scale a vector, or a batch of vectors."""
        return (x - jnp.asarray(self.centre, x.dtype)) * jnp.asarray(self.gain, x.dtype)

    @staticmethod
    def of_box(low: Float[np.ndarray, " i"], high: Float[np.ndarray, " i"], span: float) -> Scaling:
        """Map each component from its bounds to [-span, span]; one without useful bounds stays as it is."""
        known = (np.abs(low) < LARGEST_BOUND) & (np.abs(high) < LARGEST_BOUND) & (high > low)
        width = np.where(known, high - low, 2.0 * span)
        middle = np.where(known, (np.where(known, low, 0.0) + np.where(known, high, 0.0)) / 2, 0.0)
        return Scaling(tuple(middle.astype(float).tolist()), tuple((2.0 * span / width).astype(float).tolist()))


def plain_scaling(scaling: Scaling) -> list[list[float]]:
    """For JSON; `read_scaling` reads it."""
    return [list(scaling.centre), list(scaling.gain)]


def read_scaling(values: Sequence[Sequence[float]]) -> Scaling:
    """The scaling that `plain_scaling` wrote."""
    centre, gain = values
    return Scaling(tuple(centre), tuple(gain))
