"""Which of the vehicles on the road a policy serves: places that pass from one that leaves to one that comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

Point = tuple[float, float]


@dataclass(frozen=True)
class Places:
    """Who has which place.

    Attributes:
        names: the vehicle of each place; None where nobody is.
        positions: m; of an empty place the last one of its vehicle.
        new: places that have passed to another vehicle since the slot before.
        by_place: whether the server is told of places instead of vehicles: as in the simulator on a recording, whoever takes a
            place over goes on with what its user before holds of the units.
    """

    names: tuple[str | None, ...]
    positions: Float[np.ndarray, "v 2"]
    new: Bool[np.ndarray, " v"]
    by_place: bool = False

    @staticmethod
    def empty(count: int, by_place: bool = False) -> Places:
        """So many places without a vehicle."""
        return Places((None,) * count, np.zeros((count, 2)), np.zeros(count, bool), by_place)

    @property
    def told(self) -> tuple[str | None, ...]:
        """What the server calls whoever is at each place."""
        if not self.by_place:
            return self.names
        return tuple(None if name is None else f"place {number}" for number, name in enumerate(self.names))

    @property
    def taken(self) -> Bool[np.ndarray, " v"]:
        """Where somebody is."""
        return np.array([name is not None for name in self.names])

    def follow(self, road: Mapping[str, Point], random: np.random.Generator) -> Places:
        """The places one slot later.

        Args:
            road: position of every vehicle that is on the road then, m.
            random: chooses who takes a place that has become free.
        """
        kept = [name if name in road else None for name in self.names]
        others = sorted(set(road) - set(kept))
        random.shuffle(others)
        names = [name if name is not None or not others else others.pop() for name in kept]
        positions = self.positions.copy()
        for place, name in enumerate(names):
            if name is not None:
                positions[place] = road[name]
        new = np.array([name is not None and name != was for name, was in zip(names, self.names, strict=True)])
        return replace(self, names=tuple(names), positions=positions, new=new)
