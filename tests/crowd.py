"""A small environment whose observation is a structure: a set of walkers of changing number, and a nested dictionary."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box, Dict, Discrete, Entities, Flags, padded, padding
from edgewise.numerics.masks import ACTION_MASK

AREA_M = 100.0
SPEED_M_S = 2.0


class CrowdState(eqx.Module):
    """Place of every walker, whether it is there, and steps done."""

    position: Float[Array, "n 2"]
    present: Bool[Array, " n"]
    step: Int[Array, ""]


class Crowd(Environment[CrowdState]):
    """Stand in a quarter of a square: the reward is the share of the walkers there. A full quarter is closed."""

    most: int = eqx.field(static=True, default=4)
    steps: int = eqx.field(static=True, default=5)

    @property
    def observation_space(self) -> Dict:
        walker = {
            "position": Box.of(-AREA_M, AREA_M, "m", (2,)),
            "body": Dict({"distance": Box.of(0, 2 * AREA_M, "m"), "left": Flags(())}),
        }
        clock = Dict({"time": Box.of(0, self.steps, "slot"), "phase": Discrete(2)})
        return Dict({"walkers": Entities(walker, self.most), "clock": clock, ACTION_MASK: Flags((4,))})

    @property
    def action_space(self) -> Discrete:
        return Discrete(4)

    @property
    def action_mask(self) -> bool:
        return True

    @property
    def horizon(self) -> int:
        return self.steps

    def reset(self, key: PRNGKeyArray) -> tuple[CrowdState, dict]:
        place, count = jax.random.split(key)
        position = jax.random.uniform(place, (self.most, 2), minval=-AREA_M, maxval=AREA_M)
        present = jnp.arange(self.most) < jax.random.randint(count, (), 0, self.most + 1)
        state = CrowdState(position, present, jnp.zeros((), int))
        return state, self.observe(state)

    def step(self, key: PRNGKeyArray, state: CrowdState, action: Int[Array, ""]) -> tuple[CrowdState, TimeStep]:
        walk, leave = jax.random.split(key)
        moved = state.position + SPEED_M_S * jax.random.normal(walk, state.position.shape)
        after = CrowdState(
            jnp.clip(moved, -AREA_M, AREA_M),
            state.present & jax.random.bernoulli(leave, 0.9, state.present.shape),
            state.step + 1,
        )
        there = (self.quarters(state) == action) & state.present
        share = there.sum() / jnp.maximum(state.present.sum(), 1)
        timestep = TimeStep(
            observation=self.observe(after),
            reward=share,
            terminated=~after.present.any(),
            truncated=after.step >= self.steps,
            info={"walkers": state.present.sum().astype(float)},
        )
        return after, timestep

    def quarters(self, state: CrowdState) -> Int[Array, " n"]:
        """The quarter in which every walker is."""
        right, up = state.position[:, 0] >= 0, state.position[:, 1] >= 0
        return right + 2 * up

    def observe(self, state: CrowdState) -> dict:
        """Walkers that are there, the clock, and the quarters that are open."""
        distance = jnp.linalg.norm(state.position, axis=1)
        rows = {"position": state.position, "body": {"distance": distance, "left": state.position[:, 0] < 0}}
        crowded = (self.quarters(state)[:, None] == jnp.arange(4)) & state.present[:, None]
        walkers = self.observation_space.fields["walkers"]
        assert isinstance(walkers, Entities)
        return {
            "walkers": {"mask": state.present, **padded(state.present, rows, padding(Dict(walkers.fields)))},
            "clock": {"time": state.step.astype(float), "phase": state.step % 2},
            ACTION_MASK: crowded.sum(0) < self.most,
        }
