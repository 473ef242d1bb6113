"""A bandit that pays every choice some steps later."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.environments.environment import Environment, Late, TimeStep
from edgewise.environments.spaces import Box, Discrete


class BanditState(eqx.Module):
    """Steps done, the number that is shown, and what earlier choices have earned, the latest first."""

    time: Int[Array, ""]
    shown: Float[Array, ""]
    owed: Float[Array, " d"]


class LateBandit(Environment[BanditState]):
    """The action that a number names by its quarter of [-1, 1] earns 1, paid `delay` steps later, at the latest at the end.

    Attributes:
        delay: at least 1.
        length: steps of an episode.
    """

    delay: int = eqx.field(static=True, default=5)
    length: int = eqx.field(static=True, default=100)

    @property
    def observation_space(self) -> Box:
        return Box(np.full(1, -1, np.float32), np.full(1, 1, np.float32))

    @property
    def action_space(self) -> Discrete:
        return Discrete(4)

    @property
    def horizon(self) -> int:
        return self.length

    def reset(self, key: PRNGKeyArray) -> tuple[BanditState, Float[Array, " o"]]:
        state = BanditState(jnp.zeros((), int), self._number(key), jnp.zeros(self.delay))
        return state, state.shown[None]

    def step(self, key: PRNGKeyArray, state: BanditState, action: Array) -> tuple[BanditState, TimeStep]:
        earned = right(state.shown, action)
        owed = jnp.concatenate([earned[None], state.owed])
        age = jnp.arange(self.delay + 1)
        over = state.time + 1 >= self.length
        payment = jnp.where(over | (age == self.delay), owed, 0.0)
        after = BanditState(state.time + 1, self._number(key), owed[:-1])
        return after, TimeStep(
            observation=after.shown[None],
            reward=payment.sum(),
            terminated=jnp.zeros((), bool),
            truncated=over,
            info={"right": earned},
            late=Late(jnp.zeros(()), age, payment),
        )

    @staticmethod
    def _number(key: PRNGKeyArray) -> Float[Array, ""]:
        return jax.random.uniform(key, minval=-1, maxval=1)


def right(shown: Float[Array, "*batch"], action: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
    """What a choice earns."""
    return (action == jnp.floor(2 * (shown + 1)).astype(int)).astype(float)
