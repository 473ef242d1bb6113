"""Replay of recorded trajectories."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from edgewise.common.errors import ConfigurationError, check_integer
from edgewise.systems.agent_migration.mobility.base import Mobility


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
        persistence: part of a vehicle's last displacement that it is expected to repeat in the next slot.
        episode_slots: slots of an episode; the recording must hold one more.
        vehicle_count: number of vehicles of an episode, at most the number of places.
    """

    recording: Float[Array, "l p 2"]
    handover: Bool[Array, "l p"]
    persistence: Float[Array, ""]
    episode_slots: int = eqx.field(static=True)
    vehicle_count: int = eqx.field(static=True)

    @classmethod
    def build(
        cls,
        recording: Float[np.ndarray, "l p 2"],
        handover: Bool[np.ndarray, "l p"],
        episode_slots: int,
        vehicles: int,
    ) -> TraceReplay:
        """Replay a recording.

        Args:
            recording: coordinates in m.
            handover: slots in which a place has passed to another vehicle.
            episode_slots: slots of an episode.
            vehicles: number of vehicles of an episode.

        Raises:
            ConfigurationError: if the recording is too short or has too few places.
        """
        slots, places = handover.shape
        check_integer("slots", episode_slots, 1)
        check_integer("vehicles", vehicles, 1)
        if episode_slots + 1 > slots:
            allowed = f"at most {slots - 1}, one less than the {slots} slots of the recording"
            raise ConfigurationError("slots", episode_slots, allowed)
        if vehicles > places:
            raise ConfigurationError("vehicles", vehicles, f"at most {places}, the places of the recording")
        return cls(
            recording=jnp.asarray(recording, dtype=float),
            handover=jnp.asarray(handover),
            persistence=jnp.asarray(fit_persistence(recording, handover), dtype=float),
            episode_slots=episode_slots,
            vehicle_count=vehicles,
        )

    @property
    def vehicles(self) -> int:
        return self.vehicle_count

    @property
    def start_draws(self) -> int:
        return 1 + self.handover.shape[-1]

    @property
    def most_visitors(self) -> int:
        so_far = np.cumsum(np.asarray(self.handover), axis=0)
        return 1 + int((so_far[self.episode_slots :] - so_far[: -self.episode_slots]).max())

    def reset(self, start: Float[Array, " n"]) -> ReplayState:
        latest = self.handover.shape[0] - 1 - self.episode_slots
        slot = jnp.floor(start[0] * (latest + 1)).astype(int)
        places = jnp.argsort(start[1:])[: self.vehicle_count]
        return ReplayState(jnp.minimum(slot, latest), places)

    def advance(self, state: ReplayState, noise: Float[Array, " v"]) -> ReplayState:
        return ReplayState(jnp.minimum(state.slot + 1, self.handover.shape[0] - 1), state.places)

    def positions(self, state: ReplayState) -> Float[Array, "v 2"]:
        return self.recording[state.slot, state.places]

    def predict(self, state: ReplayState) -> Float[Array, "v 2"]:
        now = self.positions(state)
        before = self.recording[jnp.maximum(state.slot - 1, 0), state.places]
        return now + jnp.where(self.entered(state)[:, None], 0.0, self.persistence * (now - before))

    def entered(self, state: ReplayState) -> Bool[Array, " v"]:
        return self.handover[state.slot, state.places]


def fit_persistence(recording: Float[np.ndarray, "l p 2"], handover: Bool[np.ndarray, "l p"]) -> float:
    """Least-squares part of a displacement that vehicles repeat in the slot after, in [0, 1].

    Traffic lights and turns make it less than 1 where slots are long: 0.60 at 30 s and 0.78 at 10 s in a town's morning
    traffic.

    Args:
        recording: coordinates in m.
        handover: slots in which a place has passed to another vehicle; steps across one do not count.
    """
    step = np.diff(np.asarray(recording, dtype=float), axis=0)
    usable = ~(handover[1:-1] | handover[2:])
    before, after = step[:-1][usable], step[1:][usable]
    power = np.sum(before * before)
    return float(np.clip(np.sum(before * after) / power, 0, 1)) if power > 0 else 1.0
