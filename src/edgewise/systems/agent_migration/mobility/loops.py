"""Vehicles on closed rectangular loops over the area, of which RSUs see different parts."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from edgewise.systems.agent_migration.mobility.base import Mobility

# x0, y0, x1, y1 as fractions of the area, and the direction (+1 counter-clockwise)
LOOPS = (
    (0.15, 0.15, 0.85, 0.85, 1.0),
    (0.10, 0.10, 0.90, 0.50, -1.0),
    (0.10, 0.50, 0.90, 0.90, 1.0),
    (0.10, 0.10, 0.50, 0.90, -1.0),
    (0.50, 0.10, 0.90, 0.90, 1.0),
    (0.25, 0.25, 0.75, 0.75, -1.0),
    (0.05, 0.30, 0.95, 0.70, 1.0),
    (0.30, 0.05, 0.70, 0.95, -1.0),
)
NOISE_LIMIT = 2.0  # standard deviations, so that no vehicle drives backwards


class LoopState(eqx.Module):
    """Arc length from the lower left corner, counter-clockwise, in m, and speed of the episode in m/s."""

    progress: Float[Array, " v"]
    speed: Float[Array, " v"]


class RectangularLoops(Mobility):
    """Each vehicle drives round its rectangle at a speed of its own.

    Attributes:
        rectangles: x0, y0, x1, y1 of each vehicle in m.
        direction: +1 counter-clockwise, -1 clockwise.
        speed_range: lowest and highest speed of an episode, m/s.
        speed_spread: relative standard deviation of a slot's speed.
        slot_seconds: s.
    """

    rectangles: Float[Array, "v 4"]
    direction: Float[Array, " v"]
    speed_range: Float[Array, " 2"]
    speed_spread: Float[Array, ""]
    slot_seconds: Float[Array, ""]

    @classmethod
    def build(
        cls,
        vehicles: int,
        origin_m: tuple[float, float],
        area_m: float,
        speed_range_m_s: tuple[float, float],
        speed_spread: float,
        slot_seconds: float,
    ) -> RectangularLoops:
        """The eight loops of the default scenario, scaled to the area and repeated for more vehicles."""
        table = np.asarray(LOOPS)[np.arange(vehicles) % len(LOOPS)]
        corners = table[:, :4] * area_m + np.tile(np.asarray(origin_m), 2)
        return cls.of_rectangles(corners, table[:, 4], speed_range_m_s, speed_spread, slot_seconds)

    @classmethod
    def of_rectangles(
        cls,
        rectangles: Float[np.ndarray, "v 4"],
        direction: Float[np.ndarray, " v"],
        speed_range_m_s: tuple[float, float],
        speed_spread: float,
        slot_seconds: float,
    ) -> RectangularLoops:
        """Loops of one's own.

        Args:
            rectangles: x0, y0, x1, y1 of each vehicle in m, x0 < x1 and y0 < y1.
            direction: +1 counter-clockwise, -1 clockwise, of each vehicle.
            speed_range_m_s: lowest and highest speed of an episode, m/s.
            speed_spread: relative standard deviation of a slot's speed.
            slot_seconds: length of a slot, s.
        """
        return cls(
            rectangles=jnp.asarray(rectangles, dtype=float),
            direction=jnp.asarray(direction, dtype=float),
            speed_range=jnp.asarray(speed_range_m_s, dtype=float),
            speed_spread=jnp.asarray(speed_spread, dtype=float),
            slot_seconds=jnp.asarray(slot_seconds, dtype=float),
        )

    @property
    def vehicles(self) -> int:
        return self.direction.shape[-1]

    @property
    def start_draws(self) -> int:
        return 2 * self.vehicles

    def reset(self, start: Float[Array, " n"]) -> LoopState:
        progress, speed = jnp.split(start, 2)
        low, high = self.speed_range
        return LoopState(progress * self._perimeter, low + (high - low) * speed)

    def advance(self, state: LoopState, noise: Float[Array, " v"]) -> LoopState:
        factor = 1 + self.speed_spread * jnp.clip(noise, -NOISE_LIMIT, NOISE_LIMIT)
        return LoopState(state.progress + self.direction * state.speed * factor * self.slot_seconds, state.speed)

    def positions(self, state: LoopState) -> Float[Array, "v 2"]:
        return self._locate(state.progress)

    def predict(self, state: LoopState) -> Float[Array, "v 2"]:
        return self._locate(state.progress + self.direction * self.speed_range.mean() * self.slot_seconds)

    def predict_at(self, state: LoopState, pace: Float[Array, " v"]) -> Float[Array, "v 2"]:
        return self._locate(state.progress + self.direction * pace * self.speed_range.mean() * self.slot_seconds)

    def entered(self, state: LoopState) -> Bool[Array, " v"]:
        return jnp.zeros(self.vehicles, dtype=bool)

    @property
    def _perimeter(self) -> Float[Array, " v"]:
        x0, y0, x1, y1 = self.rectangles.T
        return 2 * (x1 - x0 + y1 - y0)

    def _locate(self, progress: Float[Array, " v"]) -> Float[Array, "v 2"]:
        x0, y0, x1, y1 = self.rectangles.T
        width, height = x1 - x0, y1 - y0
        arc = jnp.mod(progress, self._perimeter)
        x = x0 + jnp.clip(arc, 0, width) - jnp.clip(arc - width - height, 0, width)
        y = y0 + jnp.clip(arc - width, 0, height) - jnp.clip(arc - 2 * width - height, 0, height)
        return jnp.stack([x, y], axis=-1)
