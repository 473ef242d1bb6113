"""Migration of vehicular AI agents among road-side units (the CGDM paper)."""

from edgewise.systems.agent_migration.configuration import AgentMigrationConfig, Parameters, build_parameters
from edgewise.systems.agent_migration.decision import Decision, decode, encode
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState, Draws, ResetDraws
from edgewise.systems.agent_migration.latency import Latency

__all__ = [
    "AgentMigration",
    "AgentMigrationConfig",
    "AgentMigrationState",
    "Decision",
    "Draws",
    "Latency",
    "Parameters",
    "ResetDraws",
    "build_parameters",
    "decode",
    "encode",
]
