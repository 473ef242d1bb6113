"""A small game whose equilibrium is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.environments.game import Game, GameStep, Observations
from edgewise.environments.spaces import Box


class PairState(eqx.Module):
    """A number drawn for the episode, prices of the slot, zeros until they are announced, and slots done."""

    shown: Float[Array, ""]
    prices: Float[Array, " k"]
    slot: Int[Array, ""]


class PairGame(Game[PairState]):
    """Pairs of a leader with a price p and a follower who sees it and buys q.

    A leader gets (p - c) q, a follower q a (1 - p) - q^2 / 2, so that the best answer is q = a (1 - p) and the leader's best
    price p = (1 + c) / 2. All see the number drawn, which means nothing; leaders see their costs.

    Attributes:
        cost: c of each leader, private.
        scale: a of each follower, private.
        slots: length of an episode.
    """

    cost: Float[Array, " k"]
    scale: Float[Array, " k"]
    slots: int = eqx.field(static=True, default=5)

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        pairs = range(len(self.cost))
        return tuple(f"leader_{k}" for k in pairs), tuple(f"follower_{k}" for k in pairs)

    @property
    def observation_spaces(self) -> dict[str, Box]:
        return {agent: Box(np.zeros(2, np.float32), np.ones(2, np.float32)) for agent in self.agents}

    @property
    def action_spaces(self) -> dict[str, Box]:
        return {agent: Box(np.zeros(1, np.float32), np.ones(1, np.float32)) for agent in self.agents}

    @property
    def horizon(self) -> int:
        return self.slots

    def reset(self, key: PRNGKeyArray) -> tuple[PairState, Observations]:
        state = PairState(jax.random.uniform(key), jnp.zeros_like(self.cost), jnp.zeros((), jnp.int32))
        return state, self.observe(state)

    def observe(self, state: PairState) -> Observations:
        leaders, followers = self.stages
        seen = {agent: jnp.stack([state.shown, self.cost[k]]) for k, agent in enumerate(leaders)}
        return seen | {agent: jnp.stack([state.shown, state.prices[k]]) for k, agent in enumerate(followers)}

    def move(
        self, key: PRNGKeyArray, state: PairState, stage: int, actions: Mapping[str, Any]
    ) -> tuple[PairState, GameStep]:
        leaders, followers = self.stages
        moved = jnp.stack([actions[agent][0] for agent in self.stages[stage]])
        if stage == 0:
            after = PairState(state.shown, moved, state.slot)
            sold = bought = jnp.zeros_like(moved)
        else:
            after = PairState(state.shown, jnp.zeros_like(moved), state.slot + 1)
            sold = (state.prices - self.cost) * moved
            bought = moved * self.scale * (1 - state.prices) - moved**2 / 2
        rewards = dict(zip(leaders, sold, strict=True)) | dict(zip(followers, bought, strict=True))
        return after, GameStep(
            observations=self.observe(after),
            rewards=rewards,
            terminated=jnp.zeros((), bool),
            truncated=after.slot >= self.slots,
            info={"price": after.prices.mean()},
        )
