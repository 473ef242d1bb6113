"""What an operator sees at the start of a slot, and what he remembers of the slots before. Nothing of it is hidden.

Reputations follow equation (21) of the CGDM paper, B_t = xi I_t + (1 - xi) B_{t-1}. Who has both B_t and B_{t-1} knows the
latest reputation I_t, in which an attack shows at once: B averages it with older ones.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from edgewise.systems.agent_migration import belief
from edgewise.systems.agent_migration.channel import distances
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.host_records import record_in
from edgewise.systems.agent_migration.parameters import Parameters

AVERAGING = 0.15
"""Rate of the running average of a unit's latest reputation: about six slots, longer than an attack."""
PACE_PRIOR = 0.6
"""Slots of expected driving that a vehicle's pace starts from: the variance of a slot's distance over that of speeds."""


class Known(eqx.Module):
    """Of whom an observer, or each of several, knows; what is written of the others must have no influence on him.

    Attributes:
        vehicles: that he knows of; each is served by a unit that he knows of too.
        units: that he knows of.
        scatter: random starts of the search for a plan, see `assignment.scattered`. If None, those of the fleet's size.
    """

    vehicles: Bool[Array, "*o v"]
    units: Bool[Array, "*o s"]
    scatter: Float[Array, "n v s"] | None = None


class Seen(eqx.Module):
    """What an operator sees at the start of a slot.

    Attributes:
        positions: of the vehicles, m.
        expected: where they are expected one slot later, m.
        ahead: the same at each vehicle's own pace so far, if the model of their ways can use it.
        serving: unit that serves each vehicle.
        entered: where another vehicle has taken over the place of one that left.
        load: processor time that waits at each unit, slots.
        reputation: B of each unit as each user holds it.
        known: of whom he knows. If None, of everyone.
    """

    positions: Float[Array, "v 2"]
    expected: Float[Array, "v 2"]
    ahead: Float[Array, "v 2"]
    serving: Int[Array, " v"]
    entered: Bool[Array, " v"]
    load: Float[Array, " s"]
    reputation: Float[Array, "v s"]
    known: Known | None = None


class Memory(eqx.Module):
    """What an operator remembers at the start of a slot, beside what he sees.

    Attributes:
        positions: of the vehicles one slot ago, m; where they are now, for a vehicle that has just entered.
        target: where each vehicle's agent was sent in the last slot.
        defence: units that ran a defence in the last slot.
        fell_back: where a vehicle was out of its target's reach, so that its agent's copy is missing.
        travelled: sum of the distances that each vehicle has moved, m.
        expected: sum of the distances that it was expected to move, m.
        moved: slots in which it has moved.
        before: B one slot ago.
        latest: I of the last slot.
        change: I of the last slot less that of the slot before.
        lowest, highest, average: of the users' mean I of each unit, over the slots so far.
        filter: what is known of the attacks, see `belief`.
    """

    positions: Float[Array, "v 2"]
    target: Int[Array, " v"]
    defence: Bool[Array, " s"]
    fell_back: Bool[Array, " v"]
    travelled: Float[Array, " v"]
    expected: Float[Array, " v"]
    moved: Float[Array, " v"]
    before: Float[Array, "v s"]
    latest: Float[Array, "v s"]
    change: Float[Array, "v s"]
    lowest: Float[Array, " s"]
    highest: Float[Array, " s"]
    average: Float[Array, " s"]
    filter: belief.Filter

    @property
    def pace(self) -> Float[Array, " v"]:
        """Each vehicle's speed over the expected one: 1 at first, then more and more by what it has travelled."""
        return pace_of(self)


def pace_of(memory: Any, numbers: Any = jnp) -> Any:
    """`Memory.pace` [V].

    Args:
        memory: what is remembered.
        numbers: see `host_records`.
    """
    usual = PACE_PRIOR * memory.expected / numbers.maximum(memory.moved, 1.0)
    known = memory.travelled + usual
    return numbers.where(memory.moved > 0, known / numbers.maximum(memory.expected + usual, 1e-6), 1.0)


def see(environment: AgentMigration, state: AgentMigrationState, memory: Memory | None = None) -> Seen:
    """The visible part of a state.

    Args:
        environment: the system.
        state: at the start of a slot.
        memory: what is remembered then; it tells each vehicle's own pace. If None, all have the usual one.
    """
    mobility = environment.mobility
    expected = mobility.predict(state.mobility)
    return Seen(
        positions=mobility.positions(state.mobility),
        expected=expected,
        ahead=expected if memory is None else mobility.predict_at(state.mobility, memory.pace),
        serving=state.serving,
        entered=mobility.entered(state.mobility),
        load=environment.load(state),
        reputation=state.reputation,
    )


def begin(p: Parameters, seen: Seen, numbers: Any = jnp) -> Memory:
    """What an operator knows at the start of an episode: nothing has happened yet.

    Args:
        p: the system.
        seen: then.
        numbers: see `host_records`.
    """
    vehicles, units = seen.reputation.shape
    kind, mean = seen.reputation.dtype, seen.reputation.mean(0)
    values = {
        "positions": seen.positions,
        "target": seen.serving,
        "defence": numbers.zeros(units, bool),
        "fell_back": numbers.zeros(vehicles, bool),
        "travelled": numbers.zeros(vehicles, kind),
        "expected": numbers.zeros(vehicles, kind),
        "moved": numbers.zeros(vehicles, kind),
        "before": seen.reputation,
        "latest": seen.reputation,
        "change": numbers.zeros_like(seen.reputation),
        "lowest": mean,
        "highest": mean,
        "average": mean,
        "filter": belief.begin(p, units, numbers),
    }
    return record_in(numbers, Memory, values)


def remember(
    p: Parameters, memory: Memory, before: Seen, target: Int[Array, " v"], defence: Bool[Array, " s"], after: Seen
) -> Memory:
    """What an operator knows one slot later.

    Args:
        p: the system.
        memory: at the start of the slot.
        before: what he saw at its start.
        target: where the agents were sent in it.
        defence: units that ran a defence in it.
        after: what he sees at the end of it.
    """
    latest = (after.reputation - (1 - p.trust_rate) * before.reputation) / p.trust_rate
    mean = latest.mean(0)
    step = jnp.linalg.norm(after.positions - before.positions, axis=-1)
    foreseen = jnp.linalg.norm(before.expected - before.positions, axis=-1)
    stays = ~after.entered
    distance = distances(after.positions, p.rsu_positions)
    covered = jnp.take_along_axis(distance, target[:, None], axis=1)[:, 0] <= p.coverage
    return Memory(
        positions=jnp.where(stays[:, None], before.positions, after.positions),
        target=jnp.where(stays, target, after.serving),
        defence=defence,
        fell_back=stays & ~covered,
        travelled=jnp.where(stays, memory.travelled + step, 0.0),
        expected=jnp.where(stays, memory.expected + foreseen, 0.0),
        moved=jnp.where(stays, memory.moved + 1, 0.0),
        before=before.reputation,
        latest=latest,
        change=latest - memory.latest,
        lowest=jnp.minimum(memory.lowest, mean),
        highest=jnp.maximum(memory.highest, mean),
        average=memory.average + AVERAGING * (mean - memory.average),
        filter=belief.update(p, memory.filter, mean, defence),
    )
