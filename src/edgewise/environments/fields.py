"""What the numbers of an observation or an action mean: named fields with units and bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np

from edgewise.common.errors import ConfigurationError
from edgewise.environments.spaces import NO_UNIT, Box, Choices, Dict, Discrete, Entities, Space, parts

Numbers: TypeAlias = float | tuple[float, ...]
"""One number for all components of a field, or one for each, row by row."""


@dataclass(frozen=True)
class Field:
    """Some numbers of an observation or an action that belong together.

    A quantity q in `unit` stands in the vector as the value x with q = offset + scale x.

    Attributes:
        name: the name of the field.
        unit: the unit of the quantity, as "m"; "1" without one.
        low, high: bounds of the value x, as it stands in the vector.
        shape: the shape of the field, row by row in the vector; () for one number.
        scale, offset: from the value to the quantity.
        meaning: one line.
    """

    name: str
    unit: str
    low: Numbers
    high: Numbers
    shape: tuple[int, ...] = ()
    scale: Numbers = 1.0
    offset: Numbers = 0.0
    meaning: str = ""

    @property
    def size(self) -> int:
        """How many numbers of the vector the field has."""
        return int(np.prod(self.shape))

    def quantity(self, values: Any) -> np.ndarray:
        """The quantity of values [*batch, *shape] of the vector."""
        return np.asarray(self._array(self.offset) + self._array(self.scale) * np.asarray(values, dtype=float))

    def value(self, quantities: Any) -> np.ndarray:
        """The values of a quantity [*batch, *shape], as they stand in the vector."""
        return np.asarray((np.asarray(quantities, dtype=float) - self._array(self.offset)) / self._array(self.scale))

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value of every component."""
        low, high = self._array(self.low), self._array(self.high)
        return low.ravel().astype(np.float32), high.ravel().astype(np.float32)

    def _array(self, numbers: Numbers) -> np.ndarray:
        given = np.asarray(numbers, dtype=float)
        return given.reshape(self.shape) if given.ndim else np.full(self.shape, given)


def vector(fields: Sequence[Field]) -> Box:
    """The space of vectors that hold the fields one after another."""
    low, high = (np.concatenate([field.bounds()[end] for field in fields]) for end in (0, 1))
    return Box(low, high)


def split(fields: Sequence[Field], values: Any) -> dict[str, np.ndarray]:
    """The quantities in a vector [*batch, n] of the fields, by name."""
    values = np.asarray(values)
    ends = np.cumsum([field.size for field in fields])[:-1]
    pieces = np.split(values, ends, axis=-1)
    return {
        field.name: field.quantity(piece.reshape((*values.shape[:-1], *field.shape)))
        for field, piece in zip(fields, pieces, strict=True)
    }


def join(fields: Sequence[Field], quantities: Mapping[str, Any]) -> np.ndarray:
    """The vector [*batch, n] of quantities by name: the inverse of `split`.

    Raises:
        ConfigurationError: for a field that is missing, unknown or of another shape.
    """
    names = [field.name for field in fields]
    for name in quantities:
        if name not in names:
            raise ConfigurationError("field", name, f"one of {', '.join(names)}")
    pieces = []
    for field in fields:
        if field.name not in quantities:
            raise ConfigurationError("fields", sorted(quantities), f"complete: {field.name} is missing")
        given = np.asarray(quantities[field.name], dtype=float)
        batch = given.shape[: given.ndim - len(field.shape)]
        if given.shape != (*batch, *field.shape):
            raise ConfigurationError(field.name, given.shape, f"of a shape that ends in {field.shape}")
        pieces.append(field.value(given).reshape(*batch, field.size))
    return np.concatenate(pieces, axis=-1).astype(np.float32)


def fields_of(space: Space, name: str) -> tuple[Field, ...]:
    """The fields of a space as far as the space tells: each array of a structure, or all components of an array together.

    Args:
        space: the space of an observation or an action.
        name: the name of the whole; a field of a structure is named by its path, as "vehicles/position".
    """
    if isinstance(space, Dict | Entities):
        return tuple(
            field
            for part_name, part in parts(space).items()
            for field in fields_of(part, part_name if name in ("observation", "action") else f"{name}/{part_name}")
        )
    if isinstance(space, Box):
        return (Field(name, space.unit, compact(space.low), compact(space.high), space.shape),)
    if isinstance(space, Discrete):
        return (Field(name, NO_UNIT, 0.0, float(space.n - 1), meaning=f"a choice among {space.n}, counted from 0"),)
    if isinstance(space, Choices):
        return (
            Field(
                name, NO_UNIT, 0.0, float(space.n - 1), space.shape, meaning=f"choices among {space.n}, counted from 0"
            ),
        )
    return (Field(name, NO_UNIT, 0.0, 1.0, space.shape, meaning="1 if so, else 0"),)


def compact(array: np.ndarray) -> Numbers:
    """One number if all are the same, else one for each."""
    flat = array.ravel().astype(float)
    if flat.size and (flat == flat[0]).all():
        return float(flat[0])
    return tuple(flat.tolist())


def plain_field(field: Field) -> dict[str, Any]:
    """Plain values for JSON; an infinite bound becomes null."""
    plain = asdict(field)
    return {**plain, "shape": list(field.shape), "low": plain_numbers(field.low), "high": plain_numbers(field.high)}


def read_field(values: Mapping[str, Any]) -> Field:
    """The field that `plain_field` wrote."""
    low, high = read_numbers(values["low"], -np.inf), read_numbers(values["high"], np.inf)
    scale, offset = (read_numbers(values[name], np.nan) for name in ("scale", "offset"))
    shape = tuple(values["shape"])
    return Field(values["name"], values["unit"], low, high, shape, scale, offset, values["meaning"])


def plain_numbers(numbers: Numbers) -> Any:
    """Numbers for JSON, which knows no infinity: infinite ones become null."""
    if isinstance(numbers, tuple):
        return [plain_numbers(number) for number in numbers]
    return numbers if np.isfinite(numbers) else None


def read_numbers(values: Any, missing: float) -> Numbers:
    """The numbers that `plain_numbers` wrote; null becomes `missing`."""
    if isinstance(values, list):
        return tuple(missing if value is None else float(value) for value in values)
    return missing if values is None else float(values)
