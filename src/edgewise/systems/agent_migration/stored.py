"""A session at work in bytes and back: names and configuration as plain values, what was seen and remembered as arrays."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from edgewise.common.packed import flat, nested, pack, unpack
from edgewise.common.plain import from_plain, to_plain
from edgewise.systems.agent_migration.belief import Filter
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.fleet import Fleet, Unit, Vehicle
from edgewise.systems.agent_migration.host_records import record_of
from edgewise.systems.agent_migration.memory import Memory, Seen
from edgewise.systems.agent_migration.operated import Operated
from edgewise.systems.agent_migration.padding import Padding
from edgewise.systems.agent_migration.reports import Orders
from edgewise.systems.agent_migration.session import Session
from edgewise.systems.agent_migration.standing import Standing


def dump(state: Operated) -> bytes:
    """The content of a state."""
    session, orders = state.session, state.orders
    facts = {
        "config": _plain_config(state.config),
        "units": [vars(unit) for unit in state.units],
        "orders": None if orders is None else vars(orders),
        "slot": state.slot,
        "absent": state.absent,
        "vehicles": None if session is None else [vars(vehicle) for vehicle in session.fleet.vehicles],
        "fleet_units": None if session is None else [vars(unit) for unit in session.fleet.units],
    }
    if session is None:
        return pack({}, facts)
    parts = {"seen": session.seen, "memory": session.memory, "standing": session.standing}
    arrays = {name: _plain(part) for name, part in parts.items()}
    return pack(flat(arrays), facts)


def load(content: bytes) -> Operated:
    """The state of which `dump` has made the content."""
    arrays, facts = unpack(content)
    config = from_plain(AgentMigrationConfig, facts["config"])
    units = _units(facts["units"])
    orders = None if facts["orders"] is None else Orders(**facts["orders"])
    session = None
    if facts["vehicles"] is not None:
        fleet = Fleet(tuple(Vehicle(**each) for each in facts["vehicles"]), _units(facts["fleet_units"]))
        tree = nested(arrays)
        filtered = record_of(Filter, tree["memory"]["filter"])
        parameters = fleet.parameters(config)
        session = Session(
            config,
            fleet,
            parameters,
            record_of(Seen, tree["seen"]),
            record_of(Memory, {**tree["memory"], "filter": filtered}),
            record_of(Standing, tree["standing"]),
            Padding.of(parameters),
        )
    return Operated(config, units, session, orders, facts["slot"], facts["absent"])


@lru_cache(maxsize=64)
def _plain_config(config: AgentMigrationConfig) -> dict[str, Any]:
    return to_plain(config)


def _units(values: list[dict[str, Any]]) -> tuple[Unit, ...]:
    return tuple(Unit(**{**each, "position_m": tuple(each["position_m"])}) for each in values)


def _plain(part: Any) -> dict[str, Any]:
    """The arrays of a record by field, and those of the filter in it."""
    told = {name: value for name, value in vars(part).items() if value is not None}
    return {name: _plain(value) if isinstance(value, Filter) else value for name, value in told.items()}
