"""What is told between two slots, in names: what can be seen, what a slot has brought, and what is ordered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int

from edgewise.common.errors import ConfigurationError, check_range
from edgewise.common.table import unknown
from edgewise.systems.agent_migration.fleet import Fleet, check_point

Point = tuple[float, float]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Packets:
    """Packets of a unit in a slot, in the two directions of equation (15).

    Attributes:
        received, not_received: of those that were sent to it.
        forwarded, not_forwarded: of those that it had to pass on.
    """

    received: float
    not_received: float
    forwarded: float
    not_forwarded: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            check_range(name, value, 0)
        if not (self.received + self.not_received > 0 and self.forwarded + self.not_forwarded > 0):
            raise ConfigurationError("packets", vars(self), "one or more in each direction")


@dataclass(frozen=True)
class Situation:
    """What can be seen at the start of a slot.

    Attributes:
        positions_m: of every vehicle, m.
        serving: the unit that serves each vehicle. If None, the one to which its agent was sent if that is in reach, or else the
            nearest one.
        load: processor time that waits at each unit, in slots. If None, what the mean volumes of its vehicles ask for.
        expected_m: where vehicles are expected one slot later, m; for the others part of their last displacement is added to
            their position.
        ahead_m: the same at each vehicle's own pace (`Session.pace`), for who can tell; for the others as expected.
        entered: vehicles that another one has been replaced by, under the same name, since the slot before.
    """

    positions_m: Mapping[str, Point]
    serving: Mapping[str, str] | None = None
    load: Mapping[str, float] | None = None
    expected_m: Mapping[str, Point] | None = None
    ahead_m: Mapping[str, Point] | None = None
    entered: Collection[str] = ()


@dataclass(frozen=True)
class Outcome:
    """What a slot has brought.

    Attributes:
        latency_s: total latency of each vehicle, s; one that is not named has not been served, and evaluates nobody.
        packets: of every unit.
    """

    latency_s: Mapping[str, float]
    packets: Mapping[str, Packets]


@dataclass(frozen=True)
class Orders:
    """A decision.

    Attributes:
        target: the unit to which each vehicle's agent is pre-migrated.
        share: part of its serving unit's processor for each vehicle.
        defence: whether each unit runs a moving target defence.
    """

    target: Mapping[str, str]
    share: Mapping[str, float]
    defence: Mapping[str, bool]


def read_points(field: str, points: Mapping[str, Point], names: Sequence[str]) -> Float[np.ndarray, "n 2"]:
    """A point for each name; not a number where none is told.

    Raises:
        ConfigurationError: for a name that is unknown, or what is no point.
    """
    require_known(field, points, names)
    for name, point in points.items():
        check_point(f"{field} of {name}", point)
    return np.array([points.get(name, (np.nan, np.nan)) for name in names], float)


def read_numbers(field: str, numbers: Mapping[str, float], names: Sequence[str]) -> Float[np.ndarray, " n"]:
    """A number of at least 0 for each name.

    Raises:
        ConfigurationError: for a name that is unknown or missing, or what is no such number.
    """
    values = of_all(field, numbers, names)
    for name, value in zip(names, values, strict=True):
        check_range(f"{field} of {name}", value, 0)
    return np.array(values, float)


def read_units(field: str, chosen: Mapping[str, str], fleet: Fleet) -> Int[np.ndarray, " v"]:
    """The place of the unit that is told for each vehicle.

    Raises:
        ConfigurationError: for a vehicle or unit that is unknown, or a vehicle that is missing.
    """
    units = fleet.unit_names
    told = of_all(field, chosen, fleet.vehicle_names)
    for name, unit in zip(fleet.vehicle_names, told, strict=True):
        if unit not in units:
            raise unknown(f"{field} of {name}", unit, units)
    return np.array([units.index(unit) for unit in told])


def read_outcome(
    outcome: Outcome, fleet: Fleet, serving: Int[np.ndarray, " v"]
) -> tuple[Float[np.ndarray, " v"], Bool[np.ndarray, "v s"], Float[np.ndarray, "2 2 s"]]:
    """Latencies in s, who was served by whom, and packets sent and lost in both directions, [direction, sent or lost, unit].

    Raises:
        ConfigurationError: naming what is unknown or missing.
    """
    vehicles, units = fleet.vehicle_names, fleet.unit_names
    require_known("latency_s", outcome.latency_s, vehicles)
    told = [name for name in vehicles if name in outcome.latency_s]
    values = dict(zip(told, read_numbers("latency_s", outcome.latency_s, told), strict=True))
    latency = np.array([values.get(name, 0.0) for name in vehicles], float)
    served = np.array([name in values for name in vehicles])[:, None] & (serving[:, None] == np.arange(len(units)))
    packets = of_all("packets", outcome.packets, units)
    received = [(each.received + each.not_received, each.not_received) for each in packets]
    forwarded = [(each.forwarded + each.not_forwarded, each.not_forwarded) for each in packets]
    return latency, served, np.array([received, forwarded], float).transpose(0, 2, 1)


def of_all(field: str, values: Mapping[str, Value], names: Sequence[str]) -> list[Value]:
    """The value of each name, in their order.

    Raises:
        ConfigurationError: for a name that is unknown or missing.
    """
    require_known(field, values, names)
    missing = [name for name in names if name not in values]
    if missing:
        raise ConfigurationError(field, sorted(values), f"given for {', '.join(missing)} too")
    return [values[name] for name in names]


def require_known(field: str, given: Iterable[Any], names: Sequence[str]) -> None:
    """Require names that exist.

    Raises:
        ConfigurationError: naming those that do, for one that does not.
    """
    for name in given:
        if name not in names:
            raise unknown(field, str(name), names)
