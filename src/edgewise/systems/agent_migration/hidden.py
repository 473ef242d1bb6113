"""What the system knows and an operator does not; critics may see it in training."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from edgewise.environments.spaces import Box
from edgewise.systems.agent_migration.channel import distances
from edgewise.systems.agent_migration.mobility.base import Mobility
from edgewise.systems.agent_migration.parameters import Parameters

LONGEST = 20.0
"""Slots, and coverage radii: more count as this."""


class Hidden(NamedTuple):
    """Quantities of one slot.

    Attributes:
        volume: what each vehicle sends, over its mean; [V].
        missing: whether its unit lacks its agent; [V].
        attacked: units under attack; [S].
        target: those that the attacker has chosen; [S].
        reconnaissance: slots that he still explores; [S].
        distance_next: of every vehicle to every unit in the next slot, if it keeps its speed, in coverage radii; [V, S].
    """

    volume: Float[Array, " v"]
    missing: Bool[Array, " v"]
    attacked: Bool[Array, " s"]
    target: Bool[Array, " s"]
    reconnaissance: Float[Array, " s"]
    distance_next: Float[Array, "v s"]


def hidden(p: Parameters, mobility: Mobility, state: Any) -> Hidden:
    """What is hidden in a state of the system."""
    next_ = mobility.positions(mobility.advance(state.mobility, jnp.zeros(state.serving.shape)))
    return Hidden(
        volume=state.data / p.raw_data,
        missing=~state.copy_present,
        attacked=state.attacked,
        target=state.target,
        reconnaissance=state.reconnaissance.astype(float),
        distance_next=jnp.minimum(distances(next_, p.rsu_positions) / p.coverage, LONGEST),
    )


def vector(quantities: Hidden) -> Float[Array, " n"]:
    """All of it in one vector, field after field."""
    return jnp.concatenate([jnp.ravel(each).astype(float) for each in quantities])


def vector_space(vehicles: int, units: int) -> Box:
    """The space of `vector`."""
    return Box.of(0.0, LONGEST, "1", (2 * vehicles + 3 * units + vehicles * units,))
