"""Steps of copies of an environment, in rows of one step per copy."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from edgewise.environments.host.copies import HostCopies

Row = tuple[np.ndarray | np.generic, ...]
"""The fields of a `Step` in their order, of one copy or with leading axes."""


def stack(rows: Sequence[Row], axis: int = 0) -> Row:
    """Rows along a new axis."""
    return tuple(np.stack(parts, axis) for parts in zip(*rows, strict=True))


class Collector:
    """Steps copies, and hands out what they did row by row.

    A copy that resets itself in a step of its own does less in that time than the others. So the steps of each copy wait until
    every copy has one: each copy's steps come out complete and in their order, in every autoreset mode.

    Args:
        copies: the copies to be stepped.
        seed: the seed of their episodes.

    Attributes:
        observation: the observation of every copy, to act on.
        fresh: copies at the start of an episode.
    """

    observation: Float[np.ndarray, "e o"]
    fresh: Bool[np.ndarray, " e"]

    def __init__(self, copies: HostCopies, seed: int) -> None:
        self._copies = copies
        self.observation = copies.reset(seed)
        count = len(self.observation)
        self.fresh = np.ones(count, bool)
        self._waiting: list[deque[Row]] = [deque() for _ in range(count)]

    def advance(self, drawn: np.ndarray, carried: np.ndarray) -> None:
        """Step every copy by the actions carried out, and keep its step with the action drawn."""
        outcome = self._copies.step(carried)
        row = (self.observation, drawn, outcome.reward, outcome.terminated, outcome.ended, outcome.final)
        for index in np.flatnonzero(outcome.real):
            self._waiting[index].append(tuple(field[index] for field in row))
        self.observation = outcome.following
        self.fresh = outcome.ended | ~outcome.real

    @property
    def ready(self) -> bool:
        """Whether there is a row."""
        return all(self._waiting)

    def take(self) -> Row:
        """The oldest row, [copies, ...]."""
        return stack([waiting.popleft() for waiting in self._waiting])

    def forget(self) -> None:
        """Drop the steps that no row was made of."""
        for waiting in self._waiting:
            waiting.clear()

    def close(self) -> None:
        """Release the copies."""
        self._copies.close()
