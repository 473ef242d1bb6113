"""Migration of vehicular AI agents among road-side units (the CGDM paper)."""

from edgewise.environments.agent_migration.configuration import AgentMigrationConfig, Parameters, build_parameters
from edgewise.environments.agent_migration.decision import Decision, decode, encode
from edgewise.environments.agent_migration.environment import AgentMigration, AgentMigrationState, Draws, ResetDraws
from edgewise.environments.agent_migration.latency import Latency

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
