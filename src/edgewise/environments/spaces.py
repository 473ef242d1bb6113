"""Spaces of observations and actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray


@dataclass(frozen=True, eq=False)
class Box:
    """A product of closed intervals. Two boxes with the same bounds are equal, so that programs compiled for one serve the other.

    Attributes:
        low: lower bounds, any shape.
        high: upper bounds, same shape.
    """

    low: np.ndarray
    high: np.ndarray
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
        return self.shape, *((bound.dtype.str, bound.tobytes()) for bound in (self.low, self.high))

    def __str__(self) -> str:
        low, high = self.low.min(initial=np.inf), self.high.max(initial=-np.inf)
        return f"box of shape {self.shape} in [{low:g}, {high:g}]"

    @property
    def is_unit(self) -> bool:
        """Whether it is [-1, 1] in every component."""
        return bool(np.all(self.low == -1) and np.all(self.high == 1))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.low.shape

    def sample(self, key: PRNGKeyArray) -> Array:
        """Draw uniformly; shape `self.shape`."""
        return jax.random.uniform(key, self.shape, minval=jnp.asarray(self.low), maxval=jnp.asarray(self.high))


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


Space = Box | Discrete


@dataclass(frozen=True)
class Spaces:
    """What an algorithm needs to know of an environment.

    Attributes:
        observation, action: spaces.
        action_mask: whether an observation ends with one flag per action, 1 where it is allowed.
    """

    observation: Space
    action: Space
    action_mask: bool = False

    @property
    def actions(self) -> str:
        """Kind of the action space."""
        return self.action.kind
