"""Agent migration, described for the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewise.environments.system import Command, Headline, Reference, Session, System
from edgewise.systems.agent_migration.presets import PRESETS

if TYPE_CHECKING:
    from edgewise.environments.service import Service


class AgentMigrationSystem(System):
    """The system of the CGDM paper."""

    @property
    def config(self) -> type[Any]:
        from edgewise.systems.agent_migration.configuration import AgentMigrationConfig

        return AgentMigrationConfig

    def build(self, config: Any) -> Any:
        from edgewise.systems.agent_migration.build import environments

        return environments(config, "training")

    def build_evaluation(self, config: Any) -> Any:
        from edgewise.systems.agent_migration.build import environments

        return environments(config, "evaluation")

    def game(self, config: Any) -> Any:
        """Of vehicles and units, see `edgewise.systems.agent_migration.game`."""
        from edgewise.systems.agent_migration.game import AgentMigrationGame

        return AgentMigrationGame.build(config)

    def observation_fields(self, environment: Any, agent: str | None = None) -> tuple[Any, ...]:
        from edgewise.systems.agent_migration.observation import fields

        return fields(environment)

    def action_fields(self, environment: Any, agent: str | None = None) -> tuple[Any, ...]:
        from edgewise.systems.agent_migration.observation import action_fields

        return action_fields(environment)

    def action_decoder(self, config: Any, agent: str | None = None) -> Callable[[Any, Any], dict[str, Any]] | None:
        from edgewise.systems.agent_migration.observation import decoder

        return decoder(config)

    def data_facts(self, config: Any) -> dict[str, Any]:
        """Ranges of drawn instances, and recordings with their digests."""
        from edgewise.systems.agent_migration.instances import facts

        return facts(config)

    def session(self, config: Any, **start: Any) -> Session:
        """See `edgewise.systems.agent_migration.session.begin`."""
        from edgewise.systems.agent_migration.session import begin

        return begin(config, **start)

    def service(self, config: Any, facts: Mapping[str, Any] | None = None) -> Service | None:
        """See `edgewise.systems.agent_migration.service`; None for policies on vectors, of one size, and on own views."""
        if config.observation != "entities" or config.view != "central":
            return None
        from edgewise.systems.agent_migration.service import AgentMigrationService

        return AgentMigrationService(config, self.data_facts(config) if facts is None else facts)

    def own_reference(self, environment: Any, name: str) -> Reference:
        from edgewise.environments.entity_view import in_system
        from edgewise.systems.agent_migration.references import find

        return in_system(environment, lambda system: find(system, name))

    def remarks(self, environment: Any, names: Sequence[str]) -> tuple[str, ...]:
        from edgewise.systems.agent_migration.references import remarks

        return remarks(environment, names)

    def bound(self, environment: Any, states: Any) -> Any:
        """Mean over the episode's slots of a bound on each slot's latency."""
        import jax

        from edgewise.systems.agent_migration.bound import latency_bound
        from edgewise.systems.agent_migration.entities import EntityMigration

        if isinstance(environment, EntityMigration):
            environment, states = environment.system, states.system
        return jax.lax.map(lambda state: latency_bound(environment, state), states).mean()

    def prepare(self, config: Any, folder: Path) -> Any:
        from edgewise.systems.agent_migration.build import prepare

        return prepare(config, folder)

    def changed(self, config: Any, changes: Mapping[str, Any]) -> Any:
        """Another recording brings its own geometry, and episodes that fit in it."""
        from edgewise.systems.agent_migration.build import changed

        return changed(config, changes)

    def played(self, config: Any) -> str:
        from edgewise.systems.agent_migration.instance_groups import played

        return played(config)

    def pictures(self, environment: Any, policy: Any, rows: Sequence[Any], seed: int) -> list[Any]:
        from edgewise.environments.instances import example
        from edgewise.systems.agent_migration.figures import pictures

        return pictures(example(environment), policy, rows, seed)

    def scenes(self, environment: Any, moments: Any) -> list[Any]:
        from edgewise.systems.agent_migration.scene import scenes

        return scenes(self.headline, environment, moments)


AGENT_MIGRATION = AgentMigrationSystem(
    name="agent-migration",
    gymnasium_id="edgewise/AgentMigration-v0",
    summary="migration of vehicular AI agents among road-side units, processor shares and moving target defence",
    actions="box",
    views={"matching": {"observation": "entities"}},
    headline=Headline("latency", "total latency", "s per slot"),
    columns=("violations", "missing_copies", "migrations", "defences", "attacked"),
    own_references=(
        "random",
        "stay",
        "nearest",
        "nearest-next",
        "nearest-next-shares",
        "nearest-next-defence",
        "least-loaded-naive",
        "least-loaded",
        "highest-reputation",
        "highest-reputation-defence",
        "look-ahead-blind",
        "look-ahead-blind-defended",
        "look-ahead-undefended",
        "look-ahead",
        "filtering-look-ahead",
        "filtering-look-ahead-undistrusting",
        "far-sighted-look-ahead",
        "oracle-undefended",
        "oracle",
        "oracle-trusting",
    ),
    usual_references=(
        "random",
        "nearest-next",
        "least-loaded",
        "look-ahead-blind",
        "look-ahead",
        "far-sighted-look-ahead",
        "oracle",
    ),
    default_algorithm="cgdm",
    presets=PRESETS,
    sizes=("vehicles", "rsus"),
    rule="filtering-look-ahead",
    shipped={"general": Path(__file__).parent / "data" / "policies" / "general"},
    forms=("observe_reputation", "observation", "view", "unseen"),
    commands={
        "mobility": Command(
            "edgewise.systems.agent_migration.commands:run", "import vehicle traces, or generate them with SUMO"
        )
    },
    drives={
        "sumo": Command("edgewise.systems.agent_migration.drive.command:run", "vehicles of SUMO, served slot by slot")
    },
)
