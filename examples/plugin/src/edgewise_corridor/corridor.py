"""Reach the end of a corridor."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.common.errors import check_integer
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box, Discrete


@dataclass(frozen=True)
class CorridorConfig:
    """Configuration of the corridor.

    Attributes:
        length: places.
        slots: length of an episode.
    """

    length: int = 6
    slots: int = 20

    def __post_init__(self) -> None:
        check_integer("length", self.length, 2)
        check_integer("slots", self.slots, 1)


class CorridorState(eqx.Module):
    """Place, and slots so far."""

    place: Int[Array, ""]
    slot: Int[Array, ""]


class Corridor(Environment[CorridorState]):
    """0 goes back, 1 forward; the end ends the episode."""

    config: CorridorConfig = eqx.field(static=True)

    @property
    def observation_space(self) -> Box:
        return Box(np.zeros(self.config.length, np.float32), np.ones(self.config.length, np.float32))

    @property
    def action_space(self) -> Discrete:
        return Discrete(2)

    @property
    def horizon(self) -> int:
        return self.config.slots

    def reset(self, key: PRNGKeyArray) -> tuple[CorridorState, Float[Array, " o"]]:
        state = CorridorState(jax.random.randint(key, (), 0, self.config.length - 1), jnp.zeros((), int))
        return state, self.observe(state)

    def step(self, key: PRNGKeyArray, state: CorridorState, action: Array) -> tuple[CorridorState, TimeStep]:
        place = jnp.clip(state.place + 2 * action - 1, 0, self.config.length - 1)
        following = CorridorState(place, state.slot + 1)
        there = place == self.config.length - 1
        return following, TimeStep(
            observation=self.observe(following),
            reward=jnp.where(there, 1.0, -0.05),
            terminated=there,
            truncated=following.slot >= self.horizon,
            info={"place": place.astype(float)},
        )

    def observe(self, state: CorridorState) -> Float[Array, " o"]:
        """The place as zeros and a one."""
        return jax.nn.one_hot(state.place, self.config.length)
