"""What a successful defence is worth in the slots after it: the value of keeping the attacker off one unit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from edgewise.systems.agent_migration.belief import ATTACKED, IDLE, RECONNAISSANCE
from edgewise.systems.agent_migration.parameters import Parameters

DISCOUNT = 0.9
"""Weight of a slot against the one before: vehicles move on, and later slots are less and less like this one."""
OWN_SHARE = 0.5
"""What a unit serves later is taken to be this part of what it serves now; the rest is that of the mean unit."""
ITERATIONS = 30
"""Of the value function: the discount leaves 4% of what is beyond."""


def lasting_saving(
    p: Parameters,
    states: Float[Array, "s 4"],
    damage: Float[Array, " s"],
    price: Float[Array, " s"],
    known: Bool[Array, " s"] | None = None,
) -> Float[Array, " s"]:
    """Seconds that a success saves after this slot, as expected now.

    Every unit is a small decision problem of its own: a target is idle, under reconnaissance or attacked, an attack does
    damage, and a defence has its price. Its values follow by value iteration, as if states were seen from the next slot on.
    A unit that serves nobody has its defence free, and gains by it what it will serve.

    Args:
        p: the system.
        states: probability of each unit's state in this slot, see `belief`.
        damage: what an attack adds to the latency of all vehicles of each unit in this slot, s.
        price: what a defence adds to it, s.
        known: units that count in the mean. If None, all.
    """
    later, price = (OWN_SHARE * each + (1 - OWN_SHARE) * each.mean(where=known) for each in (damage, price))
    over = 1 / jnp.maximum(1, p.reconnaissance_slots)

    def following(values: tuple[Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        """Expected value one slot later: of the three states if no defence succeeds, and if one does."""
        idle, resting, attacked = values
        return (
            p.attack_frequency * attacked + (1 - p.attack_frequency) * idle,
            over * idle + (1 - over) * resting,
            (1 - p.attack_end_probability) * attacked + p.attack_end_probability * idle,
            jnp.where(p.reconnaissance_slots == 0, idle, resting),
        )

    def improve(_: Int[Array, ""] | int, values: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        idle, resting, attacked, won = (DISCOUNT * each for each in following(values))

        def best(cost: Array) -> Array:
            defended = price + (1 - p.defence_success) * cost + p.defence_success * won
            return jnp.minimum(cost, defended)

        return best(idle), best(resting), best(later + attacked)

    none = jnp.zeros_like(damage)
    idle, resting, attacked, won = following(jax.lax.fori_loop(0, ITERATIONS, improve, (none, none, none)))
    gain = (
        states[:, IDLE] * (idle - won)
        + states[:, RECONNAISSANCE] * (resting - won)
        + states[:, ATTACKED] * (attacked - won)
    )
    return DISCOUNT * gain
