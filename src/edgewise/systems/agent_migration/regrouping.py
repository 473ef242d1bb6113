"""Arrays by vehicle and by unit, carried over to a fleet in which some have come and some have gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Int

from edgewise.systems.agent_migration.host_records import HostMemory, HostStanding, with_values

Record = TypeVar("Record", bound=eqx.Module)
VEHICLE, UNIT, OTHER = "v", "s", "-"
"""Axes of an array."""
MEMORY: Mapping[str, str] = {
    "positions": VEHICLE,
    "target": VEHICLE,
    "defence": UNIT,
    "fell_back": VEHICLE,
    "travelled": VEHICLE,
    "expected": VEHICLE,
    "moved": VEHICLE,
    "before": VEHICLE + UNIT,
    "latest": VEHICLE + UNIT,
    "change": VEHICLE + UNIT,
    "lowest": UNIT,
    "highest": UNIT,
    "average": UNIT,
    "filter": UNIT,
}
"""The first axes of each field of `Memory`."""
STANDING: Mapping[str, str] = {
    "positive": VEHICLE + UNIT,
    "negative": VEHICLE + UNIT,
    "window_latency": OTHER + UNIT,
    "window_visits": OTHER + UNIT,
    "reputation": VEHICLE + UNIT,
}
"""The first axes of each field of `Standing`."""
SHARED = ("before", "latest", "change", "reputation")
"""What a vehicle that comes takes over from the mean of the others: what is said of the units. Own evaluations it has none."""

Places = Mapping[str, np.ndarray]
"""For each axis the old place of everyone who is there now; -1 for who was not."""


def places(before: Sequence[str], now: Sequence[str]) -> Int[np.ndarray, " n"]:
    """The old place of each name; -1 for one that was not there."""
    known = {name: place for place, name in enumerate(before)}
    return np.array([known.get(name, -1) for name in now])


def carried(old: Record, fresh: Record, axes: Mapping[str, str], moved: Places) -> Record:
    """The record of a fleet, with what is known of those who were there before.

    Args:
        old: the record of the fleet before.
        fresh: that of the fleet now, as if all of it were new.
        axes: `MEMORY` or `STANDING`.
        moved: who was where.
    """

    def carry(field: str, old: Any, fresh: Any) -> Any:
        filled = _filled(np.asarray(old), np.asarray(fresh), moved) if field in SHARED else np.array(fresh)
        new = [_present(filled, axis, place, moved) for place, axis in enumerate(axes[field])]
        previous = [moved[axis][kept] if axis in moved else kept for axis, kept in zip(axes[field], new, strict=True)]
        filled[np.ix_(*new)] = np.asarray(old)[np.ix_(*previous)]
        return filled

    changed = {
        field: jax.tree.map(
            lambda one, other, field=field: carry(field, one, other), getattr(old, field), getattr(fresh, field)
        )
        for field in axes
    }
    return with_values(fresh, changed)


def _present(array: np.ndarray, axis: str, place: int, moved: Places) -> Int[np.ndarray, " kept"]:
    """Places along an axis of those who were there before."""
    return np.flatnonzero(moved[axis] >= 0) if axis in moved else np.arange(array.shape[place])


def _filled(old: np.ndarray, fresh: np.ndarray, moved: Places) -> np.ndarray:
    """Rows of the mean of the old rows, for the units that were there."""
    kept = moved[UNIT] >= 0
    filled = np.array(fresh)
    filled[:, kept] = old.mean(0)[moved[UNIT][kept]]
    return filled


def carried_memory(old: HostMemory, fresh: HostMemory, moved: Places) -> HostMemory:
    """`carried`; targets are units, whose places have changed too. Who was sent to one that has gone stays where it is."""
    memory = carried(old, fresh, MEMORY, moved)
    was = moved[VEHICLE]
    old_target = np.where(was >= 0, np.asarray(old.target)[was], -1)
    now = np.full(len(was), -1)
    for place, before in enumerate(moved[UNIT]):
        now[(old_target == before) & (before >= 0)] = place
    target = np.where(now >= 0, now, fresh.target).astype(fresh.target.dtype)
    return with_values(memory, {"target": target})


def carried_standing(old: HostStanding, fresh: HostStanding, moved: Places) -> HostStanding:
    """`carried` of standings."""
    return carried(old, fresh, STANDING, moved)
