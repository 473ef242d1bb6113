"""A small game whose agents come and go, with masks of what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, PRNGKeyArray

from edgewise.environments.game import Game, GameStep, Observations
from edgewise.environments.spaces import Box, Dict, Discrete, Flags
from edgewise.numerics.masks import ACTION_MASK

SHIFTS = ((0, 2), (1, 4), (0, 4))
"""First slot of each worker, and the slot before which he has left."""
TOOLS = 3


class WorkersState(eqx.Module):
    """Slots done, which tools are broken, and a number that no worker sees."""

    slot: Int[Array, ""]
    broken: Bool[Array, " t"]
    demand: Int[Array, ""]


class Workers(Game[WorkersState]):
    """Each worker who is there takes a tool that is not broken; the right one, which nobody sees, earns 1."""

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        return (tuple(f"worker_{i}" for i in range(len(SHIFTS))),)

    @property
    def observation_spaces(self) -> dict[str, Dict]:
        seen = Dict({"slot": Box.of(0, 4, "1"), ACTION_MASK: Flags((TOOLS,))})
        return dict.fromkeys(self.agents, seen)

    @property
    def action_spaces(self) -> dict[str, Discrete]:
        return dict.fromkeys(self.agents, Discrete(TOOLS))

    @property
    def privileged_space(self) -> Dict:
        return Dict({"demand": Discrete(TOOLS), "broken": Flags((TOOLS,)), "slot": Box.of(0, 4, "1")})

    @property
    def horizon(self) -> int:
        return 4

    def reset(self, key: PRNGKeyArray) -> tuple[WorkersState, Observations]:
        state = self._drawn(key, jnp.zeros((), int))
        return state, self.observe(state)

    def move(
        self, key: PRNGKeyArray, state: WorkersState, stage: int, actions: Mapping[str, Any]
    ) -> tuple[WorkersState, GameStep]:
        there = self.present(state)
        after = self._drawn(key, state.slot + 1)
        return after, GameStep(
            observations=self.observe(after),
            rewards={agent: (there[agent] & (actions[agent] == state.demand)).astype(float) for agent in self.agents},
            terminated=jnp.zeros((), bool),
            truncated=after.slot >= self.horizon,
            info={"workers": sum(there.values(), jnp.zeros(()))},
        )

    def observe(self, state: WorkersState) -> Observations:
        return {agent: {"slot": state.slot.astype(float), ACTION_MASK: ~state.broken} for agent in self.agents}

    def privileged(self, state: WorkersState) -> dict[str, Array]:
        return {"demand": state.demand, "broken": state.broken, "slot": state.slot.astype(float)}

    def present(self, state: WorkersState) -> dict[str, Bool[Array, ""]]:
        shifts = zip(self.agents, SHIFTS, strict=True)
        return {agent: (state.slot >= first) & (state.slot < last) for agent, (first, last) in shifts}

    def _drawn(self, key: PRNGKeyArray, slot: Array) -> WorkersState:
        broken_key, demand_key = jax.random.split(key)
        broken = jnp.arange(TOOLS) == jax.random.randint(broken_key, (), 0, TOOLS)
        return WorkersState(slot, broken, jax.random.randint(demand_key, (), 0, TOOLS))
