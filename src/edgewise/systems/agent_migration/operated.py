"""The state of a session at work."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.fleet import Unit
from edgewise.systems.agent_migration.reports import Orders
from edgewise.systems.agent_migration.session import Session


@dataclass(frozen=True)
class Operated:
    """A session at work.

    Attributes:
        config: what is known of the system.
        units: that are there.
        session: at the start of the slot. If None, no vehicle has been told yet.
        orders: of the last slot with vehicles, None before the first.
        slot: number of slots told.
        absent: whether the last slot had no vehicles, so that those of the session have gone.
    """

    config: AgentMigrationConfig
    units: tuple[Unit, ...]
    session: Session | None = None
    orders: Orders | None = None
    slot: int = 0
    absent: bool = False
