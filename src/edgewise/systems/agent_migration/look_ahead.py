"""Look-ahead over one slot: what the joint choices of a slot would cost by what is believed, and the best of them."""

from __future__ import annotations

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.systems.agent_migration import recollection
from edgewise.systems.agent_migration.allocation import optimal_shares, optimal_shares_migrating
from edgewise.systems.agent_migration.assignment import FORBIDDEN, AssignmentProblem, reachable, solve
from edgewise.systems.agent_migration.channel import distances, path_gain, spectral_efficiency
from edgewise.systems.agent_migration.decision import Decision, encode
from edgewise.systems.agent_migration.defence import lasting_saving
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.knowledge import Belief, Knowledge, believe
from edgewise.systems.agent_migration.latency import migration_time, transfer_time
from edgewise.systems.agent_migration.recollection import Recollection

Defence = Literal["never", "always", "worthwhile", "lasting"]


def worthwhile_defence(
    environment: AgentMigration,
    state: AgentMigrationState,
    belief: Belief,
    share: Float[Array, " v"],
    lasting: bool = False,
) -> Bool[Array, " s"]:
    """RSUs on which a defence is expected to save more latency than the T_ext that it costs.

    Args:
        environment: the system.
        state: at the start of the slot.
        belief: what is taken for true.
        share: processor share of each vehicle.
        lasting: whether what a success saves in later slots counts too (see `defence.lasting_saving`).
    """
    p, serving = environment.parameters, state.serving
    served = serving[:, None] == jnp.arange(environment.rsus)
    up, down = (_pick(rate, serving) for rate in environment.rates(state, jnp.ones(environment.rsus)))
    deployment, processing = _present_work(environment, state, belief)
    healthy = (
        transfer_time(belief.data + belief.missing * p.agent_data, up)
        + transfer_time(p.result_share * belief.data, down)
        + (deployment + processing) / share
    )
    damage = _slowdown(environment) * (healthy @ served.astype(float))
    price = p.defence_seconds * served.sum(axis=0)
    saving = belief.attacked * damage
    if lasting:
        saving = saving + lasting_saving(p, belief.states, damage, price)
    return p.defence_success * saving > price


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
    slower = 1 + _slowdown(environment) * belief.following * jnp.where(defence, 1 - p.defence_success, 1.0)

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


def decide(environment: AgentMigration, state: AgentMigrationState, belief: Belief, rule: Defence) -> Decision:
    """Choose all targets jointly for the least expected cost of this slot and the next, then this slot's best shares.

    Args:
        environment: the system.
        state: at the start of the slot; only its visible part is read.
        belief: what is taken for true.
        rule: "never", "always", or "worthwhile" (see `worthwhile_defence`).
    """
    p = environment.parameters
    deployment, processing = _present_work(environment, state, belief)
    share = optimal_shares(deployment + processing, state.serving, environment.rsus)
    if rule in ("worthwhile", "lasting"):
        defence = worthwhile_defence(environment, state, belief, share, rule == "lasting")
    else:
        defence = jnp.full(environment.rsus, rule == "always")
    target, _ = solve(next_slot_problem(environment, state, belief, defence, share))

    effective = belief.attacked * jnp.where(defence, 1 - p.defence_success, 1.0)
    slower = 1 + _slowdown(environment) * effective[state.serving]
    migration = _pick(_migration(environment, state, effective), target)
    share = optimal_shares_migrating(
        slower * deployment, slower * processing, migration, state.serving, environment.rsus
    )
    return Decision(target, share, defence)


class LookAhead(eqx.Module):
    """The look-ahead as a policy that needs no memory.

    Attributes:
        environment: the system it acts in.
        knowledge: of the present slot only.
        defence: see `decide`.
    """

    environment: AgentMigration
    knowledge: Knowledge = eqx.field(static=True)
    defence: Defence = eqx.field(static=True)

    def __call__(
        self, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
    ) -> Float[Array, " a"]:
        """The action, from the state (and the hidden part of it only for an oracle)."""
        belief = believe(self.environment, state, self.knowledge)
        return _encode(self.environment, state, decide(self.environment, state, belief, self.defence))


class RememberingLookAhead(eqx.Module):
    """The look-ahead as a policy that remembers its episode, a `RememberingReference`.

    Attributes:
        environment: the system it acts in.
        knowledge: of the present slot and of those before.
        defence: see `decide`.
    """

    environment: AgentMigration
    knowledge: Knowledge = eqx.field(static=True)
    defence: Defence = eqx.field(static=True)

    def begin(self, state: AgentMigrationState) -> Recollection:
        """What is known at the start of an episode."""
        return recollection.begin(self.environment, state)

    def step(
        self, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"], memory: Recollection
    ) -> tuple[Float[Array, " a"], Recollection]:
        """The action, and what is known after it."""
        known = recollection.recall(self.environment, state, memory)
        belief = believe(self.environment, state, self.knowledge, known)
        decision = decide(self.environment, state, belief, self.defence)
        return _encode(self.environment, state, decision), recollection.decided(known, state, decision)


def mean_work(environment: AgentMigration) -> Float[Array, "v s"]:
    """Processor seconds that each vehicle's mean volume asks of each RSU."""
    p = environment.parameters
    return p.cycles_per_byte * p.computed_share * p.raw_data[:, None] / p.cpu_hz


def _encode(environment: AgentMigration, state: AgentMigrationState, decision: Decision) -> Float[Array, " a"]:
    return encode(
        decision.target,
        decision.share,
        decision.defence,
        environment.rsus,
        environment.parameters.share_sharpness,
        state.serving,
    )


def _present_work(
    environment: AgentMigration, state: AgentMigrationState, belief: Belief
) -> tuple[Float[Array, " v"], Float[Array, " v"]]:
    """Seconds of its RSU's healthy processor that each vehicle asks for deployment and for processing in this slot."""
    p = environment.parameters
    per_byte = p.cycles_per_byte / p.cpu_hz[state.serving]
    deployment = belief.missing * per_byte * p.agent_data
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
