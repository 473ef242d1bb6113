"""Replay of recorded trajectories."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from edgewise.environments.agent_migration.mobility.base import Mobility


class ReplayState(eqx.Module):
    """Slot of the recording, and the recorded place that each vehicle of the episode follows."""

    slot: Int[Array, ""]
    places: Int[Array, " v"]


class TraceReplay(Mobility):
    """An episode replays a random stretch of the recording for a random choice of its places.

    A place is a sequence of vehicles: when one leaves, another takes it over (`handover` marks the slot).

    Attributes:
        recording: coordinates in m, [slots, places, 2], without gaps.
        handover: slots in which a place has passed to another vehicle.
        episode_slots: slots of an episode; the recording must hold one more.
        vehicle_count: number of vehicles of an episode, at most the number of places.
    """

    recording: Float[Array, "l p 2"]
    handover: Bool[Array, "l p"]
    episode_slots: int = eqx.field(static=True)
    vehicle_count: int = eqx.field(static=True)

    @property
    def vehicles(self) -> int:
        return self.vehicle_count

    @property
    def start_draws(self) -> int:
        return 1 + self.recording.shape[1]

    def reset(self, start: Float[Array, " n"]) -> ReplayState:
        latest = self.recording.shape[0] - 1 - self.episode_slots
        slot = jnp.floor(start[0] * (latest + 1)).astype(int)
        places = jnp.argsort(start[1:])[: self.vehicle_count]
        return ReplayState(jnp.minimum(slot, latest), places)

    def advance(self, state: ReplayState, noise: Float[Array, " v"]) -> ReplayState:
        return ReplayState(jnp.minimum(state.slot + 1, self.recording.shape[0] - 1), state.places)

    def positions(self, state: ReplayState) -> Float[Array, "v 2"]:
        return self.recording[state.slot, state.places]

    def predict(self, state: ReplayState) -> Float[Array, "v 2"]:
        now = self.positions(state)
        before = self.recording[jnp.maximum(state.slot - 1, 0), state.places]
        return jnp.where(self.entered(state)[:, None], now, 2 * now - before)

    def entered(self, state: ReplayState) -> Bool[Array, " v"]:
        return self.handover[state.slot, state.places]
