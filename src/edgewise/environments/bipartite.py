"""Observations of two sets of entities and of all pairs of one of each, such as vehicles and the units that may serve them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgewise.environments.spaces import BIPARTITE, MASK, Choices, Dict, Entities, Flags, Space, parts

PAIRS = "pairs"
"""Name of the set that holds what belongs to a row and a column together."""


@dataclass(frozen=True)
class Bipartite(Dict):
    """A `Dict` of two sets of entities and of their pairs; numbers of rows and columns may differ between instances.

    Its field "pairs" is a set with as many rows as the first set, and its parts have an axis of the columns in front: the
    array of a part is [rows, columns, ...]. Its mask is that of the rows; the pairs of a column that is not there are
    padding too. Further fields are the same whatever the sizes.

    Attributes:
        fields: by name.
        rows: name of the set whose entities each choose, or are given, one of the columns.
        columns: name of the other set.
    """

    rows: str
    columns: str
    kind: ClassVar[str] = BIPARTITE

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (self.rows, self.columns, PAIRS):
            if not isinstance(self.fields.get(name), Entities):
                raise ValueError(f"Bipartite: {name!r}: must be the name of a field that is a set of entities")
        if len({self.rows, self.columns, PAIRS}) < 3:
            raise ValueError(f"Bipartite: rows {self.rows!r}, columns {self.columns!r} and {PAIRS!r}: must differ")
        rows, columns = self.sizes
        pairs = self.of_entities(PAIRS)
        if pairs.most != rows:
            raise ValueError(f"Bipartite: {PAIRS!r} has {pairs.most} rows: must have the {rows} of {self.rows!r}")
        for path, shape in _shapes(Dict(pairs.fields), PAIRS):
            if shape[:1] != (columns,):
                raise ValueError(
                    f"Bipartite: {path} has shape {shape}: must begin with the {columns} of {self.columns!r}"
                )

    def __hash__(self) -> int:
        return hash((super().__hash__(), self.rows, self.columns))

    @property
    def sizes(self) -> tuple[int, int]:
        """Most rows and most columns."""
        return self.of_entities(self.rows).most, self.of_entities(self.columns).most

    def of_entities(self, name: str) -> Entities:
        """The set of that name: `rows`, `columns` or "pairs"."""
        entities = self.fields[name]
        assert isinstance(entities, Entities)
        return entities


def sizes_of(space: Bipartite, observation: Mapping[str, Any]) -> tuple[int, int]:
    """Rows and columns of an observation, or of a batch of them, by the shapes of its masks; they may differ from the space's."""
    rows, columns = (np.shape(observation[name][MASK])[-1] for name in (space.rows, space.columns))
    return rows, columns


def matching_fields(action: Space) -> tuple[str, str | None]:
    """Names of the field of an action that chooses a column for every row, and of the flags of the columns, if any.

    Raises:
        ValueError: if the action is no `Dict` with exactly one `Choices` and at most one `Flags`.
    """
    fields = parts(action)
    choices = [name for name, part in fields.items() if isinstance(part, Choices)]
    flags = [name for name, part in fields.items() if isinstance(part, Flags)]
    if len(choices) != 1 or len(flags) > 1:
        raise ValueError(
            f"action_space: has the fields {', '.join(fields)}: must have one Choices and at most one Flags"
        )
    return choices[0], flags[0] if flags else None


def _shapes(space: Space, path: str) -> list[tuple[str, tuple[int, ...]]]:
    """Path and shape of every array of an element."""
    if isinstance(space, Dict | Entities):
        return [each for name, part in parts(space).items() for each in _shapes(part, f"{path}/{name}")]
    return [(path, space.shape)]
