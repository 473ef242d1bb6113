"""Spaces of observations and actions: vectors, choices, and structures of named fields and of sets of entities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, PRNGKeyArray

from edgewise.numerics.scaling import LARGEST_BOUND

MASK = "mask"
"""Name of the flags of a set that tell which of its rows hold an entity."""
NO_UNIT = "1"
"""Unit of a number without one."""
BIPARTITE = "bipartite"
"""Kind of an observation of two sets and of their pairs; see `edgewise.environments.bipartite`."""
MATCHING = "matching"
"""Kind of the actions that choose a column for every row of such an observation."""


@dataclass(frozen=True, eq=False)
class Box:
    """A product of closed intervals. Two boxes with the same bounds are equal, so that programs compiled for one serve the other.

    Attributes:
        low: lower bounds, any shape.
        high: upper bounds, same shape.
        unit: the unit of every component, as "m/s"; "1" without one.
    """

    low: np.ndarray
    high: np.ndarray
    unit: str = NO_UNIT
    kind: ClassVar[str] = "box"

    def __post_init__(self) -> None:
        if self.low.shape != self.high.shape or not (self.low <= self.high).all():
            raise ValueError(f"Box: low {self.low.shape} and high {self.high.shape} must match, low <= high")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Box) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[object, ...]:
        return self.unit, self.shape, *((bound.dtype.str, bound.tobytes()) for bound in (self.low, self.high))

    def __str__(self) -> str:
        low, high = self.low.min(initial=np.inf), self.high.max(initial=-np.inf)
        return f"box of shape {self.shape} in [{low:g}, {high:g}]"

    @property
    def is_unit(self) -> bool:
        """Whether it is [-1, 1] in every component."""
        return bool(np.all(self.low == -1) and np.all(self.high == 1))

    @staticmethod
    def of(low: float, high: float, unit: str, shape: tuple[int, ...] = ()) -> Box:
        """A box with the same bounds in every component."""
        return Box(np.full(shape, low, np.float32), np.full(shape, high, np.float32), unit)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.low.shape

    def sample(self, key: PRNGKeyArray) -> Array:
        """Draw uniformly; shape `self.shape`.

        Where a bound is infinite or beyond `LARGEST_BOUND`, the nearest two units that are allowed count.
        """
        low, high = self.low, self.high
        below, above = np.abs(low) < LARGEST_BOUND, np.abs(high) < LARGEST_BOUND
        if not (below.all() and above.all()):
            low = np.where(below, low, np.where(above, high - 2, -1)).astype(np.float32)
            high = np.where(above, high, low + 2).astype(np.float32)
        return jax.random.uniform(key, self.shape, minval=jnp.asarray(low), maxval=jnp.asarray(high))


@dataclass(frozen=True)
class Discrete:
    """The integers 0..n-1."""

    n: int
    kind: ClassVar[str] = "discrete"

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"Discrete: n = {self.n}: must be at least 1")

    def __str__(self) -> str:
        return f"{self.n} choices"

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def sample(self, key: PRNGKeyArray) -> Array:
        """Draw uniformly; a scalar integer."""
        return jax.random.randint(key, (), 0, self.n)


@dataclass(frozen=True)
class Choices:
    """Arrays of the integers 0..n-1, such as one choice for each of several things.

    Attributes:
        shape: the shape of an array.
        n: what each has to choose from.
    """

    shape: tuple[int, ...]
    n: int
    kind: ClassVar[str] = "choices"

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"Choices: n = {self.n}: must be at least 1")

    def __str__(self) -> str:
        return f"choices of shape {self.shape} among {self.n}"

    def sample(self, key: PRNGKeyArray) -> Array:
        """Draw uniformly; integers of shape `self.shape`."""
        return jax.random.randint(key, self.shape, 0, self.n)


@dataclass(frozen=True)
class Flags:
    """Arrays of truth values.

    Attributes:
        shape: the shape of an array.
    """

    shape: tuple[int, ...]
    kind: ClassVar[str] = "flags"

    def sample(self, key: PRNGKeyArray) -> Array:
        """Draw uniformly."""
        return jax.random.bernoulli(key, 0.5, self.shape)


@dataclass(frozen=True)
class Dict:
    """Named fields; an element is a dictionary with an element of each.

    Attributes:
        fields: by name.
    """

    fields: Mapping[str, Space]
    kind: ClassVar[str] = "dict"

    def __post_init__(self) -> None:
        _check_names("Dict", self.fields)

    def __hash__(self) -> int:
        return hash(tuple(self.fields.items()))

    def sample(self, key: PRNGKeyArray) -> Any:
        """Draw every field on its own."""
        keys = jax.random.split(key, len(self.fields))
        return {name: space.sample(k) for k, (name, space) in zip(keys, self.fields.items(), strict=True)}


@dataclass(frozen=True)
class Entities:
    """Sets of up to `most` things of one sort, such as the vehicles in reach.

    An element is a dictionary: an array [most, ...] for each field, and the flags "mask" [most], true where a row holds an
    entity. The other rows are padding: they lie in the bounds, as do those of `padding`, and must have no influence.

    Attributes:
        fields: the fields of one entity, by name; boxes, choices, flags, or structures of these.
        most: rows.
    """

    fields: Mapping[str, Space]
    most: int
    kind: ClassVar[str] = "entities"

    def __post_init__(self) -> None:
        _check_names("Entities", self.fields)
        if self.most < 1:
            raise ValueError(f"Entities: most = {self.most}: must be at least 1")
        if MASK in self.fields:
            raise ValueError(f"Entities: a field cannot be called {MASK!r}: that are the flags of the rows")
        _ = self.expanded

    def __hash__(self) -> int:
        return hash((tuple(self.fields.items()), self.most))

    @cached_property
    def expanded(self) -> Dict:
        """The same elements as a `Dict` of arrays: "mask" first, then every field with an axis of rows in front."""
        return Dict({MASK: Flags((self.most,)), **{n: stacked(s, self.most) for n, s in self.fields.items()}})

    def sample(self, key: PRNGKeyArray) -> Any:
        """Draw a number of entities, then every field of each; the padding comes last."""
        count_key, rows_key = jax.random.split(key)
        return self.sample_where(jnp.arange(self.most) < jax.random.randint(count_key, (), 0, self.most + 1), rows_key)

    def sample_where(self, mask: Bool[Array, " most"], key: PRNGKeyArray) -> Any:
        """Draw every field of the entities in the rows where `mask` is true."""
        one = Dict(self.fields)
        rows = jax.vmap(one.sample)(jax.random.split(key, self.most))
        return {MASK: mask, **padded(mask, rows, padding(one))}


Space: TypeAlias = Box | Discrete | Choices | Flags | Dict | Entities


@dataclass(frozen=True)
class Spaces:
    """What an algorithm needs to know of an environment.

    Attributes:
        observation, action: spaces.
        action_mask: whether an observation ends with one flag per action, 1 where it is allowed; in a `Dict`, whether its
            field "action_mask" holds them.
        privileged: space of what a critic may see in training beside the observation; None for nothing.
    """

    observation: Space
    action: Space
    action_mask: bool = False
    privileged: Space | None = None

    @property
    def actions(self) -> str:
        """Kind of the action space; "matching" where every row of a bipartite observation chooses a column.

        Then the action is a `Dict` with one field of `Choices`, one for each row among the columns; what else it holds is up
        to the system.
        """
        return MATCHING if self.observation.kind == BIPARTITE and matching(self.action) else self.action.kind


def matching(action: Space) -> bool:
    """Whether an action is a `Dict` with exactly one field of `Choices`: a column for every row."""
    return isinstance(action, Dict) and sum(isinstance(part, Choices) for part in action.fields.values()) == 1


def structured(space: Space) -> bool:
    """Whether an element is a dictionary."""
    return isinstance(space, Dict | Entities)


def parts(space: Space) -> Mapping[str, Space]:
    """The fields of a structure, with the flags of a set of entities among them; nothing for an array."""
    if isinstance(space, Entities):
        return space.expanded.fields
    return space.fields if isinstance(space, Dict) else {}


def components(space: Space) -> int:
    """Numbers in an element."""
    if isinstance(space, Dict | Entities):
        return sum(components(part) for part in parts(space).values())
    return int(np.prod(space.shape))


def stacked(space: Space, rows: int) -> Space:
    """The space of `rows` elements along a first axis.

    Raises:
        ValueError: for a single choice; describe it by flags.
    """
    match space:
        case Box():
            low, high = (np.broadcast_to(bound, (rows, *space.shape)) for bound in (space.low, space.high))
            return Box(low, high, space.unit)
        case Flags():
            return Flags((rows, *space.shape))
        case Choices():
            return Choices((rows, *space.shape), space.n)
        case Discrete():
            raise ValueError("Entities: a field cannot be Discrete: use Flags with one flag for each choice")
    return Dict({name: stacked(part, rows) for name, part in parts(space).items()})


def padding(space: Space) -> Any:
    """The element nearest to zero: what rows without an entity hold."""
    match space:
        case Box():
            return jnp.asarray(np.clip(np.zeros_like(space.low), space.low, space.high))
        case Discrete():
            return jnp.zeros((), int)
        case Choices():
            return jnp.zeros(space.shape, int)
        case Flags():
            return jnp.zeros(space.shape, bool)
    return {name: padding(part) for name, part in parts(space).items()}


def padded(mask: Array, rows: Any, blank: Any) -> Any:
    """Rows where `mask` is true, `blank` elsewhere; every array of `rows` begins with the axes of `mask`."""

    def choose(row: Array, empty: Array) -> Array:
        return jnp.where(mask.reshape(*mask.shape, *([1] * (row.ndim - mask.ndim))), row, empty)

    return jax.tree.map(choose, rows, blank)


def _check_names(what: str, fields: Mapping[str, Any]) -> None:
    if not fields:
        raise ValueError(f"{what}: must have a field")
    for name in fields:
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(f"{what}: {name!r}: a field's name must be a word without /")
