"""Scaling of observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

LARGEST_BOUND = 1e6
"""A bound beyond this says nothing about the values to expect."""


@dataclass(frozen=True)
class Scaling:
    """(x - centre) gain, component by component.

    Attributes:
        centre: subtracted; row by row where an element is no vector.
        gain: multiplied with the rest.
        shape: the shape of an element; None for a vector.
    """

    centre: tuple[float, ...]
    gain: tuple[float, ...]
    shape: tuple[int, ...] | None = None

    def __call__(self, x: Float[Array, "*batch_and_shape"]) -> Float[Array, "*batch_and_shape"]:
        """Scale an array, or a batch of arrays."""
        return (x - self._constant(self.centre, x)) * self._constant(self.gain, x)

    def _constant(self, numbers: tuple[float, ...], x: Array) -> Array:
        constant = jnp.asarray(numbers, x.dtype)
        return constant if self.shape is None else constant.reshape(self.shape)

    @staticmethod
    def of_box(low: Float[np.ndarray, "*shape"], high: Float[np.ndarray, "*shape"], span: float) -> Scaling:
        """Map each component from its bounds to [-span, span]; one without useful bounds stays as it is."""
        shape = None if low.ndim == 1 else low.shape
        low, high = low.ravel(), high.ravel()
        known = (np.abs(low) < LARGEST_BOUND) & (np.abs(high) < LARGEST_BOUND) & (high > low)
        width = np.where(known, high - low, 2.0 * span)
        middle = np.where(known, (np.where(known, low, 0.0) + np.where(known, high, 0.0)) / 2, 0.0)
        return Scaling(tuple(middle.astype(float).tolist()), tuple((2.0 * span / width).astype(float).tolist()), shape)


@dataclass(frozen=True)
class FieldScaling:
    """Scaling of the fields of a dictionary, each by its own.

    Attributes:
        fields: name and scaling of those that are scaled; others stay as they are.
    """

    fields: tuple[tuple[str, AnyScaling], ...]

    def __call__(self, x: Mapping[str, Any]) -> dict[str, Any]:
        """Scale a dictionary of arrays."""
        return {**x, **{name: scaling(x[name]) for name, scaling in self.fields}}


AnyScaling: TypeAlias = Scaling | FieldScaling


def plain_scaling(scaling: AnyScaling) -> Any:
    """Plain values for JSON; `read_scaling` reads them."""
    if isinstance(scaling, FieldScaling):
        return {name: plain_scaling(each) for name, each in scaling.fields}
    numbers: list[Sequence[float]] = [list(scaling.centre), list(scaling.gain)]
    return numbers if scaling.shape is None else [*numbers, list(scaling.shape)]


def read_scaling(values: Any) -> AnyScaling:
    """The scaling that `plain_scaling` wrote."""
    if isinstance(values, Mapping):
        return FieldScaling(tuple((name, read_scaling(each)) for name, each in values.items()))
    centre, gain, *shape = values
    return Scaling(tuple(centre), tuple(gain), tuple(shape[0]) if shape else None)
