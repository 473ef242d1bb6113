"""Look-ahead over one slot: what is believed, what the joint choices of a slot would cost, and the best of them.

A belief takes from the state only what an observation with reputations shows and what is known beforehand; that of the
oracle reads the hidden state as well.
"""

from __future__ import annotations

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.systems.agent_migration.allocation import optimal_shares, optimal_shares_migrating
from edgewise.systems.agent_migration.assignment import FORBIDDEN, AssignmentProblem, reachable, solve
from edgewise.systems.agent_migration.channel import distances, path_gain, spectral_efficiency
from edgewise.systems.agent_migration.decision import encode
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.latency import migration_time, transfer_time

Knowledge = Literal["blind", "trust", "oracle"]
Defence = Literal["never", "always", "worthwhile"]


class Belief(eqx.Module):
    """What a look-ahead takes for true.

    Attributes:
        attacked: probability that each RSU is under attack in this slot.
        data: volume each vehicle sends in this slot, byte.
        missing: where the serving RSU lacks the vehicle's agent.
        next_positions: coordinates one slot later, m.
        distrust: reputation below the threshold, which (22d) charges; nowhere where reputation is ignored.
    """

    attacked: Float[Array, " s"]
    data: Float[Array, " v"]
    missing: Bool[Array, " v"]
    next_positions: Float[Array, "v 2"]
    distrust: Bool[Array, "v s"]


def believe(environment: AgentMigration, state: AgentMigrationState, knowledge: Knowledge) -> Belief:
    """What can be believed at the start of a slot.

    Args:
        environment: the system.
        state: at the start of the slot.
        knowledge: "blind" believes in no attack; "trust" takes an RSU for attacked when it is flagged, that is when its
            mean reputation is below the threshold; "oracle" knows the attacks, volumes, copies and the vehicles' own
            speeds, and pays no heed to distrust.
    """
    p, mobility = environment.parameters, environment.mobility
    if knowledge == "oracle":
        return Belief(
            attacked=state.attacked.astype(float),
            data=state.data,
            missing=~state.copy_present,
            next_positions=mobility.positions(mobility.advance(state.mobility, jnp.zeros(environment.vehicles))),
            distrust=jnp.zeros_like(state.reputation, dtype=bool),
        )
    trusting = jnp.asarray(knowledge == "trust")
    flagged = state.reputation.mean(axis=0) < p.reputation_threshold
    return Belief(
        attacked=(trusting & flagged).astype(float),
        data=p.raw_data,
        missing=jnp.zeros(environment.vehicles, dtype=bool),
        next_positions=mobility.predict(state.mobility),
        distrust=trusting & (state.reputation < p.reputation_threshold),
    )


def worthwhile_defence(
    environment: AgentMigration, state: AgentMigrationState, belief: Belief, share: Float[Array, " v"]
) -> Bool[Array, " s"]:
    """RSUs on which a defence is expected to save more latency in this slot than the T_ext that it costs.

    Args:
        environment: the system.
        state: at the start of the slot.
        belief: what is taken for true.
        share: processor share of each vehicle.
    """
    p, serving = environment.parameters, state.serving
    served = serving[:, None] == jnp.arange(environment.rsus)
    up, down = (_pick(rate, serving) for rate in environment.rates(state, jnp.ones(environment.rsus)))
    deployment, processing = _present_work(environment, state, belief)
    healthy = (
        transfer_time(belief.data + jnp.where(belief.missing, p.agent_data, 0.0), up)
        + transfer_time(p.result_share * belief.data, down)
        + (deployment + processing) / share
    )
    saving = p.defence_success * belief.attacked * _slowdown(environment) * (healthy @ served.astype(float))
    return saving > p.defence_seconds * served.sum(axis=0)


def next_slot_problem(
    environment: AgentMigration,
    state: AgentMigrationState,
    belief: Belief,
    defence: Bool[Array, " s"],
    share: Float[Array, " v"],
) -> AssignmentProblem:
    """Cost of the targets: what they add to this slot and the expected latency of the next one.

    This slot pays max(0, T_mig - T_pro) and the charge for distrust. The next one pays radio time, optimally shared
    processor time and the charge for overload at the expected positions, slowed by the attacks that are expected to go
    on, and the upload and deployment of an agent whose copy an attack may destroy on the way.

    Args:
        environment: the system.
        state: at the start of the slot.
        belief: what is taken for true.
        defence: RSUs that run a defence in this slot.
        share: processor share of each vehicle in this slot.
    """
    p, serving = environment.parameters, state.serving
    effective = belief.attacked * jnp.where(defence, 1 - p.defence_success, 1.0)
    slower = 1 + _slowdown(environment) * effective * (1 - p.attack_end_probability)

    distance = distances(belief.next_positions, p.rsu_positions)
    gain = path_gain(distance, p.carrier_hz, p.antenna_gain, p.minimum_distance)
    up = p.spectrum_hz * spectral_efficiency(gain, p.vehicle_power, p.noise) / slower
    down = p.spectrum_hz * spectral_efficiency(gain, p.rsu_power, p.noise) / slower
    data, agent = p.raw_data[:, None], p.agent_data[:, None]
    work = mean_work(environment)
    redeployed = work + p.cycles_per_byte * agent / p.cpu_hz

    moves = serving[:, None] != jnp.arange(environment.rsus)
    exposed = jnp.maximum(effective[serving][:, None], effective)
    lost = jnp.where(moves, p.copy_loss_probability * exposed, 0.0)

    _, processing = _present_work(environment, state, belief)
    present_processing = processing / share * (1 + _slowdown(environment) * effective[serving])
    waiting = jnp.maximum(0.0, _migration(environment, state, effective) - present_processing[:, None])

    fixed = (
        waiting
        + p.trust_penalty_s * belief.distrust
        + transfer_time(jnp.broadcast_to(data, up.shape) + lost * agent, up)
        + transfer_time(jnp.broadcast_to(p.result_share * data, down.shape), down)
    )
    return AssignmentProblem(
        fixed=jnp.where(reachable(distance, p.coverage), fixed, FORBIDDEN),
        root=((1 - lost) * jnp.sqrt(work) + lost * jnp.sqrt(redeployed)) * jnp.sqrt(slower),
        load=work,
        capacity=jnp.full(environment.rsus, p.max_load * p.slot_seconds),
        overload_price=p.overload_penalty,
    )


class LookAhead(eqx.Module):
    """Choose all targets jointly for the least expected cost of this slot and the next, then this slot's best shares.

    Attributes:
        environment: the system it acts in.
        knowledge: see `believe`.
        defence: "never", "always", or "worthwhile" (see `worthwhile_defence`).
    """

    environment: AgentMigration
    knowledge: Knowledge = eqx.field(static=True)
    defence: Defence = eqx.field(static=True)

    def __call__(
        self, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
    ) -> Float[Array, " a"]:
        """The action, from the state (and the hidden part of it only for an oracle)."""
        environment, p = self.environment, self.environment.parameters
        belief = believe(environment, state, self.knowledge)
        deployment, processing = _present_work(environment, state, belief)
        share = optimal_shares(deployment + processing, state.serving, environment.rsus)
        if self.defence == "worthwhile":
            defence = worthwhile_defence(environment, state, belief, share)
        else:
            defence = jnp.full(environment.rsus, self.defence == "always")
        target, _ = solve(next_slot_problem(environment, state, belief, defence, share))

        effective = belief.attacked * jnp.where(defence, 1 - p.defence_success, 1.0)
        slower = 1 + _slowdown(environment) * effective[state.serving]
        migration = _pick(_migration(environment, state, effective), target)
        share = optimal_shares_migrating(
            slower * deployment, slower * processing, migration, state.serving, environment.rsus
        )
        return encode(target, share, defence, environment.rsus, p.share_sharpness, state.serving)


def mean_work(environment: AgentMigration) -> Float[Array, "v s"]:
    """Processor seconds that each vehicle's mean volume asks of each RSU."""
    p = environment.parameters
    return p.cycles_per_byte * p.computed_share * p.raw_data[:, None] / p.cpu_hz


def _present_work(
    environment: AgentMigration, state: AgentMigrationState, belief: Belief
) -> tuple[Float[Array, " v"], Float[Array, " v"]]:
    """Seconds of its RSU's healthy processor that each vehicle asks for deployment and for processing in this slot."""
    p = environment.parameters
    per_byte = p.cycles_per_byte / p.cpu_hz[state.serving]
    deployment = jnp.where(belief.missing, per_byte * p.agent_data, 0.0)
    return deployment, per_byte * p.computed_share * belief.data


def _migration(
    environment: AgentMigration, state: AgentMigrationState, effective: Float[Array, " s"]
) -> Float[Array, "v s"]:
    """T_mig from the serving RSU to every other in s, over links slowed by the expected attacks."""
    p = environment.parameters
    health = 1 - p.attack_severity * effective
    link = p.backhaul_bps * jnp.minimum(health[state.serving][:, None], health)
    return migration_time(jnp.broadcast_to(p.agent_data[:, None], link.shape), p.hops[state.serving], link)


def _slowdown(environment: AgentMigration) -> Float[Array, ""]:
    """What an attack adds to every latency of an RSU, as a part of its healthy value."""
    return 1 / (1 - environment.parameters.attack_severity) - 1


def _pick(table: Float[Array, "v s"], column: Int[Array, " v"]) -> Float[Array, " v"]:
    return jnp.take_along_axis(table, column[:, None], axis=1)[:, 0]
