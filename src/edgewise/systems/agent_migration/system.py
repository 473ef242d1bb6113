"""Agent migration in the registry."""

from __future__ import annotations

from collections.abc import Sequence

import jax
from jaxtyping import Array, Float

from edgewise.environments.system import Entry, Headline, Policy
from edgewise.systems.agent_migration import references
from edgewise.systems.agent_migration.bound import latency_bound
from edgewise.systems.agent_migration.build import build_part
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState


class AgentMigrationSystem(Entry):
    """The system of the CGDM paper."""

    def build(self, config: AgentMigrationConfig) -> AgentMigration:
        return build_part(config, "training")

    def build_evaluation(self, config: AgentMigrationConfig) -> AgentMigration:
        return build_part(config, "evaluation")

    def references(self, environment: AgentMigration, names: Sequence[str]) -> dict[str, Policy]:
        policies = references.build(environment)
        return {name: policies[name] for name in names}

    def bound(self, environment: AgentMigration, states: AgentMigrationState) -> Float[Array, ""]:
        return jax.lax.map(lambda state: latency_bound(environment, state), states).mean()


AGENT_MIGRATION = AgentMigrationSystem(
    name="agent-migration",
    gymnasium_id="edgewise/AgentMigration-v0",
    summary="migration of vehicular AI agents among road-side units, processor shares and moving target defence",
    config=AgentMigrationConfig,
    headline=Headline("latency", "total latency", "s per slot"),
    columns=("violations", "missing_copies", "migrations", "defences", "attacked"),
    reference_names=tuple(references.NAMES),
    usual_references=("random", "nearest-next", "least-loaded", "look-ahead-blind", "look-ahead", "oracle"),
    default_algorithm="cgdm",
)
