"""A description of observations or actions that can be kept in a file: their space, and the fields in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise.environments.bipartite import Bipartite, sizes_of
from edgewise.environments.elements import as_arrays, batch_shape, faults
from edgewise.environments.fields import (
    Field,
    compact,
    fields_of,
    plain_field,
    plain_numbers,
    read_field,
    read_numbers,
    vector,
)
from edgewise.environments.spaces import Box, Choices, Dict, Discrete, Entities, Flags, Space, structured


@dataclass(frozen=True)
class Description:
    """What an observation or an action is made of.

    Attributes:
        space: the space that is described.
        fields: named numbers: in a vector one after another, in a structure by their path.
    """

    space: Space
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        space = self.space
        size = sum(field.size for field in self.fields)
        if isinstance(space, Box) and size != space.low.size:
            raise ValueError(f"fields have {size} components together: must be the {space.low.size} of the space")

    @staticmethod
    def of(space: Space, name: str, fields: tuple[Field, ...] = ()) -> Description:
        """A space with the given fields; without any, with those that follow from the space itself."""
        return Description(space, fields or fields_of(space, name))

    @staticmethod
    def of_size(size: int, name: str) -> Description:
        """Vectors of which nothing but the size is known."""
        return Description.of(vector((Field(name, "1", -np.inf, np.inf, (size,)),)), name)

    def other_sizes(self, value: Any) -> tuple[int, int] | None:
        """Rows and columns of a value, if this describes two sets and their pairs of other sizes; None otherwise."""
        if not isinstance(self.space, Bipartite):
            return None
        try:
            sizes = sizes_of(self.space, value)
        except ValueError:
            return None
        return None if sizes == self.space.sizes or 0 in sizes else sizes

    def resized(self, rows: int, columns: int) -> Description:
        """The description of an observation of two sets and their pairs, for other sizes."""
        assert isinstance(self.space, Bipartite)
        return Description.of(self.space.resized(rows, columns), "observation")

    def faults(self, value: Any) -> list[str]:
        """Why a value is not of this structure, shape and finite, naming the fields; bounds do not count.

        Nothing if it is. Leading batch axes are allowed.
        """
        found = faults(self.space, value, bounds=False)
        if not found or structured(self.space):
            return found
        return self._vector_faults(value) or found

    def _vector_faults(self, value: Any) -> list[str]:
        """The same of a vector, in terms of its fields."""
        assert not isinstance(self.space, Dict | Entities)
        if isinstance(value, Mapping):
            return []
        array = np.asarray(value)
        if self.space.shape and (array.ndim == 0 or array.shape[-1] != self.space.shape[-1]):
            return [f"has shape {array.shape}: must end in {self.space.shape[-1]}: {self.layout()}"]
        if len(self.space.shape) != 1 or not np.issubdtype(array.dtype, np.number):
            return []
        place = int(np.argwhere(~np.isfinite(array))[0][-1])
        for field in self.fields:
            if place < field.size:
                index = list(map(int, np.unravel_index(place, field.shape))) if field.shape else ""
                return [f"{field.name}{index} is not finite: all must be"]
            place -= field.size
        return []

    def layout(self) -> str:
        """The fields in one line."""
        return ", ".join(f"{field.name} {list(field.shape)}" for field in self.fields)

    def batch(self, value: Any) -> tuple[int, ...]:
        """The batch axes of a value of which `faults` found nothing."""
        return batch_shape(self.space, value)

    def array(self, value: Any) -> Any:
        """A value in arrays: float32 for a box, int32 for choices, truth values for flags."""
        return as_arrays(self.space, value)


def plain_description(description: Description) -> dict[str, Any]:
    """Plain values for JSON; `read_description` reads them."""
    return {"space": plain_space(description.space), "fields": [plain_field(f) for f in description.fields]}


def read_description(values: Mapping[str, Any]) -> Description:
    """The description that `plain_description` wrote."""
    return Description(read_space(values["space"]), tuple(read_field(each) for each in values["fields"]))


def plain_space(space: Space) -> dict[str, Any]:
    """Plain values for JSON; `read_space` reads them. A bound that is the same in all components is written once."""
    match space:
        case Box():
            low, high = (plain_numbers(compact(bound)) for bound in (space.low, space.high))
            return {"kind": space.kind, "unit": space.unit, "shape": list(space.shape), "low": low, "high": high}
        case Discrete():
            return {"kind": space.kind, "n": space.n}
        case Flags():
            return {"kind": space.kind, "shape": list(space.shape)}
        case Choices():
            return {"kind": space.kind, "shape": list(space.shape), "n": space.n}
    plain = {"kind": space.kind, "fields": {name: plain_space(part) for name, part in space.fields.items()}}
    if isinstance(space, Bipartite):
        return plain | {"rows": space.rows, "columns": space.columns}
    return plain | ({"most": space.most} if isinstance(space, Entities) else {})


def read_space(values: Mapping[str, Any]) -> Space:
    """The space that `plain_space` wrote.

    Raises:
        ValueError: for an unknown kind.
    """
    match values["kind"]:
        case "box":
            shape = tuple(values["shape"])
            bounds = read_numbers(values["low"], -np.inf), read_numbers(values["high"], np.inf)
            low, high = (np.asarray(each, np.float32) for each in bounds)
            low, high = (each.reshape(shape) if each.ndim else np.full(shape, each) for each in (low, high))
            return Box(low, high, values["unit"])
        case "discrete":
            return Discrete(values["n"])
        case "flags":
            return Flags(tuple(values["shape"]))
        case "choices":
            return Choices(tuple(values["shape"]), values["n"])
        case "dict":
            return Dict(_read_fields(values))
        case "entities":
            return Entities(_read_fields(values), values["most"])
        case "bipartite":
            return Bipartite(_read_fields(values), values["rows"], values["columns"])
    raise ValueError(f"kind = {values['kind']!r}: must be box, discrete, choices, flags, dict, entities or bipartite")


def _read_fields(values: Mapping[str, Any]) -> dict[str, Space]:
    return {name: read_space(part) for name, part in values["fields"].items()}
