"""Vehicles and road-side units by name, and the parameters of a system that is made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgewise.common.errors import ConfigurationError, check_range
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.host_records import HostParameters, with_values
from edgewise.systems.agent_migration.instances import alone
from edgewise.systems.agent_migration.parameters import build_parameters


@dataclass(frozen=True)
class Vehicle:
    """A vehicle with its agent.

    Attributes:
        name: of your own.
        raw_data_mb: mean data volume it sends per slot, 1e6 byte. If None, the configuration's.
        agent_data_mb: size of its agent, 1e6 byte. If None, the configuration's.
        tolerance_s: longest latency per slot that its user is content with, s. If None, the configuration's multiple of the
            nominal latency in the fleet that the vehicle enters.
    """

    name: str
    raw_data_mb: float | None = None
    agent_data_mb: float | None = None
    tolerance_s: float | None = None

    def __post_init__(self) -> None:
        _check_positive(self, ("raw_data_mb", "agent_data_mb", "tolerance_s"))


@dataclass(frozen=True)
class Unit:
    """A road-side unit.

    Attributes:
        name: of your own.
        position_m: where it stands, m, in the coordinates of the vehicles' positions.
        link_rate_mbps: nominal radio rate, Mbit/s. If None, the configuration's.
        cpu_mhz: processor speed, 1e6 cycle/s. If None, the configuration's.
    """

    name: str
    position_m: tuple[float, float]
    link_rate_mbps: float | None = None
    cpu_mhz: float | None = None

    def __post_init__(self) -> None:
        check_point(f"position_m of {self.name}", self.position_m)
        _check_positive(self, ("link_rate_mbps", "cpu_mhz"))


@dataclass(frozen=True)
class Fleet:
    """Who is there.

    Attributes:
        vehicles, units: in the order of an observation's rows and columns.
    """

    vehicles: tuple[Vehicle, ...]
    units: tuple[Unit, ...]

    def __post_init__(self) -> None:
        for field in ("vehicles", "units"):
            names = [each.name for each in getattr(self, field)]
            if not names or len(set(names)) < len(names):
                raise ConfigurationError(field, names, "one or more, each of another name")

    @property
    def vehicle_names(self) -> tuple[str, ...]:
        """The names of the vehicles."""
        return tuple(vehicle.name for vehicle in self.vehicles)

    @property
    def unit_names(self) -> tuple[str, ...]:
        """The names of the units."""
        return tuple(unit.name for unit in self.units)

    def parameters(self, config: AgentMigrationConfig) -> HostParameters:
        """The parameters of the system that the fleet makes.

        Args:
            config: everything that vehicles and units do not say themselves.

        Raises:
            ConfigurationError: if a value is neither given here nor by the configuration for every one.
        """
        sizes: dict[str, Any] = {"vehicles": len(self.vehicles), "rsus": len(self.units)}
        own: dict[str, Any] = {
            "link_rate_mbps": _numbers("link_rate_mbps", self.units, config),
            "cpu_mhz": _numbers("cpu_mhz", self.units, config),
            "raw_data_mb": _numbers("raw_data_mb", self.vehicles, config),
            "agent_data_mb": _numbers("agent_data_mb", self.vehicles, config),
            "tolerance": _usual("tolerance", config, len(self.vehicles)),
        }
        positions = tuple(unit.position_m for unit in self.units)
        attacked = min(config.attacked_rsus, len(self.units))
        made = replace(
            alone(config),
            **sizes,
            **own,
            rsu_positions_m=positions,
            attacked_rsus=attacked,
            scheduled_attacks=(),
            mobility=None,
        )
        parameters: HostParameters = build_parameters(made, np)
        usual = parameters.tolerance
        given = np.array([np.nan if each.tolerance_s is None else each.tolerance_s for each in self.vehicles])
        tolerance = np.where(np.isnan(given), usual, np.nan_to_num(given).astype(usual.dtype))
        return with_values(parameters, {"tolerance": tolerance})

    def with_tolerances_of(self, before: Fleet) -> Fleet:
        """The same fleet, in which whoever was there before and gives no tolerance keeps its own."""
        known = {vehicle.name: vehicle.tolerance_s for vehicle in before.vehicles}
        vehicles = (
            replace(each, tolerance_s=known.get(each.name)) if each.tolerance_s is None else each
            for each in self.vehicles
        )
        return replace(self, vehicles=tuple(vehicles))

    def settled(self, parameters: HostParameters) -> Fleet:
        """The same fleet, whose vehicles keep their tolerances when others come and go."""
        tolerances = np.asarray(parameters.tolerance, float).tolist()
        vehicles = tuple(replace(each, tolerance_s=t) for each, t in zip(self.vehicles, tolerances, strict=True))
        return replace(self, vehicles=vehicles)


def check_point(field: str, value: Any) -> None:
    """Require two finite numbers.

    Raises:
        ConfigurationError: naming the field.
    """
    if type(value) is tuple and len(value) == 2 and all(type(each) is float and math.isfinite(each) for each in value):
        return
    if np.shape(value) != (2,):
        raise ConfigurationError(field, value, "two numbers, x and y in m")
    check_range(field, value)


def _check_positive(record: Any, names: Iterable[str]) -> None:
    for name in names:
        value = getattr(record, name)
        if value is not None:
            check_range(f"{name} of {record.name}", value, 0, open_low=True)


def _numbers(name: str, records: Sequence[Any], config: AgentMigrationConfig) -> Any:
    """One number for each of vehicles or units: its own, or else that of the configuration."""
    own = [getattr(record, name) for record in records]
    usual = getattr(config, name)
    if all(value is None for value in own):
        return _usual(name, config, len(own))
    if None in own and np.ndim(usual):
        usual = None
    missing = [record.name for record, value in zip(records, own, strict=True) if value is None]
    if missing and usual is None:
        raise ConfigurationError(name, None, f"given for {', '.join(missing)}, as it is for the others")
    return tuple(float(usual if value is None else value) for value in own)


def _usual(name: str, config: AgentMigrationConfig, count: int) -> Any:
    """A field of the configuration that fits so many vehicles or units."""
    value = getattr(config, name)
    if np.ndim(value) and len(value) != count:
        raise ConfigurationError(name, value, f"one number or {count} numbers, or given with every one")
    return value
