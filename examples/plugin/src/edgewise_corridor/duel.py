"""A game: one hides a number in [0, 1], the other guesses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.common.errors import check_integer
from edgewise.environments.game import Game, GameStep, Observations
from edgewise.environments.spaces import Box, Space


@dataclass(frozen=True)
class DuelConfig:
    """Configuration of the duel.

    Attributes:
        slots: length of an episode.
    """

    slots: int = 5

    def __post_init__(self) -> None:
        check_integer("slots", self.slots, 1)


class DuelState(eqx.Module):
    """The last guess, what is hidden now, and slots so far."""

    guess: Float[Array, ""]
    hidden: Float[Array, ""]
    slot: Int[Array, ""]


class Duel(Game[DuelState]):
    """In each slot the hider moves, then the guesser; both see the last guess."""

    config: DuelConfig = eqx.field(static=True)

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        return (("hider_0",), ("guesser_0",))

    @property
    def observation_spaces(self) -> dict[str, Space]:
        return {agent: Box(np.zeros(1, np.float32), np.ones(1, np.float32)) for agent in self.agents}

    @property
    def action_spaces(self) -> dict[str, Space]:
        return self.observation_spaces

    @property
    def horizon(self) -> int:
        return self.config.slots

    def reset(self, key: PRNGKeyArray) -> tuple[DuelState, Observations]:
        state = DuelState(jnp.asarray(0.5), jnp.asarray(0.5), jnp.zeros((), int))
        return state, self.observe(state)

    def move(
        self, key: PRNGKeyArray, state: DuelState, stage: int, actions: Mapping[str, Any]
    ) -> tuple[DuelState, GameStep]:
        if stage == 0:
            following = DuelState(state.guess, jnp.clip(actions["hider_0"][0], 0, 1), state.slot)
            miss = jnp.zeros(())
        else:
            following = DuelState(jnp.clip(actions["guesser_0"][0], 0, 1), state.hidden, state.slot + 1)
            miss = jnp.abs(following.guess - following.hidden)
        return following, GameStep(
            observations=self.observe(following),
            rewards={"hider_0": miss, "guesser_0": -miss},
            terminated=jnp.zeros((), bool),
            truncated=following.slot >= self.horizon,
            info={"miss": miss},
        )

    def observe(self, state: DuelState) -> Observations:
        return dict.fromkeys(self.agents, state.guess[None])
