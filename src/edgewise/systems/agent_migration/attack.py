"""Intermittent denial-of-service attacks on RSUs and the moving target defence against them."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def defend(
    defence: Bool[Array, " s"], success_probability: Float[Array, ""], draw: Float[Array, " s"]
) -> Bool[Array, " s"]:
    """Where a moving target defence succeeds.

    Args:
        defence: beta_s, RSUs that run the defence.
        success_probability: q_mtd.
        draw: uniform on [0, 1).
    """
    return defence & (draw < success_probability)


def scheduled(attacks: Int[Array, "n 3"], slot: Int[Array, ""], rsus: int) -> Bool[Array, " s"]:
    """RSUs under a scheduled attack in a slot.

    Args:
        attacks: RSU, first slot and last slot of each.
        slot: number of the slot.
        rsus: number of RSUs.
    """
    unit, first, last = attacks.T
    running = (first <= slot) & (slot <= last)
    return (running[:, None] & (unit[:, None] == jnp.arange(rsus))).any(0)


def advance(
    attacked: Bool[Array, " s"],
    reconnaissance: Int[Array, " s"],
    target: Bool[Array, " s"],
    defended: Bool[Array, " s"],
    *,
    start_probability: Float[Array, ""],
    end_probability: Float[Array, ""],
    reconnaissance_slots: Int[Array, ""],
    start_draw: Float[Array, " s"],
    end_draw: Float[Array, " s"],
) -> tuple[Bool[Array, " s"], Int[Array, " s"]]:
    """Attack state and remaining reconnaissance of each RSU in the next slot.

    A successful defence ends the attack and sends the attacker back to reconnaissance. Otherwise an attack goes on with
    probability 1 - `end_probability`, and an idle target whose reconnaissance is over is hit with `start_probability`
    (f_att).
    """
    goes_on = end_draw >= end_probability
    starts = target & (reconnaissance == 0) & (start_draw < start_probability)
    attacked_next = ~defended & jnp.where(attacked, goes_on, starts)
    reconnaissance_next = jnp.where(defended, reconnaissance_slots, jnp.maximum(0, reconnaissance - 1))
    return attacked_next, reconnaissance_next
