"""What an operator expects of a decision: the latency of every vehicle where it is sent, and where it stays."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from edgewise.systems.agent_migration import belief
from edgewise.systems.agent_migration.assignment import FORBIDDEN, AssignmentProblem
from edgewise.systems.agent_migration.costs import next_slot_problem, pick
from edgewise.systems.agent_migration.features import closed_form_shares
from edgewise.systems.agent_migration.memory import Memory, Seen
from edgewise.systems.agent_migration.parameters import Parameters
from edgewise.systems.agent_migration.plan import operators_belief


def expected_latencies(
    p: Parameters, seen: Seen, memory: Memory, target: Int[Array, " v"], defence: Bool[Array, " s"]
) -> tuple[Float[Array, " v"], Float[Array, " v"]]:
    """Latency of each vehicle in the next slot, and what waiting for its migration adds to this one, s; no charges.

    Args:
        p: the system.
        seen: what is seen at the start of the slot.
        memory: what is remembered.
        target: where each agent is sent.
        defence: units that run a defence.

    Returns:
        At the target, and if the vehicle alone stays where it is; infinite where that is out of its reach.
    """
    states = belief.states(p, memory.filter)
    believed = operators_belief(p, seen, memory, states, jnp.zeros(seen.reputation.shape, bool))
    problem = next_slot_problem(p, seen, believed, defence, closed_form_shares(p, seen, memory))
    return _each(problem, target, target), _each(problem, target, seen.serving)


def _each(problem: AssignmentProblem, others: Int[Array, " v"], own: Int[Array, " v"]) -> Float[Array, " v"]:
    """Seconds of each vehicle at a unit of its own, while the others are where they are sent, with the best shares."""
    chosen = others[:, None] == jnp.arange(problem.root.shape[1])
    roots = jnp.where(chosen, problem.root, 0.0)
    beside = pick(roots.sum(0) - roots + problem.root, own)
    fixed = pick(problem.fixed, own)
    return jnp.where(fixed >= FORBIDDEN, jnp.inf, fixed + pick(problem.root, own) * beside)
