"""Reference policies of the D2SAC paper, section 6.1; all have the interface of a learned policy."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from edgewise.environments.system import Policy, Reference
from edgewise.systems.service_selection import online
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState

PAPER = ("random", "round-robin", "crash-avoid", "prophet")
NAMES = (*PAPER, *online.NAMES)


def find(environment: ServiceSelection, name: str) -> Reference:
    """The reference of one of `NAMES`."""
    return build(environment)[name] if name in PAPER else online.find(environment, name)


def build(environment: ServiceSelection) -> dict[str, Policy]:
    """The paper's four references for an environment.

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
        utility = environment.utility(state, state.task)
        best = jnp.argmax(jnp.where(state.task <= free, utility, -jnp.inf))
        return jnp.where((state.task <= free).any(), best, jnp.argmax(free))

    return dict(zip(PAPER, (random, round_robin, crash_avoid, prophet), strict=True))
