"""The entity observation: what an operator sees and remembers, as named numbers of vehicles, units and their pairs.

All of them are of the size of one in any system: times are in half minutes, distances in coverage radii, volumes in 1e9 byte.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from edgewise.environments.bipartite import COLUMN, Bipartite
from edgewise.environments.quantities import MOST, Quantity, bounded, entities
from edgewise.environments.spaces import MASK, Choices, padded
from edgewise.systems.agent_migration import belief
from edgewise.systems.agent_migration.allocation import optimal_shares
from edgewise.systems.agent_migration.costs import among_known, slowdown
from edgewise.systems.agent_migration.defence import lasting_saving
from edgewise.systems.agent_migration.latency import migration_time, transfer_time
from edgewise.systems.agent_migration.links import healthy_rates
from edgewise.systems.agent_migration.memory import Known, Memory, Seen
from edgewise.systems.agent_migration.parameters import Parameters
from edgewise.systems.agent_migration.plan import Plan, plan
from edgewise.systems.agent_migration.sides import Sides
from edgewise.systems.agent_migration.unseen import without

VEHICLES, UNITS, PAIRS = "vehicles", "units", "pairs"
GIGABYTE = 1e9
HALF_MINUTE = 30.0
"""Unit of times, s: about the latency of a request. Charges are in seconds in any system, so times are too."""
REPUTATION = (-3.0, 1.5)
"""Bounds of reputations: (20) with delivery ratios from -1 leaves at least -1, and I as (B_t - (1 - xi) B_{t-1}) / xi is
rounded."""


TIME, LOAD, LENGTH, SHARE, FLAG = (
    Quantity("30 s"),
    Quantity("slot"),
    Quantity("coverage radius"),
    Quantity("1", 0, 1),
    Quantity(None),
)
TRUST = Quantity("1", *REPUTATION)

VEHICLE_FIELDS = {
    "data": Quantity("1e9 byte"),
    "agent": Quantity("1e9 byte"),
    "tolerance": TIME,
    "entered": FLAG,
    "fell_back": FLAG,
    "moved": LENGTH,
    "speed": LENGTH,
    "healthy_latency": TIME,
    "share": SHARE,
}
"""Mean volume per slot; size of the agent; T_max; whether another vehicle has just taken this place over; whether its agent's
copy is missing; distance moved in the last slot and per slot so far; latency in this slot if its unit is healthy; share of its
unit's processor in closed form."""
UNIT_FIELDS = {
    "trust": TRUST,
    "latest": TRUST,
    "latest_before": TRUST,
    "lowest": TRUST,
    "highest": TRUST,
    "average": TRUST,
    "defended": FLAG,
    "load": LOAD,
    "expected_load": LOAD,
    "excess_load": Quantity("slot", -MOST, MOST),
    "served": Quantity("10 vehicles"),
    "saving": Quantity("30 s", -MOST, MOST),
    "expected_saving": Quantity("30 s", -MOST, MOST),
    "lasting_saving": Quantity("30 s", -MOST, MOST),
    "planned_defence": FLAG,
    "not_a_target": SHARE,
    "idle": SHARE,
    "reconnaissance": SHARE,
    "attacked": SHARE,
    "attacked_next": SHARE,
    "attack_frequency": SHARE,
    "attack_end": SHARE,
    "slowdown": Quantity("1"),
    "defence_success": SHARE,
    "defence_time": TIME,
}
"""Users' mean of B less the threshold, of I in the last slot and the one before, its extremes and running average; own last
defence; processor time that waits, that is expected by mean volumes, and their difference; vehicles served; what a defence
saves each of them if the unit is attacked, by the belief, and by the belief with all later slots; whether one is planned;
the belief; the attacker's habits, what an attack adds to a latency, and what a defence is worth and costs."""
PAIR_FIELDS = {
    "distance": LENGTH,
    "distance_next": LENGTH,
    "distance_own": LENGTH,
    "distance_before": LENGTH,
    "reach": FLAG,
    "reach_next": FLAG,
    "reach_own": FLAG,
    "nearest_next": FLAG,
    "serving": FLAG,
    "target_before": FLAG,
    "radio": TIME,
    "radio_next": TIME,
    "radio_own": TIME,
    "processing": TIME,
    "root_processing": Quantity("(30 s)^(1/2)"),
    "load": LOAD,
    "redeployment": TIME,
    "migration": TIME,
    "trust": TRUST,
    "distrusted": FLAG,
    "latest": TRUST,
    "change": Quantity("1", -3.0, 3.0),
    "trust_before": TRUST,
    "expected": TIME,
    "expected_root": Quantity("(30 s)^(1/2)"),
    "regret": TIME,
    "planned": FLAG,
}
"""Distance now, at the expected next position, at that by the vehicle's own speed, and one slot ago; whether they are in reach;
the nearest one next; who serves; last target; radio time of the mean volume at the three positions; processor time of it, and
its root, and in slots; upload and deployment of a missing agent; migration from the serving unit; B less the threshold, its
sign, I, its change, and B one slot ago less the threshold; the expected cost beside the processor's, and the root of that; what
a target costs everyone beyond the vehicle's best one if the others do as planned; the planned target."""


def space(vehicles: int, units: int, candidates: int | None = None) -> Bipartite:
    """The space of the observation; see `observe`."""
    width = units if candidates is None else min(candidates, units)

    sets = {
        VEHICLES: entities(VEHICLE_FIELDS, vehicles),
        UNITS: entities(UNIT_FIELDS, units),
        PAIRS: entities(PAIR_FIELDS, vehicles, (width,)),
    }
    if candidates is not None:
        sets[PAIRS] = replace(sets[PAIRS], fields={**sets[PAIRS].fields, COLUMN: Choices((width,), units)})
    return Bipartite(sets, rows=VEHICLES, columns=UNITS)


def observe(
    p: Parameters, seen: Seen, memory: Memory, candidates: int | None = None, unseen: tuple[str, ...] = ()
) -> dict[str, dict[str, Array]]:
    """The observation at the start of a slot.

    Args:
        p: the system; what it says of the attacker is taken for known, what happens to whom is not.
        seen: what is seen.
        memory: what is remembered.
        candidates: units with which each vehicle has a pair, see `sides.nearest_units`. If None, all.
        unseen: groups of fields that are 0, see `unseen`.

    Returns:
        An element of `space`.
    """
    sides = Sides.of(p, seen, candidates)
    states = belief.states(p, memory.filter)
    planned = plan(p, seen, memory, states)
    pairs = pair_quantities(p, seen, memory, sides, planned)
    vehicles = vehicle_quantities(p, seen, memory)
    units = unit_quantities(p, seen, memory, vehicles, states, planned)
    everyone = jnp.ones(seen.serving.shape, bool)
    listed = {} if sides.index is None else {COLUMN: sides.index}
    everything = {
        VEHICLES: {MASK: everyone, **bounded(VEHICLE_FIELDS, vehicles)},
        UNITS: {MASK: jnp.ones(seen.load.shape, bool), **bounded(UNIT_FIELDS, units)},
        PAIRS: {MASK: everyone, **bounded(PAIR_FIELDS, pairs), **listed},
    }
    shown = without(everything, unseen)
    return shown if seen.known is None else _of_known(shown, seen.known)


def radio_time(
    p: Parameters, data: Float[Array, "*p"], distance: Float[Array, "*p"], spectrum_hz: Float[Array, ...]
) -> Float[Array, "*p"]:
    """Seconds of upload and download of a volume (byte) at a healthy unit in the given distance (m), with its spectrum."""
    up, down = healthy_rates(p, distance, spectrum_hz)
    return transfer_time(data, up) + transfer_time(p.result_share * data, down)


def expected_work(p: Parameters, seen: Seen, memory: Memory) -> tuple[Float[Array, " v"], Float[Array, " v"]]:
    """What each vehicle asks for in this slot, seconds of its unit's whole processor.

    Returns:
        Deployment, if its agent's copy is known to be missing; and processing of its mean volume.
    """
    per_byte = p.cycles_per_byte / p.cpu_hz[seen.serving]
    return jnp.where(memory.fell_back, per_byte * p.agent_data, 0.0), per_byte * p.computed_share * p.raw_data


def closed_form_shares(p: Parameters, seen: Seen, memory: Memory) -> Float[Array, " v"]:
    """The shares that are best for the expected work, see `allocation.optimal_shares`."""
    deployment, processing = expected_work(p, seen, memory)
    return optimal_shares(deployment + processing, seen.serving, seen.load.shape[0])


def pair_quantities(p: Parameters, seen: Seen, memory: Memory, sides: Sides, planned: Plan) -> dict[str, Array]:
    """`PAIR_FIELDS`, [V, S] each, or [V, k] of the candidates."""
    now, next_, own, before = (
        sides.away(position) for position in (seen.positions, seen.expected, seen.ahead, memory.positions)
    )
    processing = p.cycles_per_byte * p.computed_share * p.raw_data[:, None] / sides.cpu_hz
    data, agent = (jnp.broadcast_to(each[:, None], now.shape) for each in (p.raw_data, p.agent_data))
    redeployment = (
        transfer_time(agent, healthy_rates(p, next_, sides.spectrum_hz)[0]) + p.cycles_per_byte * agent / sides.cpu_hz
    )
    hops = p.hops[seen.serving] if sides.index is None else p.hops[seen.serving[:, None], sides.index]
    reputation = sides.of_pairs(seen.reputation)
    return {
        "distance": now / p.coverage,
        "distance_next": next_ / p.coverage,
        "distance_own": own / p.coverage,
        "distance_before": before / p.coverage,
        "reach": now <= p.coverage,
        "reach_next": next_ <= p.coverage,
        "reach_own": own <= p.coverage,
        "nearest_next": next_ == (next_ if seen.known is None else among_known(seen, next_)).min(axis=1, keepdims=True),
        "serving": seen.serving[:, None] == sides.number,
        "target_before": memory.target[:, None] == sides.number,
        "radio": radio_time(p, data, now, sides.spectrum_hz) / HALF_MINUTE,
        "radio_next": radio_time(p, data, next_, sides.spectrum_hz) / HALF_MINUTE,
        "radio_own": radio_time(p, data, own, sides.spectrum_hz) / HALF_MINUTE,
        "processing": processing / HALF_MINUTE,
        "root_processing": jnp.sqrt(processing / HALF_MINUTE),
        "load": processing / p.slot_seconds,
        "redeployment": redeployment / HALF_MINUTE,
        "migration": migration_time(agent, hops, jnp.broadcast_to(p.backhaul_bps, hops.shape)) / HALF_MINUTE,
        "trust": reputation - p.reputation_threshold,
        "distrusted": reputation < p.reputation_threshold,
        "latest": sides.of_pairs(memory.latest),
        "change": sides.of_pairs(memory.change),
        "trust_before": sides.of_pairs(memory.before) - p.reputation_threshold,
        "expected": sides.of_pairs(planned.problem.fixed) / HALF_MINUTE,
        "expected_root": sides.of_pairs(planned.problem.root) / HALF_MINUTE**0.5,
        "regret": sides.of_pairs(planned.rise - planned.rise.min(axis=1, keepdims=True)) / HALF_MINUTE,
        "planned": planned.target[:, None] == sides.number,
    }


def vehicle_quantities(p: Parameters, seen: Seen, memory: Memory) -> dict[str, Array]:
    """`VEHICLE_FIELDS`, [V] each."""
    share = closed_form_shares(p, seen, memory)
    work = sum(expected_work(p, seen, memory))
    distance = jnp.linalg.norm(seen.positions - p.rsu_positions[seen.serving], axis=-1)
    spectrum_hz = p.spectrum_hz[seen.serving]
    upload = transfer_time(p.agent_data, healthy_rates(p, distance, spectrum_hz)[0])
    radio = radio_time(p, p.raw_data, distance, spectrum_hz) / HALF_MINUTE
    step = jnp.linalg.norm(seen.positions - memory.positions, axis=-1)
    return {
        "data": p.raw_data / GIGABYTE,
        "agent": p.agent_data / GIGABYTE,
        "tolerance": p.tolerance / HALF_MINUTE,
        "entered": seen.entered,
        "fell_back": memory.fell_back,
        "moved": step / p.coverage,
        "speed": memory.travelled / jnp.maximum(memory.moved, 1.0) / p.coverage,
        "healthy_latency": radio + (jnp.where(memory.fell_back, upload, 0.0) + work / share) / HALF_MINUTE,
        "share": share,
    }


def unit_quantities(
    p: Parameters, seen: Seen, memory: Memory, vehicles: dict[str, Array], states: Float[Array, "s 4"], planned: Plan
) -> dict[str, Array]:
    """`UNIT_FIELDS`, [S] each."""
    units = seen.load.shape[0]
    served = (seen.serving[:, None] == jnp.arange(units)).astype(float)
    count = served.sum(0)
    work = sum(expected_work(p, seen, memory)) @ served / p.slot_seconds
    slower = slowdown(p)
    mean_latency = vehicles["healthy_latency"] @ served / jnp.maximum(count, 1.0)
    defence_time = p.defence_seconds / HALF_MINUTE
    worth = p.defence_success * slower * mean_latency
    latest = memory.latest.mean(0)
    not_a_target, idle, reconnaissance, attacked = states.T
    nobody = jnp.zeros(units, bool)
    price = p.defence_seconds * count
    damage = HALF_MINUTE * slower * mean_latency * count
    known = None if seen.known is None else seen.known.units
    lasting = p.defence_success * (attacked * damage + lasting_saving(p, states, damage, price, known)) - price
    return {
        "trust": seen.reputation.mean(0) - p.reputation_threshold,
        "latest": latest,
        "latest_before": latest - memory.change.mean(0),
        "lowest": memory.lowest,
        "highest": memory.highest,
        "average": memory.average,
        "defended": memory.defence,
        "load": seen.load,
        "expected_load": work,
        "excess_load": seen.load - work,
        "served": count / 10,
        "saving": jnp.where(count > 0, worth - defence_time, 0.0),
        "expected_saving": jnp.where(count > 0, attacked * worth - defence_time, 0.0),
        "lasting_saving": lasting / jnp.maximum(count, 1.0) / HALF_MINUTE,
        "planned_defence": planned.defence,
        "not_a_target": not_a_target,
        "idle": idle,
        "reconnaissance": reconnaissance,
        "attacked": attacked,
        "attacked_next": belief.attacked_next(p, states, nobody),
        "attack_frequency": jnp.broadcast_to(p.attack_frequency, count.shape),
        "attack_end": jnp.broadcast_to(p.attack_end_probability, count.shape),
        "slowdown": jnp.broadcast_to(slower, count.shape),
        "defence_success": jnp.broadcast_to(p.defence_success, count.shape),
        "defence_time": jnp.broadcast_to(defence_time, count.shape),
    }


def _of_known(everything: dict[str, dict[str, Array]], known: Known) -> dict[str, dict[str, Array]]:
    """An observation in which only those who are known are there; the others are padding."""
    there = {VEHICLES: known.vehicles, UNITS: known.units, PAIRS: known.vehicles[:, None] & known.units}

    def shown(name: str) -> dict[str, Array]:
        numbers = {field: each for field, each in everything[name].items() if field != MASK}
        mask = known.units if name == UNITS else known.vehicles
        return {MASK: mask, **padded(there[name], numbers, jax.tree.map(jnp.zeros_like, numbers))}

    return {name: shown(name) for name in everything}
