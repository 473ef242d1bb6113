"""What every vehicle and every unit knows by itself: the observations of decentralised policies.

A vehicle knows itself, the units in its radio reach (with that which serves it), what these broadcast of themselves (load, last
defence) and of the vehicles that they serve (positions so far, mean volume, size of the agent, last target, whether its copy is
missing), and its own reputations. It does not know other vehicles' reputations: it takes its own for everybody's. What it
makes of the attacks, it makes of its own reputations alone.

A unit knows what vehicles report to it: those that it serves, or if it serves none those in its reach. They pass on all that they
know; of reputations, and of what was made of them, it takes their mean. It remembers nothing itself.
"""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from edgewise.environments.bipartite import Bipartite
from edgewise.environments.spaces import Dict, stacked
from edgewise.systems.agent_migration import belief, features
from edgewise.systems.agent_migration.channel import distances
from edgewise.systems.agent_migration.memory import AVERAGING, Known, Memory, Seen
from edgewise.systems.agent_migration.parameters import Parameters

View = dict[str, dict[str, Array]]


class Opinion(eqx.Module):
    """What an observer, or each of several, made of the reputations that he knew so far.

    Attributes:
        lowest, highest, average: of his latest reputation of each unit, see `Memory`.
        filter: what he takes for known of the attacks, see `belief`.
    """

    lowest: Float[Array, "*o s"]
    highest: Float[Array, "*o s"]
    average: Float[Array, "*o s"]
    filter: belief.Filter


def fresh(p: Parameters, reputation: Float[Array, " s"]) -> Opinion:
    """The opinion of one who has seen nothing yet but his reputations."""
    return Opinion(reputation, reputation, reputation, belief.begin(p, reputation.shape[0]))


def begin(p: Parameters, seen: Seen) -> Opinion:
    """The opinion of every vehicle at the start of an episode, with an axis [V] in front."""
    return jax.vmap(lambda own: fresh(p, own))(seen.reputation)


def update(p: Parameters, opinions: Opinion, memory: Memory, seen: Seen) -> Opinion:
    """The opinion of every vehicle one slot later.

    Units in reach tell whether they ran a defence in the slot; of the others a vehicle takes it that they did not. A vehicle that
    has just taken a place over begins anew.

    Args:
        p: the system.
        opinions: at the start of the slot, with an axis [V] in front.
        memory: what there is to remember at its end.
        seen: what there is to see at its end.
    """

    def of_one(opinion: Opinion, latest: Array, reach: Array, own: Array, entered: Array) -> Opinion:
        later = Opinion(
            lowest=jnp.minimum(opinion.lowest, latest),
            highest=jnp.maximum(opinion.highest, latest),
            average=opinion.average + AVERAGING * (latest - opinion.average),
            filter=belief.update(p, opinion.filter, latest, memory.defence & reach),
        )
        return jax.tree.map(lambda new, old: jnp.where(entered, new, old), fresh(p, own), later)

    return jax.vmap(of_one)(opinions, memory.latest, in_reach(p, seen), seen.reputation, seen.entered)


def in_reach(p: Parameters, seen: Seen) -> Bool[Array, "v s"]:
    """Where a unit covers a vehicle or serves it."""
    serves = seen.serving[:, None] == jnp.arange(seen.load.shape[0])
    return (distances(seen.positions, p.rsu_positions) <= p.coverage) | serves


def of_vehicles(p: Parameters, seen: Seen, memory: Memory, opinions: Opinion) -> View:
    """The view of every vehicle, an axis [V] in front of those of the observation."""
    known = _known_to_vehicles(p, seen)
    return jax.vmap(lambda *own: _view(p, seen, memory, *own))(
        known, seen.reputation, memory.before, memory.latest, memory.change, opinions
    )


def of_units(p: Parameters, seen: Seen, memory: Memory, opinions: Opinion) -> View:
    """The view of every unit, an axis [S] in front of those of the observation."""
    reports = reporters(p, seen)
    known = _known_to_vehicles(p, seen)
    units = jnp.arange(seen.load.shape[0])
    told = Known(_any(reports, known.vehicles), _any(reports, known.units) | (units[:, None] == units))
    weight = reports / jnp.maximum(reports.sum(1, keepdims=True), 1)
    unheard = fresh(p, jnp.broadcast_to(p.initial_reputation, units.shape))

    def mean(each: Array, otherwise: Array) -> Array:
        reported = jnp.tensordot(weight, each, axes=1)
        anyone = reports.any(1).reshape(-1, *([1] * (each.ndim - 1)))
        return jnp.where(anyone, reported, otherwise)

    tables = (mean(table, p.initial_reputation) for table in (seen.reputation, memory.before, memory.latest))
    change = mean(memory.change, jnp.zeros(()))
    return jax.vmap(lambda *own: _view(p, seen, memory, *own))(
        told, *tables, change, jax.tree.map(mean, opinions, unheard)
    )


def reporters(p: Parameters, seen: Seen) -> Bool[Array, "s v"]:
    """Vehicles that report to each unit: those that it serves, or if it serves none those in its reach."""
    serves = seen.serving[None, :] == jnp.arange(seen.load.shape[0])[:, None]
    return jnp.where(serves.any(1, keepdims=True), serves, in_reach(p, seen).T)


def of_all(p: Parameters, seen: Seen, memory: Memory, opinions: Opinion) -> View:
    """The views of all vehicles, then of all units, an axis [V + S] in front; an element of `space`."""
    parts = (each(p, seen, memory, opinions) for each in (of_vehicles, of_units))
    joined: View = jax.tree.map(lambda *both: jnp.concatenate(both), *parts)
    return joined


def space(vehicles: int, units: int) -> Dict:
    """The space of `of_all`: as many observations as there are vehicles and units, along a first axis."""
    one: Bipartite = features.space(vehicles, units)
    all_ = stacked(one, vehicles + units)
    assert isinstance(all_, Dict)
    return all_


def _known_to_vehicles(p: Parameters, seen: Seen) -> Known:
    """Of whom each vehicle knows, an axis [V] in front: the units in its reach, and whom they serve."""
    reach = in_reach(p, seen)
    return Known(vehicles=reach[:, seen.serving], units=reach)


def _view(
    p: Parameters,
    seen: Seen,
    memory: Memory,
    known: Known,
    reputation: Float[Array, " s"],
    before: Float[Array, " s"],
    latest: Float[Array, " s"],
    change: Float[Array, " s"],
    opinion: Opinion,
) -> View:
    """The observation of one who takes the given reputations for everybody's."""

    def everybody(own: Float[Array, " s"]) -> Float[Array, "v s"]:
        return jnp.broadcast_to(own, memory.latest.shape)

    his = replace(seen, reputation=everybody(reputation), known=known)
    remembered = replace(
        memory, before=everybody(before), latest=everybody(latest), change=everybody(change), **vars(opinion)
    )
    return features.observe(p, his, remembered)


def _any(reports: Bool[Array, "s v"], known: Bool[Array, "v n"]) -> Bool[Array, "s n"]:
    return (reports[:, :, None] & known).any(1)
