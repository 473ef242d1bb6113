"""A session at work in bytes and back: names and configuration as plain values, what was seen and remembered as arrays."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from edgewise.common.packed import flat, nested, pack_text, plain_text, unpack
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
    fleet = None if session is None else session.fleet
    facts = {
        "config": _config_text(state.config),
        "units": _told_text(state.units),
        "orders": plain_text(None if orders is None else vars(orders)),
        "slot": plain_text(state.slot),
        "absent": plain_text(state.absent),
        "vehicles": _told_text(None if fleet is None else fleet.vehicles),
        "fleet_units": _told_text(None if fleet is None else fleet.units),
    }
    text = "{" + ",".join([f'"{name}":{fact}' for name, fact in facts.items()]) + "}"
    if session is None:
        return pack_text({}, text)
    parts = {"seen": session.seen, "memory": session.memory, "standing": session.standing}
    arrays = {name: _plain(part) for name, part in parts.items()}
    return pack_text(flat(arrays), text)


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
def _config_text(config: AgentMigrationConfig) -> str:
    return plain_text(to_plain(config))


@lru_cache(maxsize=256)
def _told_text(told: tuple[Unit, ...] | tuple[Vehicle, ...] | None) -> str:
    """Units or vehicles, which are mostly those of the slot before."""
    return plain_text(None if told is None else [vars(each) for each in told])


def _units(values: list[dict[str, Any]]) -> tuple[Unit, ...]:
    return tuple(Unit(**{**each, "position_m": tuple(each["position_m"])}) for each in values)


def _plain(part: Any) -> dict[str, Any]:
    """The arrays of a record by field, and those of the filter in it."""
    told = {name: value for name, value in vars(part).items() if value is not None}
    return {name: _plain(value) if isinstance(value, Filter) else value for name, value in told.items()}
