"""CartPole-v1: balance a pole on a cart by pushing the cart to the left or to the right (Barto, Sutton and Anderson, 1983).

Constants and integrator are those of Gymnasium's `CartPole-v1`, step by step.
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
POLE_MASS = 0.1  # kg
TOTAL_MASS = 1.0 + POLE_MASS  # kg, with the cart
HALF_LENGTH = 0.5  # m, of the pole
FORCE = 10.0  # N
SECONDS = 0.02  # of a step
FARTHEST = 2.4  # m, of the cart from the middle
STEEPEST = 12 * np.pi / 180  # rad, of the pole from upright
START = 0.05  # of every component at the start, at most


class CartPoleState(eqx.Module):
    """Position and speed of the cart (m, m/s), angle and angular speed of the pole (rad, rad/s); steps done."""

    motion: Float[Array, " 4"]
    time: Int[Array, ""]


class CartPole(Environment[CartPoleState]):
    """A reward of 1 for every step, the one in which the pole falls or the cart leaves the track too.

    Attributes:
        config: the time limit.
    """

    config: ControlConfig = eqx.field(static=True, default=ControlConfig())

    @property
    def observation_space(self) -> Box:
        """The motion; as in Gymnasium, positions within twice what ends the episode and speeds without a useful bound."""
        bound = np.array([2 * FARTHEST, np.finfo(np.float32).max, 2 * STEEPEST, np.finfo(np.float32).max], np.float32)
        return Box(-bound, bound)

    @property
    def action_space(self) -> Discrete:
        """0 pushes to the left, 1 to the right."""
        return Discrete(2)

    @property
    def horizon(self) -> int:
        return self.config.time_limit

    def reset(self, key: PRNGKeyArray) -> tuple[CartPoleState, Float[Array, " 4"]]:
        """Almost upright, almost at rest."""
        state = CartPoleState(jax.random.uniform(key, (4,), minval=-START, maxval=START), jnp.zeros((), int))
        return state, self.observe(state)

    def step(self, key: PRNGKeyArray, state: CartPoleState, action: Int[Array, ""]) -> tuple[CartPoleState, TimeStep]:
        """Push for one step; nothing is random."""
        after = CartPoleState(state.motion + SECONDS * slope(state.motion, FORCE * (2 * action - 1)), state.time + 1)
        position, angle = jnp.abs(after.motion[0]), jnp.abs(after.motion[2])
        timestep = TimeStep(
            observation=self.observe(after),
            reward=jnp.ones(()),
            terminated=(position > FARTHEST) | (angle > STEEPEST),
            truncated=after.time >= self.config.time_limit,
            info={"position": position, "angle": angle},
        )
        return after, timestep

    def observe(self, state: CartPoleState) -> Float[Array, " 4"]:
        """The motion. Only one that goes on after the end of an episode is clipped to the space."""
        space = self.observation_space
        return jnp.clip(state.motion, jnp.asarray(space.low), jnp.asarray(space.high))


def slope(motion: Float[Array, " 4"], force: Float[Array, ""]) -> Float[Array, " 4"]:
    """Change of the motion per second under a force on the cart (N): Florian, 2007, equations (23) and (24), no friction."""
    _, speed, angle, spin = motion
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    pushed = (force + POLE_MASS * HALF_LENGTH * spin**2 * sine) / TOTAL_MASS
    turning = (GRAVITY * sine - cosine * pushed) / (HALF_LENGTH * (4 / 3 - POLE_MASS * cosine**2 / TOTAL_MASS))
    moving = pushed - POLE_MASS * HALF_LENGTH * turning * cosine / TOTAL_MASS
    return jnp.stack([speed, moving, spin, turning])
