"""Reference policies of the D2SAC paper, section 6.1; all have the interface of a learned policy."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from edgewise.environments.system import Policy
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState

NAMES = ("random", "round-robin", "crash-avoid", "prophet")


def build(environment: ServiceSelection) -> dict[str, Policy]:
    """The four references for an environment.

    "random" draws a provider, "round-robin" takes them in turn, "crash-avoid" takes the one with most free resources, and
    "prophet" knows every quality curve and takes the best provider that has room; with room nowhere it takes the one with
    most free resources. Prophet is greedy: no upper bound in the strict sense.
    """

    def random(key: PRNGKeyArray, state: ServiceSelectionState, observation: Any) -> Int[Array, ""]:
        return environment.action_space.sample(key)

    def round_robin(key: PRNGKeyArray, state: ServiceSelectionState, observation: Any) -> Int[Array, ""]:
        return state.count % environment.action_space.n

    def crash_avoid(key: PRNGKeyArray, state: ServiceSelectionState, observation: Any) -> Int[Array, ""]:
        return jnp.argmax(environment.free(state))

    def prophet(key: PRNGKeyArray, state: ServiceSelectionState, observation: Any) -> Int[Array, ""]:
        free = environment.free(state)
        utility = environment.providers.utility(state.task, environment.config.with_offset)
        best = jnp.argmax(jnp.where(state.task <= free, utility, -jnp.inf))
        return jnp.where((state.task <= free).any(), best, jnp.argmax(free))

    return dict(zip(NAMES, (random, round_robin, crash_avoid, prophet), strict=True))
