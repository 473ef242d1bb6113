"""The units that each vehicle sees and may choose: all of them, or the nearest ones where there are many."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from edgewise.systems.agent_migration.channel import distances
from edgewise.systems.agent_migration.memory import Seen
from edgewise.systems.agent_migration.parameters import Parameters


class Sides(eqx.Module):
    """The units of the pairs that an observation shows, in an axis behind that of the vehicles.

    Attributes:
        number: of the units, [S] or [V, k].
        positions: of the units, m.
        cpu_hz, spectrum_hz: of the units.
        index: units of the pairs of each vehicle. If None, it has one with every unit.
    """

    number: Int[Array, "*p"]
    positions: Float[Array, "*p 2"]
    cpu_hz: Float[Array, "*p"]
    spectrum_hz: Float[Array, "*p"]
    index: Int[Array, "v k"] | None

    @staticmethod
    def of(p: Parameters, seen: Seen, candidates: int | None) -> Sides:
        """Those of the nearest units, see `nearest_units`. If `candidates` is None, of all."""
        if candidates is None:
            return Sides(jnp.arange(len(p.rsu_positions)), p.rsu_positions, p.cpu_hz, p.spectrum_hz, None)
        index = number = nearest_units(p, seen, candidates)
        return Sides(number, p.rsu_positions[index], p.cpu_hz[index], p.spectrum_hz[index], index)

    def of_pairs(self, table: Shaped[Array, "v s"]) -> Shaped[Array, "v k"]:
        """What a table of all vehicles and units has for the pairs."""
        return table if self.index is None else jnp.take_along_axis(table, self.index, axis=1)

    def away(self, positions: Float[Array, "v 2"]) -> Float[Array, "v k"]:
        """Distances of the pairs, m."""
        return jnp.linalg.norm(positions[:, None, :] - self.positions, axis=-1)


def nearest_units(p: Parameters, seen: Seen, candidates: int) -> Int[Array, "v k"]:
    """The units nearest to where each vehicle is expected one slot later, in the order of their numbers.

    The nearest one is always among them, and then the one that serves the vehicle.

    Args:
        p: the system.
        seen: what is seen.
        candidates: units for each vehicle; if there are fewer units, all.
    """
    distance = distances(seen.expected, p.rsu_positions)
    units = distance.shape[1]
    first = jnp.argmin(distance, axis=1)
    rank = jnp.where(seen.serving[:, None] == jnp.arange(units), -1.0, distance)
    rank = jnp.where(first[:, None] == jnp.arange(units), -2.0, rank)
    return jnp.sort(jax.lax.top_k(-rank, min(candidates, units))[1], axis=1)
