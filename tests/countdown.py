"""A tiny environment with discrete actions that ends in both ways."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box, Discrete


class Countdown(Environment):
    """A counter that starts at 3, 4 or 5 and falls by the action (0 or 1); ends at 0, is cut after `limit` steps."""

    limit: int = eqx.field(static=True, default=6)

    def reset(self, key):
        count = jax.random.randint(key, (), 3, 6)
        return (count, jnp.zeros((), dtype=int)), self.observe(count)

    def observe(self, count):
        return count[None].astype(float)

    def step(self, key, state, action):
        count, time = state[0] - action, state[1] + 1
        info = {"count": count.astype(float)}
        return (count, time), TimeStep(self.observe(count), -count.astype(float), count <= 0, time >= self.limit, info)

    @property
    def observation_space(self):
        return Box(np.zeros(1, np.float32), np.full(1, 5, np.float32))

    @property
    def action_space(self):
        return Discrete(2)

    @property
    def horizon(self):
        return self.limit
