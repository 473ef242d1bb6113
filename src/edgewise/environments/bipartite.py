"""Observations of two sets of entities and of all pairs of one of each, such as vehicles and the units that may serve them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, PRNGKeyArray

from edgewise.environments.spaces import (
    BIPARTITE,
    MASK,
    Box,
    Choices,
    Dict,
    Entities,
    Flags,
    Space,
    matching,
    padded,
    padding,
    parts,
)

PAIRS = "pairs"
"""Name of the set that holds what belongs to a row and a column together."""
ADVICE = "advice"
"""Name of the part of the pairs that holds the logits which a rule of the system gives to choices; policies start from it."""
COLUMN = "column"
"""Name of the part of the pairs that tells their columns, where a row has pairs with some columns only."""


@dataclass(frozen=True)
class Bipartite(Dict):
    """A `Dict` of two sets of entities and of their pairs; numbers of rows and columns may differ between instances.

    Its field "pairs" is a set with as many rows as the first set, and its parts have an axis of the columns in front: the
    array of a part is [rows, columns, ...]. Its mask is that of the rows; the pairs of a column that is not there are
    padding too. There is at least one row and one column. Further fields are the same whatever the sizes.

    Where rows have pairs with k candidates among the columns only, the parts are [rows, k, ...], and the part "column",
    `Choices((k,), columns)`, holds their columns, all different within a row.

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
        listed = pairs.fields.get(COLUMN)
        if listed is not None and not (
            isinstance(listed, Choices)
            and len(listed.shape) == 1
            and listed.n == columns
            and listed.shape[0] <= columns
        ):
            told = f"must be Choices((k,), {columns}) with k <= {columns}, the candidates of each row"
            raise ValueError(f"Bipartite: {PAIRS}/{COLUMN} is {listed}: {told}")
        width = self.pairs_per_row
        for path, shape in _shapes(Dict(pairs.fields), PAIRS):
            if shape[:1] != (width,):
                of = f"columns of {self.columns!r}" if listed is None else "candidates of a row"
                raise ValueError(f"Bipartite: {path} has shape {shape}: must begin with the {width} {of}")

    def __hash__(self) -> int:
        return hash((super().__hash__(), self.rows, self.columns))

    @property
    def sizes(self) -> tuple[int, int]:
        """Most rows and most columns."""
        return self.of_entities(self.rows).most, self.of_entities(self.columns).most

    @property
    def candidates(self) -> int | None:
        """Columns with which each row has a pair; None for all."""
        listed = self.of_entities(PAIRS).fields.get(COLUMN)
        return listed.shape[0] if isinstance(listed, Choices) else None

    @property
    def pairs_per_row(self) -> int:
        """Pairs of each row."""
        return self.sizes[1] if self.candidates is None else self.candidates

    def resized(self, rows: int, columns: int) -> Bipartite:
        """The same fields for other sizes; where bounds of pairs differ between columns, the widest hold for all."""
        return self._of(rows, columns, None if self.candidates is None else min(self.candidates, columns))

    def sized_as(self, other: Bipartite) -> Bipartite:
        """The same fields for the sizes of another space, and with as many candidates as that has."""
        return self._of(*other.sizes, other.candidates)

    def _of(self, rows: int, columns: int, candidates: int | None) -> Bipartite:
        width = columns if candidates is None else candidates
        pairs = {n: _along(part, width) for n, part in self.of_entities(PAIRS).fields.items() if n != COLUMN}
        listed = {} if candidates is None else {COLUMN: Choices((candidates,), columns)}
        fields = {
            self.rows: replace(self.of_entities(self.rows), most=rows),
            self.columns: replace(self.of_entities(self.columns), most=columns),
            PAIRS: Entities({**pairs, **listed}, rows),
        }
        return replace(self, fields={**self.fields, **fields})

    def sample(self, key: PRNGKeyArray) -> Any:
        """Draw numbers of rows and columns, at least one of each, then every field of these and of their pairs."""
        count_key, *keys = jax.random.split(key, 1 + len(self.fields))
        there = {
            name: jnp.arange(most) < jax.random.randint(each, (), 1, most + 1)
            for name, most, each in zip((self.rows, self.columns), self.sizes, jax.random.split(count_key), strict=True)
        }
        drawn: dict[str, Any] = {}
        for each, (name, space) in zip(keys, self.fields.items(), strict=True):
            mask = there.get(self.rows if name == PAIRS else name)
            drawn[name] = space.sample(each) if mask is None else self.of_entities(name).sample_where(mask, each)
        mask, fields = there[self.rows], {n: each for n, each in drawn[PAIRS].items() if n not in (MASK, COLUMN)}
        column, listed = there[self.columns], {}
        if self.candidates is not None:
            index = _candidates(column, (self.sizes[0], self.candidates), count_key)
            column, listed = column[index], {COLUMN: jnp.where(mask[:, None], index, 0)}
        blank = {n: each for n, each in padding(Dict(self.of_entities(PAIRS).fields)).items() if n != COLUMN}
        return {**drawn, PAIRS: {MASK: mask, **padded(mask[:, None] & column, fields, blank), **listed}}

    def of_entities(self, name: str) -> Entities:
        """The set of that name: `rows`, `columns` or "pairs"."""
        entities = self.fields[name]
        assert isinstance(entities, Entities)
        return entities


def sizes_of(space: Bipartite, observation: Any) -> tuple[int, int]:
    """Rows and columns of an observation, or of a batch of them, by the shapes of its masks; they may differ from the space's.

    Raises:
        ValueError: if a mask is missing, or is no array with an axis.
    """
    for name in (space.rows, space.columns):
        given = observation.get(name) if isinstance(observation, Mapping) else None
        if not isinstance(given, Mapping) or np.ndim(given.get(MASK, 0)) < 1:
            raise ValueError(f"{name}/{MASK} is missing: must be flags, one for each")
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


def _candidates(there: Bool[Array, " s"], shape: tuple[int, int], key: PRNGKeyArray) -> Int[Array, "v k"]:
    """Different columns for every row, in their order; such as are not there only if too few are."""
    drawn = jax.random.uniform(key, (shape[0], len(there))) + jnp.where(there, 0.0, 1.0)
    return jnp.sort(jnp.argsort(drawn, axis=1)[:, : shape[1]], axis=1)


def _along(space: Space, size: int) -> Space:
    """The space with another length of the first axis of every array."""
    match space:
        case Box():
            ends = (space.low.min(axis=0), space.high.max(axis=0))
            low, high = (np.broadcast_to(end, (size, *end.shape)) for end in ends)
            return Box(low, high, space.unit)
        case Flags():
            return Flags((size, *space.shape[1:]))
        case Choices():
            return Choices((size, *space.shape[1:]), space.n)
    return Dict({name: _along(part, size) for name, part in parts(space).items()})


def _shapes(space: Space, path: str) -> list[tuple[str, tuple[int, ...]]]:
    """Path and shape of every array of an element."""
    if isinstance(space, Dict | Entities):
        return [each for name, part in parts(space).items() for each in _shapes(part, f"{path}/{name}")]
    return [(path, space.shape)]


def resized_action(action: Space, before: tuple[int, int], after: tuple[int, int]) -> Space:
    """The space of matchings for other sizes.

    The choices have one axis, of the rows, and so has a box; flags have one of the columns. Other spaces stay as they are.

    Args:
        action: a `Dict` with the choices of the rows.
        before, after: rows and columns.
    """
    if not matching(action):
        return action

    def part(space: Space) -> Space:
        if isinstance(space, Choices) and (space.shape, space.n) == (before[:1], before[1]):
            return Choices(after[:1], after[1])
        if isinstance(space, Flags) and space.shape == before[1:]:
            return Flags(after[1:])
        return _along(space, after[0]) if isinstance(space, Box) and space.shape[:1] == before[:1] else space

    return Dict({name: part(space) for name, space in parts(action).items()})
