"""Service selection in the registry."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from edgewise.environments.system import Entry, Headline, Policy
from edgewise.systems.service_selection import references
from edgewise.systems.service_selection.build import build_part
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState


class ServiceSelectionSystem(Entry):
    """The system of the D2SAC paper."""

    def build(self, config: ServiceSelectionConfig) -> ServiceSelection:
        return build_part(config, "training")

    def build_evaluation(self, config: ServiceSelectionConfig) -> ServiceSelection:
        return build_part(config, "evaluation")

    def references(self, environment: ServiceSelection, names: Sequence[str]) -> dict[str, Policy]:
        policies = references.build(environment)
        return {name: policies[name] for name in names}

    def bound(self, environment: ServiceSelection, states: ServiceSelectionState) -> Float[Array, ""]:
        """Every task at the provider that is best for it, as if all had room (or crashing, should that pay)."""
        best = jax.vmap(lambda size: environment.reward_of(size).max())(states.task)
        return jnp.maximum(best, -environment.crash_penalty).sum()


SERVICE_SELECTION = ServiceSelectionSystem(
    name="service-selection",
    gymnasium_id="edgewise/ServiceSelection-v0",
    summary="choice of the provider that serves each arriving task of generated content, without crashing it",
    config=ServiceSelectionConfig,
    headline=Headline("return", "episode reward", "per episode", higher_is_better=True),
    columns=("utility", "lost_utility", "finished", "crashed", "crashes", "unfinished"),
    reference_names=references.NAMES,
    usual_references=references.NAMES,
    default_algorithm="d2sac",
)
