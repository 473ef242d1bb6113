"""What the choices of a slot are expected to cost, by what is seen and believed."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from edgewise.systems.agent_migration.assignment import FORBIDDEN, AssignmentProblem, reachable
from edgewise.systems.agent_migration.channel import distances
from edgewise.systems.agent_migration.defence import lasting_saving
from edgewise.systems.agent_migration.knowledge import Belief
from edgewise.systems.agent_migration.latency import migration_time, transfer_time
from edgewise.systems.agent_migration.links import healthy_rates
from edgewise.systems.agent_migration.memory import Known, Seen
from edgewise.systems.agent_migration.parameters import Parameters


def mean_work(p: Parameters) -> Float[Array, "v s"]:
    """Processor seconds that each vehicle's mean volume asks of each RSU."""
    return p.cycles_per_byte * p.computed_share * p.raw_data[:, None] / p.cpu_hz


def worthwhile_defence(
    p: Parameters,
    seen: Seen,
    belief: Belief,
    share: Float[Array, " v"],
    lasting: bool = False,
) -> Bool[Array, " s"]:
    """RSUs on which a defence is expected to save more latency than the T_ext that it costs.

    Args:
        p: the system.
        seen: what is seen at the start of the slot.
        belief: what is taken for true.
        share: processor share of each vehicle.
        lasting: whether what a success saves in later slots counts too (see `defence.lasting_saving`).
    """
    serving, units = seen.serving, seen.load.shape[0]
    served = serving[:, None] == jnp.arange(units)
    distance = distances(seen.positions, p.rsu_positions)
    up, down = (pick(rate, serving) for rate in healthy_rates(p, distance, p.spectrum_hz))
    deployment, processing = present_work(p, seen, belief)
    healthy = (
        transfer_time(belief.data + belief.missing * p.agent_data, up)
        + transfer_time(p.result_share * belief.data, down)
        + (deployment + processing) / share
    )
    damage = slowdown(p) * (healthy @ served.astype(float))
    price = p.defence_seconds * served.sum(axis=0)
    saving = belief.attacked * damage
    if lasting:
        known = None if seen.known is None else seen.known.units
        saving = saving + lasting_saving(p, belief.states, damage, price, known)
    return p.defence_success * saving > price


def next_slot_problem(
    p: Parameters,
    seen: Seen,
    belief: Belief,
    defence: Bool[Array, " s"],
    share: Float[Array, " v"],
) -> AssignmentProblem:
    """Cost of the targets: what they add to this slot and the expected latency of the next one.

    This slot pays max(0, T_mig - T_pro) and the charge for distrust. The next one pays radio time, optimally shared
    processor time and the charge for overload at the expected positions, slowed by the attacks that are expected to go
    on, and the upload and deployment of an agent whose copy an attack may destroy on the way.

    Args:
        p: the system.
        seen: what is seen at the start of the slot.
        belief: what is taken for true.
        defence: RSUs that run a defence in this slot.
        share: processor share of each vehicle in this slot.
    """
    serving, units = seen.serving, seen.load.shape[0]
    effective = belief.attacked * jnp.where(defence, 1 - p.defence_success, 1.0)
    slower = 1 + slowdown(p) * belief.following * jnp.where(defence, 1 - p.defence_success, 1.0)

    distance = distances(belief.next_positions, p.rsu_positions)
    up, down = (rate / slower for rate in healthy_rates(p, distance, p.spectrum_hz))
    data, agent = p.raw_data[:, None], p.agent_data[:, None]
    work = mean_work(p)
    redeployed = work + p.cycles_per_byte * agent / p.cpu_hz

    moves = serving[:, None] != jnp.arange(units)
    exposed = jnp.maximum(effective[serving][:, None], effective)
    lost = jnp.where(moves, p.copy_loss_probability * exposed, 0.0)

    _, processing = present_work(p, seen, belief)
    present_processing = processing / share * (1 + slowdown(p) * effective[serving])
    waiting = jnp.maximum(0.0, migration_seconds(p, seen, effective) - present_processing[:, None])

    fixed = (
        waiting
        + p.trust_penalty_s * belief.distrust
        + transfer_time(jnp.broadcast_to(data, up.shape) + lost * agent, up)
        + transfer_time(jnp.broadcast_to(p.result_share * data, down.shape), down)
    )
    problem = AssignmentProblem(
        fixed=jnp.where(reachable(among_known(seen, distance), p.coverage), fixed, FORBIDDEN),
        root=((1 - lost) * jnp.sqrt(work) + lost * jnp.sqrt(redeployed)) * jnp.sqrt(slower),
        load=work,
        capacity=jnp.full(units, p.max_load * p.slot_seconds),
        overload_price=p.overload_penalty,
    )
    return problem if seen.known is None else _of_known(problem, seen.known)


def among_known(seen: Seen, distance: Float[Array, "v s"]) -> Float[Array, "v s"]:
    """Distances to the units that are known; the others are infinitely far."""
    return distance if seen.known is None else jnp.where(seen.known.units, distance, jnp.inf)


def _of_known(problem: AssignmentProblem, known: Known) -> AssignmentProblem:
    """The problem in which vehicles that are not known cost nothing anywhere, and units that are not known serve nobody."""
    vehicles = known.vehicles[:, None]
    both = vehicles & known.units
    return replace(
        problem,
        fixed=jnp.where(vehicles, problem.fixed, 0.0),
        root=jnp.where(both, problem.root, 0.0),
        load=jnp.where(both, problem.load, 0.0),
    )


def present_work(p: Parameters, seen: Seen, belief: Belief) -> tuple[Float[Array, " v"], Float[Array, " v"]]:
    """Seconds of its RSU's healthy processor that each vehicle asks for deployment and for processing in this slot."""
    per_byte = p.cycles_per_byte / p.cpu_hz[seen.serving]
    deployment = belief.missing * per_byte * p.agent_data
    return deployment, per_byte * p.computed_share * belief.data


def migration_seconds(p: Parameters, seen: Seen, effective: Float[Array, " s"]) -> Float[Array, "v s"]:
    """T_mig from the serving RSU to every other in s, over links slowed by the expected attacks."""
    health = 1 - p.attack_severity * effective
    link = p.backhaul_bps * jnp.minimum(health[seen.serving][:, None], health)
    return migration_time(jnp.broadcast_to(p.agent_data[:, None], link.shape), p.hops[seen.serving], link)


def slowdown(p: Parameters) -> Float[Array, ""]:
    """What an attack adds to every latency of an RSU, as a part of its healthy value."""
    return 1 / (1 - p.attack_severity) - 1


def pick(table: Float[Array, "v s"], column: Int[Array, " v"]) -> Float[Array, " v"]:
    """Each vehicle's entry of a table, in the column given for it."""
    return jnp.take_along_axis(table, column[:, None], axis=1)[:, 0]
