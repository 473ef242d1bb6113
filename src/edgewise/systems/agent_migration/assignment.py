"""Joint choice of an RSU for every vehicle: exact by dynamic programming over subsets, local search beyond its reach.

The cost of an assignment k is sum_v fixed[v, k_v] + sum_s (sum_{v on s} root[v, s])^2 plus an optional charge for load:
what optimal processor shares cost (`allocation.optimal_time`) beside everything that depends on one vehicle only.
"""

from __future__ import annotations

from functools import lru_cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from edgewise.common.errors import ConfigurationError

FORBIDDEN = 1e6  # seconds; above every sum of latencies, and small enough to leave float32 its digits
SWEEPS = 30  # rounds of local search, which ends before where no vehicle gains by a change
RANDOM_STARTS = 6  # of local search, beside two greedy ones
THOROUGH_PAIRS = (
    20_000  # of vehicle and RSU: with more, local search begins at the greedy starts alone, to bound its time
)
MOST_PAIRS = 400_000  # a decision on half as many takes 0.1 s, and evaluation plays many episodes side by side


class AssignmentProblem(eqx.Module):
    """Costs of serving vehicle v at RSU s.

    Attributes:
        fixed: seconds that do not depend on the other vehicles; `FORBIDDEN` or more where s may not serve v.
        root: square root of the processor seconds, s^(1/2).
        load: processor seconds that count against the capacity, s.
        capacity: seconds of processor that each RSU gives without charge.
        overload_price: charge per second beyond the capacity.
    """

    fixed: Float[Array, "v s"]
    root: Float[Array, "v s"]
    load: Float[Array, "v s"]
    capacity: Float[Array, " s"]
    overload_price: Float[Array, ""]

    def cost(self, target: Int[Array, " v"]) -> Float[Array, ""]:
        """Cost of one assignment in s."""
        chosen = (target[:, None] == jnp.arange(self.root.shape[1])).astype(float)
        group = self.group_cost((chosen * self.root).sum(0), (chosen * self.load).sum(0))
        return (chosen * self.fixed).sum() + group.sum()

    def group_cost(self, root: Float[Array, "*b s"], load: Float[Array, "*b s"]) -> Float[Array, "*b s"]:
        """What each RSU's vehicles cost together, from the sums of their `root` and `load`; s."""
        return root**2 + self.overload_price * jnp.maximum(0.0, load - self.capacity)


def reachable(distance: Float[Array, "v s"], coverage: Float[Array, ""]) -> Bool[Array, "v s"]:
    """Where an RSU covers a vehicle, or is the nearest one (to which a vehicle out of every reach falls back).

    Args:
        distance: m.
        coverage: radius, m.
    """
    return (distance <= coverage) | (distance == distance.min(axis=1, keepdims=True))


def processor_problem(
    fixed: Float[Array, "v s"], work: Float[Array, "v s"], allowed: Bool[Array, "v s"]
) -> AssignmentProblem:
    """A problem without a charge for load.

    Args:
        fixed: s.
        work: seconds of the whole processor that vehicle v asks of RSU s.
        allowed: where s may serve v.
    """
    return AssignmentProblem(
        fixed=jnp.where(allowed, fixed, FORBIDDEN),
        root=jnp.sqrt(work),
        load=jnp.zeros_like(work),
        capacity=jnp.zeros(work.shape[1]),
        overload_price=jnp.zeros(()),
    )


def is_exact(vehicles: int, rsus: int) -> bool:
    """Whether `solve` is exact for this size: at most 3^10 pairs of nested subsets for each of at most 32 RSUs."""
    return rsus <= 32 and (vehicles <= 10 or (rsus <= 2 and vehicles <= 16))


def require_size(vehicles: int, rsus: int) -> None:
    """Refuse what local search cannot finish in sensible time.

    Raises:
        ConfigurationError: for more than `MOST_PAIRS` pairs of vehicle and RSU.
    """
    if vehicles * rsus > MOST_PAIRS:
        raise ConfigurationError(
            "vehicles, rsus",
            (vehicles, rsus),
            f"at most {MOST_PAIRS:,} pairs of vehicle and RSU for a joint choice of all targets",
        )


def solve(problem: AssignmentProblem) -> tuple[Int[Array, " v"], Float[Array, ""]]:
    """The cheapest assignment, or for many vehicles (see `is_exact`) the best that local search finds.

    Returns:
        RSU of each vehicle [V], and its cost in s.

    Raises:
        ConfigurationError: for more than `MOST_PAIRS` pairs of vehicle and RSU.
    """
    require_size(*problem.root.shape)
    return solve_exactly(problem) if is_exact(*problem.root.shape) else search_locally(problem)


def solve_exactly(problem: AssignmentProblem) -> tuple[Int[Array, " v"], Float[Array, ""]]:
    """Dynamic programming: the best way to serve a subset of the vehicles with the first RSUs, one RSU more at a time.

    Takes (S - 2) 3^V + 2^V steps instead of S^V.

    Returns:
        RSU of each vehicle [V], and its cost in s.
    """
    vehicles, rsus = problem.root.shape
    member = jnp.asarray(_subsets(vehicles), dtype=float)
    fixed, root, load = (
        jnp.matmul(member, part, precision=jax.lax.Precision.HIGHEST)
        for part in (problem.fixed, problem.root, problem.load)
    )
    group = fixed + problem.group_cost(root, load)
    stages = [group[:, 0]]
    for s in range(1, rsus - 1):
        stages.append(_convolve(stages[-1], group[:, s], vehicles))

    masks = jnp.arange(2**vehicles)
    rest = jnp.asarray(2**vehicles - 1)
    target = jnp.zeros(vehicles, dtype=int)
    total = jnp.zeros(())
    for s in range(rsus - 1, 0, -1):
        inside = (masks & ~rest) == 0
        subset = jnp.argmin(jnp.where(inside, stages[s - 1][rest & ~masks] + group[:, s], jnp.inf))
        target = jnp.where(member[subset] > 0, s, target)
        total = total + group[subset, s]
        rest = rest & ~subset
    return target, total + group[rest, 0]


def search_briefly(problem: AssignmentProblem) -> Int[Array, " v"]:
    """Vehicles inserted from the most to the least demanding, and then one round of best responses; [V].

    For a policy that sees a plan of a large system only as a hint: the time of `search_locally` is that of many rounds.
    """
    order = jnp.argsort(-problem.root.mean(1))
    placed = _sweep(problem, jnp.full(problem.root.shape[0], -1), order)
    return _sweep(problem, placed, order)


def scattered(vehicles: int, rsus: int) -> Float[np.ndarray, "n v s"]:
    """What draws the random starts of `search_locally` apart, the same at every call; in [0, 1)."""
    starts = RANDOM_STARTS if vehicles * rsus <= THOROUGH_PAIRS else 0
    return np.random.default_rng(0).random((starts, vehicles, rsus))


def search_locally(
    problem: AssignmentProblem, scatter: Float[Array, "n v s"] | None = None
) -> tuple[Int[Array, " v"], Float[Array, ""]]:
    """Best response of one vehicle after another until nobody moves, from several starts; the best end wins.

    The starts are: every vehicle at the RSU that is best for it alone, insertion of the vehicles from the most to the
    least demanding, and, up to `THOROUGH_PAIRS` pairs, a few random ones (the same at every call).

    Args:
        problem: to be solved.
        scatter: what draws the random starts apart. If None, `scattered` of the problem's size.

    Returns:
        RSU of each vehicle [V], and its cost in s; a local optimum against moves of one vehicle.
    """
    vehicles, rsus = problem.root.shape
    alone = jnp.argmin(problem.fixed + problem.group_cost(problem.root, problem.load), axis=1)
    noise = jnp.asarray(scattered(vehicles, rsus) if scatter is None else scatter, dtype=float)
    apart = jnp.argmin(problem.fixed + noise * FORBIDDEN / 2, axis=2)
    order = jnp.argsort(-problem.root.mean(1))
    placed = _sweep(problem, jnp.full(vehicles, -1), order)
    starts = jnp.concatenate([jnp.stack([alone, placed]), apart])

    def descend(start: Int[Array, " v"]) -> tuple[Int[Array, " v"], Float[Array, ""]]:
        def unfinished(carry: tuple[Array, Array, Array]) -> Array:
            _, moved, sweeps = carry
            return moved & (sweeps < SWEEPS)

        def again(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            target, _, sweeps = carry
            better = _sweep(problem, target, order)
            return better, (better != target).any(), sweeps + 1

        end, _, _ = jax.lax.while_loop(unfinished, again, (start, jnp.asarray(True), jnp.asarray(0)))
        return end, problem.cost(end)

    ends, costs = jax.vmap(descend)(starts)
    best = jnp.argmin(costs)
    return ends[best], costs[best]


def rises(problem: AssignmentProblem, target: Int[Array, " v"]) -> Float[Array, "v s"]:
    """By how much the cost rises when each vehicle joins each RSU while the others stay as assigned, s."""
    chosen = (target[:, None] == jnp.arange(problem.root.shape[1])).astype(float)
    root, load = ((chosen * part).sum(0) - chosen * part for part in (problem.root, problem.load))
    joined = problem.group_cost(root + problem.root, load + problem.load)
    return problem.fixed + joined - problem.group_cost(root, load)


def _sweep(problem: AssignmentProblem, target: Int[Array, " v"], order: Int[Array, " v"]) -> Int[Array, " v"]:
    """One round of best responses; a vehicle with target -1 is not placed yet."""
    sites = jnp.arange(problem.root.shape[1])
    chosen = target[:, None] == sites
    root = jnp.where(chosen, problem.root, 0.0).sum(0)
    load = jnp.where(chosen, problem.load, 0.0).sum(0)

    def respond(carry: tuple[Array, Array, Array], v: Array) -> tuple[tuple[Array, Array, Array], None]:
        target, root, load = carry
        here = target[v] == sites
        root = root - jnp.where(here, problem.root[v], 0.0)
        load = load - jnp.where(here, problem.load[v], 0.0)
        joined = problem.group_cost(root + problem.root[v], load + problem.load[v])
        rise = problem.fixed[v] + joined - problem.group_cost(root, load)
        best = jnp.argmin(rise)
        # rounding must not make a vehicle wander between equals
        stays = here.any() & (jnp.where(here, rise, 0.0).sum() <= rise[best] + 1e-4)
        best = jnp.where(stays, target[v], best)
        there = best == sites
        root = root + jnp.where(there, problem.root[v], 0.0)
        load = load + jnp.where(there, problem.load[v], 0.0)
        return (target.at[v].set(best), root, load), None

    (target, _, _), _ = jax.lax.scan(respond, (target, root, load), order)
    return target


def _convolve(first: Float[Array, " m"], second: Float[Array, " m"], vehicles: int) -> Float[Array, " m"]:
    """Min-plus convolution over subsets: for every set the cheapest way to split it in two."""
    parts = []
    for inner, outer in _splits(vehicles):
        parts.append((first[jnp.asarray(outer)] + second[jnp.asarray(inner)]).min(1))
    return jnp.concatenate(parts)[jnp.asarray(_rank(vehicles))]


@lru_cache(maxsize=8)
def _subsets(vehicles: int) -> np.ndarray:
    """Membership of every vehicle in every subset, [2^V, V]."""
    return (np.arange(2**vehicles)[:, None] >> np.arange(vehicles)) & 1


@lru_cache(maxsize=8)
def _splits(vehicles: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """For the sets of each size: all their subsets, and what is left of the set, both [sets, 2^size]."""
    member = _subsets(vehicles)
    size = member.sum(1)
    tables = []
    for count in range(vehicles + 1):
        masks = np.flatnonzero(size == count)
        bits = (1 << np.argwhere(member[masks])[:, 1]).reshape(len(masks), count)
        inner = bits @ _subsets(count).T
        tables.append((inner, masks[:, None] - inner))
    return tuple(tables)


@lru_cache(maxsize=8)
def _rank(vehicles: int) -> np.ndarray:
    """Place of every set in the order of `_splits`."""
    size = _subsets(vehicles).sum(1)
    return np.argsort(np.argsort(size, kind="stable"), kind="stable")
