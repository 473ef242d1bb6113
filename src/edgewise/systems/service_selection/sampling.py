"""Service providers: capacity and quality of what they generate (D2SAC paper, sections 3 and 6)."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

CAPACITY = (400, 900, 100)
START_STEPS = (0, 90, 10)
START_SCORE = (0.0, 0.45, 0.05)
END_STEPS = (150, 240, 10)
END_SCORE = (0.5, 0.95, 0.05)
"""Lowest and highest value and step of the grids that providers are drawn from (authors' code): capacity and A_x, B_x in
denoising steps, A_y and B_y as scores."""
SECONDS_PER_UNIT = 60.0
"""The authors' code counts running times in minutes."""
RUNNING_TIME = (0.001, 2.5, -14.0)
"""Coefficients of T^2, T and 1 in the running time of T denoising steps, minutes (authors' code)."""


class Providers(eqx.Module):
    """What distinguishes the providers.

    Attributes:
        capacity: denoising steps that may run at the same time.
        start_steps, start_score: A_x (steps) and A_y, where quality starts to rise.
        end_steps, end_score: B_x (steps) and B_y, where it is at its best.
    """

    capacity: Float[Array, " i"]
    start_steps: Float[Array, " i"]
    start_score: Float[Array, " i"]
    end_steps: Float[Array, " i"]
    end_score: Float[Array, " i"]

    def utility(self, size: Float[Array, ""], with_offset: bool) -> Float[Array, " i"]:
        """Utility u_i(T) of a task at every provider.

        Zero below A_x, linear up to B_x, constant beyond. The authors' code leaves the level A_y out; `with_offset` adds it.

        Args:
            size: T, denoising steps.
            with_offset: whether a score starts at A_y.
        """
        rise = (self.end_score - self.start_score) / (self.end_steps - self.start_steps)
        utility = rise * (jnp.minimum(size, self.end_steps) - self.start_steps)
        return jnp.where(size < self.start_steps, 0.0, utility + self.start_score * with_offset)


def draw_providers(key: PRNGKeyArray, count: int) -> Providers:
    """Draw providers from the grids of the authors' code.

    Args:
        key: the key of the instance.
        count: I.
    """

    def draw(key: PRNGKeyArray, grid: tuple[float, float, float]) -> Float[Array, " i"]:
        low, high, step = grid
        index = jax.random.randint(key, (count,), 0, round((high - low) / step) + 1)
        return low + step * index.astype(float)

    grids = (CAPACITY, START_STEPS, START_SCORE, END_STEPS, END_SCORE)
    return Providers(*(draw(k, grid) for k, grid in zip(jax.random.split(key, len(grids)), grids, strict=True)))


def running_time(size: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Seconds that a task of T denoising steps takes, at any provider: (0.001 T^2 + 2.5 T - 14) minutes (authors' code)."""
    a, b, c = RUNNING_TIME
    return (a * size**2 + b * size + c) * SECONDS_PER_UNIT
