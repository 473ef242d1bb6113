"""The system as it happens: vehicles are where somebody says, everything else follows the equations of the environment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from edgewise.systems.agent_migration import attack, trust
from edgewise.systems.agent_migration.decision import Decision
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.mobility.base import Mobility
from edgewise.systems.agent_migration.sampling import ResetDraws, draw_reset, draw_step


class LiveState(eqx.Module):
    """Where vehicles are, m, and where they will be one slot later.

    Attributes:
        now, before, following: positions in this slot, the last and the next one.
        new, changing: places that another vehicle has taken over in this slot, and does in the next one.
    """

    now: Float[Array, "v 2"]
    before: Float[Array, "v 2"]
    following: Float[Array, "v 2"]
    new: Bool[Array, " v"]
    changing: Bool[Array, " v"]


class LiveMobility(Mobility):
    """Positions that are told slot by slot.

    Attributes:
        persistence: part of a vehicle's last displacement that it is expected to repeat.
        vehicle_count: number of places.
    """

    persistence: Float[Array, ""]
    vehicle_count: int = eqx.field(static=True)

    @property
    def vehicles(self) -> int:
        return self.vehicle_count

    @property
    def start_draws(self) -> int:
        return 2 * self.vehicle_count

    def reset(self, start: Float[Array, " n"]) -> LiveState:
        """All at the positions that `start` holds, x and y in turn, m."""
        places = start.reshape(-1, 2)
        nobody = jnp.zeros(self.vehicle_count, bool)
        return LiveState(places, places, places, nobody, nobody)

    def advance(self, state: LiveState, noise: Float[Array, " v"]) -> LiveState:
        nobody = jnp.zeros_like(state.changing)
        return LiveState(state.following, state.now, state.following, state.changing, nobody)

    def positions(self, state: LiveState) -> Float[Array, "v 2"]:
        return state.now

    def predict(self, state: LiveState) -> Float[Array, "v 2"]:
        return state.now + jnp.where(state.new[:, None], 0.0, self.persistence * (state.now - state.before))

    def entered(self, state: LiveState) -> Bool[Array, " v"]:
        return state.new


class Lived(eqx.Module):
    """What a slot has brought.

    Attributes:
        latency: of each vehicle, s.
        sent: packets to each unit.
        lost: of them those that it has not received, and not forwarded.
    """

    latency: Float[Array, " v"]
    sent: Float[Array, " s"]
    lost: Float[Array, "2 s"]


def begin(
    environment: AgentMigration, positions: Float[np.ndarray, "v 2"], there: Bool[np.ndarray, " v"], key: PRNGKeyArray
) -> AgentMigrationState:
    """The first slot.

    Args:
        environment: the system, with a `LiveMobility`.
        positions: of the vehicles, m.
        there: places that a vehicle has taken; the others ask for nothing.
        key: randomness of targets and volumes.
    """
    drawn = draw_reset(key, 0, environment.vehicles, environment.rsus)
    placed = ResetDraws(jnp.asarray(positions, float).reshape(-1), drawn.targets, drawn.data)
    return _quiet(environment.reset_from(placed), jnp.asarray(there))


@eqx.filter_jit
def live(
    environment: AgentMigration,
    state: AgentMigrationState,
    decision: Decision,
    following: tuple[Float[Array, "v 2"], Bool[Array, " v"], Bool[Array, " v"]],
    there: Bool[Array, " v"],
    key: PRNGKeyArray,
) -> tuple[AgentMigrationState, Lived]:
    """One slot.

    Args:
        environment: the system, with a `LiveMobility`.
        state: at the start of the slot.
        decision: what is carried out.
        following: positions at its end in m, places that pass to another vehicle, and places that are taken then.
        there: places that are taken now.
        key: randomness of the slot.
    """
    positions, changing, then = following
    told = replace(state.mobility, following=positions, changing=changing)
    state = replace(state, mobility=told)
    draws, p = draw_step(key, environment.vehicles, environment.rsus), environment.parameters
    next_state, _, latency = environment.carry_out(state, decision, draws)
    hit = state.attacked & ~attack.defend(decision.defence, p.defence_success, draws.defence)
    served = ((state.serving[:, None] == jnp.arange(environment.rsus)) & there[:, None]).sum(0)
    sent = p.beacon_packets + p.vehicle_packets * served
    loss = jnp.where(hit, p.attacked_packet_loss, p.packet_loss)
    lost = jnp.stack([trust.failed_packets(sent, loss, noise) for noise in draws.packets])
    return _quiet(next_state, then), Lived(latency.total, sent, lost)


def _quiet(state: AgentMigrationState, there: Bool[Array, " v"]) -> Any:
    """A state in which places without a vehicle ask for nothing."""
    return replace(state, data=jnp.where(there, state.data, 0.0), copy_present=state.copy_present | ~there)
