"""Service selection, described for the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewise.environments.system import Command, Headline, Reference, System
from edgewise.systems.service_selection.presets import PRESETS, TRAINING

if TYPE_CHECKING:
    from edgewise.environments.service import Service


class ServiceSelectionSystem(System):
    """The system of the D2SAC paper."""

    @property
    def config(self) -> type[Any]:
        from edgewise.systems.service_selection.configuration import ServiceSelectionConfig

        return ServiceSelectionConfig

    def build(self, config: Any) -> Any:
        from edgewise.systems.service_selection.build import environments

        return environments(config, "training")

    def build_evaluation(self, config: Any) -> Any:
        from edgewise.systems.service_selection.build import environments

        return environments(config, "evaluation")

    def observation_fields(self, environment: Any, agent: str | None = None) -> tuple[Any, ...]:
        from edgewise.systems.service_selection.observation import fields

        return fields(environment)

    def action_decoder(self, config: Any, agent: str | None = None) -> Callable[[Any, Any], dict[str, Any]] | None:
        from edgewise.systems.service_selection.observation import read_action

        return read_action

    def data_facts(self, config: Any) -> dict[str, Any]:
        """Ranges of drawn instances, and the workload."""
        from edgewise.systems.service_selection.instances import facts

        return facts(config)

    def played(self, config: Any) -> str:
        from edgewise.systems.service_selection.instances import played

        return played(config)

    def service(self, config: Any, facts: Mapping[str, Any] | None = None) -> Service | None:
        """Of policies for any providers, see `edgewise.systems.service_selection.service`; others have none."""
        from edgewise.systems.service_selection.service import ServiceSelectionService

        if config.observation != "entities":
            return None
        return ServiceSelectionService(config, self.data_facts(config) if facts is None else facts)

    def own_reference(self, environment: Any, name: str) -> Reference:
        from edgewise.environments.entity_view import in_system
        from edgewise.systems.service_selection.references import find

        return in_system(environment, lambda system: find(system, name))

    def bound(self, environment: Any, states: Any) -> Any:
        """Every task at the provider that is best for it, as if all had room (or crashing, should that pay).

        `bound.upper_bound` is lower, 3% above the best schedule known, but it solves a linear program for each episode:
        seconds, outside of compiled code, where this figure is needed inside.
        """
        import jax
        import jax.numpy as jnp

        from edgewise.systems.service_selection.entities import EntitySelection

        if isinstance(environment, EntitySelection):
            environment, states = environment.system, states.system
        if environment.config.quality_noise:
            return None
        best = jax.vmap(lambda state: environment.rewards(state).max())(states)
        counted = jax.vmap(environment.counts)(states)
        return jnp.where(counted, jnp.maximum(best, -environment.crash_penalty), 0.0).sum()

    def prepare(self, config: Any, folder: Path) -> Any:
        from edgewise.systems.service_selection.build import prepare

        return prepare(config, folder)

    def scenes(self, environment: Any, moments: Any) -> list[Any]:
        from edgewise.systems.service_selection.scene import scenes

        return scenes(self.headline, environment, moments)


SERVICE_SELECTION = ServiceSelectionSystem(
    name="service-selection",
    gymnasium_id="edgewise/ServiceSelection-v0",
    summary="choice of the provider that serves each arriving task of generated content, without crashing it",
    actions="discrete",
    headline=Headline("return", "episode reward", "per episode", higher_is_better=True),
    columns=("utility", "lost_utility", "finished", "crashed", "crashes", "unfinished"),
    views={"matching": {"observation": "entities"}},
    own_references=(
        "random",
        "round-robin",
        "crash-avoid",
        "prophet",
        "optimistic",
        "thompson",
        "epsilon-greedy",
        "bid-price",
        "bid-price-prophet",
    ),
    sizes=("providers", "providers_file"),
    forms=("observation", "show_mask"),
    shipped={"general": Path(__file__).parent / "data" / "policies" / "general"},
    rule="bid-price",
    default_algorithm="d2sac",
    training=TRAINING,
    presets=PRESETS,
    commands={
        "workload": Command(
            "edgewise.systems.service_selection.commands:run",
            "import recorded requests, generate bursts of them, or measure a generator's quality",
        )
    },
    drives={
        "requests": Command(
            "edgewise.systems.service_selection.drive.command:run", "recorded requests, assigned one by one"
        )
    },
    solver=Command(
        "edgewise.systems.service_selection.solve:run",
        "the best schedule found for an episode whose arrivals are known, and a bound for every policy",
    ),
)
