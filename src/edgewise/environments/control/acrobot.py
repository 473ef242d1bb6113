"""Acrobot-v1: swing the tip of a double pendulum up by the torque of its middle joint (Sutton, 1996).

Constants, the "book" equations and the integrator are those of Gymnasium's `Acrobot-v1`, step by step.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.environments.control.configuration import ControlConfig
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box, Discrete

GRAVITY = 9.8  # m/s^2
LENGTH = 1.0  # m, of each link
CENTRE = 0.5  # m, from a link's upper joint to its centre of mass
MASS = 1.0  # kg, of each link
INERTIA = 1.0  # kg m^2, of each link
SECONDS = 0.2  # of a step
FASTEST = (4 * np.pi, 9 * np.pi)  # rad/s, of the two joints
GOAL = 1.0  # m, height of the tip above the upper joint
START = 0.1  # of every component at the start, at most


class AcrobotState(eqx.Module):
    """Angle of the first link from hanging and of the second from the first (rad), their speeds (rad/s); steps done."""

    motion: Float[Array, " 4"]
    time: Int[Array, ""]


class Acrobot(Environment[AcrobotState]):
    """A reward of -1 for every step that does not bring the tip to the height of the goal.

    Attributes:
        config: the time limit.
    """

    config: ControlConfig = eqx.field(static=True, default=ControlConfig())

    @property
    def observation_space(self) -> Box:
        """Cosine and sine of both angles, then both speeds."""
        bound = np.array([1, 1, 1, 1, *FASTEST], np.float32)
        return Box(-bound, bound)

    @property
    def action_space(self) -> Discrete:
        """A torque of -1, 0 or 1 N m at the middle joint."""
        return Discrete(3)

    @property
    def horizon(self) -> int:
        return self.config.time_limit

    def reset(self, key: PRNGKeyArray) -> tuple[AcrobotState, Float[Array, " 6"]]:
        """Almost hanging, almost at rest."""
        state = AcrobotState(jax.random.uniform(key, (4,), minval=-START, maxval=START), jnp.zeros((), int))
        return state, self.observe(state)

    def step(self, key: PRNGKeyArray, state: AcrobotState, action: Int[Array, ""]) -> tuple[AcrobotState, TimeStep]:
        """Apply the torque for one step, a fourth-order Runge-Kutta step; nothing is random."""
        moved = runge_kutta(state.motion, (action - 1).astype(float))
        angles = (moved[:2] + jnp.pi) % (2 * jnp.pi) - jnp.pi
        fastest = jnp.array(FASTEST)
        after = AcrobotState(jnp.concatenate([angles, jnp.clip(moved[2:], -fastest, fastest)]), state.time + 1)
        height = -LENGTH * (jnp.cos(after.motion[0]) + jnp.cos(after.motion[:2].sum()))
        terminated = height > GOAL
        timestep = TimeStep(
            observation=self.observe(after),
            reward=jnp.where(terminated, 0.0, -1.0),
            terminated=terminated,
            truncated=after.time >= self.config.time_limit,
            info={"height": height},
        )
        return after, timestep

    def observe(self, state: AcrobotState) -> Float[Array, " 6"]:
        """Cosine and sine of both angles, then both speeds."""
        angles, speeds = state.motion[:2], state.motion[2:]
        turns = jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1).ravel()
        return jnp.concatenate([turns, speeds])


def runge_kutta(motion: Float[Array, " 4"], torque: Float[Array, ""]) -> Float[Array, " 4"]:
    """The motion one step later."""
    first = slope(motion, torque)
    second = slope(motion + SECONDS / 2 * first, torque)
    third = slope(motion + SECONDS / 2 * second, torque)
    fourth = slope(motion + SECONDS * third, torque)
    return motion + SECONDS / 6 * (first + 2 * second + 2 * third + fourth)


def slope(motion: Float[Array, " 4"], torque: Float[Array, ""]) -> Float[Array, " 4"]:
    """Change of the motion per second under a torque of the middle joint (N m): Sutton and Barto, 2018, example 11.3 code."""
    angle, bend, speed, bending = motion
    coupling = MASS * LENGTH * CENTRE
    d1 = MASS * CENTRE**2 + MASS * (LENGTH**2 + CENTRE**2 + 2 * LENGTH * CENTRE * jnp.cos(bend)) + 2 * INERTIA
    d2 = MASS * (CENTRE**2 + LENGTH * CENTRE * jnp.cos(bend)) + INERTIA
    phi2 = MASS * CENTRE * GRAVITY * jnp.sin(angle + bend)
    phi1 = (
        -coupling * (bending + 2 * speed) * bending * jnp.sin(bend)
        + MASS * (CENTRE + LENGTH) * GRAVITY * jnp.sin(angle)
        + phi2
    )
    second = (torque + d2 / d1 * phi1 - coupling * speed**2 * jnp.sin(bend) - phi2) / (
        MASS * CENTRE**2 + INERTIA - d2**2 / d1
    )
    return jnp.stack([speed, bending, -(d2 * second + phi1) / d1, second])
