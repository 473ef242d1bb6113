"""A quick far-sighted plan of a slot, which a policy sees and may depart from.

It weighs the same expected costs as the far-sighted look-ahead (`references`), by local search for any number of vehicles.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from edgewise.systems.agent_migration import belief
from edgewise.systems.agent_migration.allocation import optimal_shares
from edgewise.systems.agent_migration.assignment import (
    THOROUGH_PAIRS,
    AssignmentProblem,
    rises,
    search_briefly,
    search_locally,
)
from edgewise.systems.agent_migration.costs import next_slot_problem, present_work, worthwhile_defence
from edgewise.systems.agent_migration.knowledge import SOON, Belief
from edgewise.systems.agent_migration.memory import Memory, Seen
from edgewise.systems.agent_migration.parameters import Parameters


class Plan(eqx.Module):
    """What is planned for a slot, and what departures from it are expected to cost.

    Attributes:
        problem: expected costs of the targets.
        target: planned target of each vehicle.
        defence: units that are planned to run a defence.
        share: processor share of each vehicle in closed form.
        rise: what each vehicle is expected to cost everyone at each unit if the others do as planned, s.
    """

    problem: AssignmentProblem
    target: Int[Array, " v"]
    defence: Bool[Array, " s"]
    share: Float[Array, " v"]
    rise: Float[Array, "v s"]


def operators_belief(
    p: Parameters, seen: Seen, memory: Memory, states: Float[Array, "s 4"], distrust: Bool[Array, "v s"]
) -> Belief:
    """What an operator believes of a slot and of the next one.

    Args:
        p: the system.
        seen: what is seen at the slot's start.
        memory: what is remembered.
        states: probability of each unit's state, see `belief.states`.
        distrust: pairs that cost the trust penalty.
    """
    return Belief(
        states=states,
        following=SOON * belief.attacked_next(p, states, jnp.zeros(seen.load.shape[0])),
        data=p.raw_data,
        missing=memory.fell_back.astype(float),
        next_positions=seen.ahead,
        distrust=distrust,
    )


def plan(p: Parameters, seen: Seen, memory: Memory, states: Float[Array, "s 4"]) -> Plan:
    """The plan of a slot.

    Args:
        p: the system.
        seen: what is seen at its start.
        memory: what is remembered.
        states: probability of each unit's state, see `belief.states`.
    """
    units = seen.load.shape[0]
    believed = operators_belief(p, seen, memory, states, seen.reputation < p.reputation_threshold)
    deployment, processing = present_work(p, seen, believed)
    share = optimal_shares(deployment + processing, seen.serving, units)
    defence = worthwhile_defence(p, seen, believed, share, lasting=True)
    problem = next_slot_problem(p, seen, believed, defence, share)
    scatter = None if seen.known is None else seen.known.scatter
    target = search_locally(problem, scatter)[0] if problem.root.size <= THOROUGH_PAIRS else search_briefly(problem)
    return Plan(problem, target, defence, share, rises(problem, target))
