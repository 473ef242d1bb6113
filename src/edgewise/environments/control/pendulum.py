"""Pendulum-v1: swing a pendulum up with a weak motor, and hold it there.

Constants and integrator are those of Gymnasium's `Pendulum-v1`, step by step.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.environments.control.configuration import ControlConfig, PendulumConfig
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box

GRAVITY = 10.0  # m/s^2
MASS = 1.0  # kg
LENGTH = 1.0  # m
STRONGEST = 2.0  # Nm
FASTEST = 8.0  # rad/s
SECONDS = 0.05  # of a step
START = (np.pi, 1.0)  # of angle and angular speed at the start, at most


class PendulumState(eqx.Module):
    """Angle from upright (rad) and angular speed (rad/s); steps done."""

    motion: Float[Array, " 2"]
    time: Int[Array, ""]


class Pendulum(Environment[PendulumState]):
    """A cost for the angle from upright, the angular speed and the torque; only the time limit ends an episode.

    Attributes:
        config: the time limit.
    """

    config: ControlConfig = eqx.field(static=True, default=PendulumConfig())

    @property
    def observation_space(self) -> Box:
        """Cosine and sine of the angle, angular speed (rad/s)."""
        bound = np.array([1, 1, FASTEST], np.float32)
        return Box(-bound, bound)

    @property
    def action_space(self) -> Box:
        """Share of the strongest torque, 2 Nm (Gymnasium: the torque)."""
        return Box(-np.ones(1, np.float32), np.ones(1, np.float32))

    @property
    def horizon(self) -> int:
        return self.config.time_limit

    def reset(self, key: PRNGKeyArray) -> tuple[PendulumState, Float[Array, " 3"]]:
        """Any angle, some speed."""
        bound = jnp.asarray(START)
        state = PendulumState(jax.random.uniform(key, (2,), minval=-bound, maxval=bound), jnp.zeros((), int))
        return state, self.observe(state)

    def step(
        self, key: PRNGKeyArray, state: PendulumState, action: Float[Array, " 1"]
    ) -> tuple[PendulumState, TimeStep]:
        """Turn for one step; nothing is random."""
        angle, speed = state.motion
        torque = STRONGEST * jnp.clip(action[0], -1, 1)
        upright = jnp.abs((angle + jnp.pi) % (2 * jnp.pi) - jnp.pi)
        pull = 3 * GRAVITY / (2 * LENGTH) * jnp.sin(angle) + 3 / (MASS * LENGTH**2) * torque
        after_speed = jnp.clip(speed + SECONDS * pull, -FASTEST, FASTEST)
        after = PendulumState(jnp.stack([angle + SECONDS * after_speed, after_speed]), state.time + 1)
        timestep = TimeStep(
            observation=self.observe(after),
            reward=-(upright**2 + 0.1 * speed**2 + 0.001 * torque**2),
            terminated=jnp.zeros((), bool),
            truncated=after.time >= self.config.time_limit,
            info={"angle": upright},
        )
        return after, timestep

    def observe(self, state: PendulumState) -> Float[Array, " 3"]:
        """Cosine, sine, angular speed."""
        angle, speed = state.motion
        return jnp.stack([jnp.cos(angle), jnp.sin(angle), speed])
