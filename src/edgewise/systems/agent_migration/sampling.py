"""What is drawn in an episode: once at its start, and in every slot."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


class ResetDraws(eqx.Module):
    """Random numbers of a reset, all uniform on [0, 1)."""

    start: Float[Array, " n"]
    targets: Float[Array, " s"]
    data: Float[Array, " v"]


class Draws(eqx.Module):
    """Random numbers of a slot; `packets` and `speed` are standard normal, the others uniform on [0, 1)."""

    defence: Float[Array, " s"]
    packets: Float[Array, "2 s"]
    copy: Float[Array, " v"]
    speed: Float[Array, " v"]
    attack_end: Float[Array, " s"]
    attack_start: Float[Array, " s"]
    data: Float[Array, " v"]


def draw_reset(key: PRNGKeyArray, start_draws: int, vehicles: int, rsus: int) -> ResetDraws:
    """Random numbers of one reset.

    Args:
        key: randomness.
        start_draws: how many numbers the mobility model wants.
        vehicles: number of vehicles V.
        rsus: number of road-side units S.
    """
    start, targets, data = jax.random.split(key, 3)
    return ResetDraws(
        start=jax.random.uniform(start, (start_draws,), float),
        targets=jax.random.uniform(targets, (rsus,), float),
        data=jax.random.uniform(data, (vehicles,), float),
    )


def draw_step(key: PRNGKeyArray, vehicles: int, rsus: int) -> Draws:
    """Random numbers of one slot.

    Args:
        key: randomness.
        vehicles: number of vehicles V.
        rsus: number of road-side units S.
    """
    v, s = vehicles, rsus
    uniform_key, normal_key = jax.random.split(key)
    uniform = jax.random.uniform(uniform_key, (3 * s + 2 * v,), float)
    normal = jax.random.normal(normal_key, (2 * s + v,), float)
    defence, end, start, copy, data = jnp.split(uniform, [s, 2 * s, 3 * s, 3 * s + v])
    return Draws(
        defence=defence,
        packets=normal[: 2 * s].reshape(2, s),
        copy=copy,
        speed=normal[2 * s :],
        attack_end=end,
        attack_start=start,
        data=data,
    )
