"""Lower bounds on the latency of a slot that no policy can beat."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from edgewise.systems.agent_migration.assignment import (
    AssignmentProblem,
    is_exact,
    processor_problem,
    reachable,
    solve_exactly,
)
from edgewise.systems.agent_migration.channel import distances
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.latency import transfer_time

ITERATIONS = 300  # of Frank-Wolfe; the best bound of all is kept, so fewer only make it looser


def latency_bound(environment: AgentMigration, state: AgentMigrationState) -> Float[Array, ""]:
    """Least total latency of this slot, whatever was decided.

    It is that of the best assignment within coverage with every agent in place, the best shares, no attack, no defence
    and no migration, with the true data volumes and positions. Exact for small systems (`assignment.is_exact`), else a
    certified bound below it. Positions and data do not depend on the policy, so the mean over an episode bounds every
    policy's.

    Args:
        environment: the system.
        state: gives positions and data volumes; any policy may have led to it.

    Returns:
        Sum over the vehicles, s.
    """
    problem = ideal_problem(environment, state)
    return solve_exactly(problem)[1] if is_exact(*problem.root.shape) else relaxation_bound(problem)


def ideal_problem(environment: AgentMigration, state: AgentMigrationState) -> AssignmentProblem:
    """Assignment of this slot's vehicles when nothing goes wrong: radio time is fixed, processor time is shared."""
    p = environment.parameters
    up, down = environment.rates(state, jnp.ones(environment.rsus))
    data = jnp.broadcast_to(state.data[:, None], up.shape)
    radio = transfer_time(data, up) + transfer_time(p.result_share * data, down)
    work = p.cycles_per_byte * p.computed_share * data / p.cpu_hz
    distance = distances(environment.mobility.positions(state.mobility), p.rsu_positions)
    return processor_problem(radio, work, reachable(distance, p.coverage))


def relaxation_bound(problem: AssignmentProblem, iterations: int = ITERATIONS) -> Float[Array, ""]:
    """A certified lower bound on the cost of every assignment, from the relaxation that lets a vehicle be split.

    The relaxation minimises f(x) = c.x + sum_s (sum_v h_vs x_vs)^2 over rows x_v that add up to 1, by Frank-Wolfe steps
    with exact line search. Each iterate gives the bound f(x) + min_y grad f(x).(y - x), which with the group sums g is
    sum_v min_s (c_vs + 2 h_vs g_s) - sum_s g_s^2, valid for any g because z^2 >= 2 g z - g^2. The best one is returned.
    The charge for load, which is never negative, is left out.

    Args:
        problem: costs.
        iterations: Frank-Wolfe steps.

    Returns:
        Seconds, never above the optimum (up to rounding).
    """
    fixed, root = problem.fixed, problem.root
    vehicles = jnp.arange(fixed.shape[0])

    def corner(cost: Float[Array, "v s"]) -> tuple[Float[Array, ""], Float[Array, " s"]]:
        chosen = jnp.argmin(cost, axis=1)
        linear = fixed[vehicles, chosen].sum()
        return linear, jnp.zeros(fixed.shape[1]).at[chosen].add(root[vehicles, chosen])

    def advance(_: Int[Array, ""], carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        linear, group, best = carry
        slope = fixed + 2 * root * group
        best = jnp.maximum(best, slope.min(axis=1).sum() - (group**2).sum())
        new_linear, new_group = corner(slope)
        step = new_group - group
        curvature = 2 * (step**2).sum()
        descent = -(new_linear - linear + 2 * (group * step).sum())
        gamma = jnp.clip(descent / jnp.where(curvature > 0, curvature, 1.0), 0.0, 1.0)
        return linear + gamma * (new_linear - linear), group + gamma * step, best

    start = (*corner(fixed + root**2), jnp.asarray(-jnp.inf))
    best: Float[Array, ""] = jax.lax.fori_loop(0, iterations, advance, start)[2]
    return best
