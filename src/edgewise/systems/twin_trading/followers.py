"""Nash equilibrium of the followers at given prices (MALPPO paper, section IV-A, Problem 1 with the delay limit).

The game has the concave potential

    sum_j theta_j (sum_i ((alpha_i - kappa p_j) b_ij - beta_i b_ij^2) + 1/2 sum_ik w_ik b_ij b_kj),

so that its equilibrium is the maximum of one function over b >= 0 and constraint (6), unique if 2 diag(beta) - W is positive
definite. Without a delay limit this is one linear complementarity problem per leader, solved by an active-set method; with
one, an interior-point method solves the optimality conditions

    2 beta_i b_ij - sum_k w_ik b_kj - (alpha_i - kappa p_j) = eta_i d_i / b_ij^2,     eta_i >= 0,

where d_i is the transmission time with one unit of bandwidth and eta_i the multiplier of (6).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from edgewise.numerics.linear import is_positive_definite, solve_positive
from edgewise.systems.twin_trading.market import Delay, Market, delay_allowance, pairing_probabilities, transmission

Tree = TypeVar("Tree")
LARGEST_RESIDUAL = 1e-11
"""Error of the optimality conditions, relative to the margins, at which the interior-point method stops."""
MOST_STEPS = 60
"""Of the interior-point method; it stops long before, unless a deadline can only just be met."""
CENTRING = 0.1
"""Largest part of the mean product of multipliers and slacks that a step aims at."""
TO_BOUNDARY = 0.99
"""Part of the way to the boundary that a step may go."""
MARGIN = 1.1
"""The first demands would use the allowance up if they were so many times smaller."""
SMALLEST_START = 1e-3
"""Least demand and multiplier to start from, relative to what the deadline needs and to the margins."""
TINY = 1e-30
"""Keeps a quotient finite."""
BISECTIONS = 60
"""Of a multiplier: enough for every bit of double precision."""
NEWTON_STEPS = 8
"""Of a cubic's root, from above; more do not change double precision."""


class FollowerEquilibrium(eqx.Module):
    """Demands at given prices.

    Attributes:
        demands: b_ij; a follower whose limit no bandwidth can meet at these prices buys nothing.
        multipliers: eta_i of the delay limit, 0 where it does not bind.
        feasible: whether some bandwidth meets the follower's limit.
        unique: whether 2 diag(beta) - W is positive definite; if not, demands may grow without bound or be one of several
            equilibria.
        residual: largest violation of the optimality conditions, relative to the largest satisfaction.
    """

    demands: Float[Array, "n m"]
    multipliers: Float[Array, " n"]
    feasible: Bool[Array, " n"]
    unique: Bool[Array, ""]
    residual: Float[Array, ""]


def follower_equilibrium(market: Market, prices: Float[Array, " m"]) -> FollowerEquilibrium:
    """The followers' equilibrium, computed in double precision and returned in the caller's.

    Compiled already; can be vmapped over markets, prices or both.
    """
    precision = jnp.result_type(float)
    with jax.enable_x64(True):
        return _solve(market, prices, precision)


@partial(jax.jit, static_argnums=2)
def _solve(market: Market, prices: Float[Array, " m"], precision: np.dtype) -> FollowerEquilibrium:
    market, prices = in_precision((market, prices), jnp.float64)
    return in_precision(solve_followers(market, prices), precision)


def in_precision(tree: Tree, precision: Any) -> Tree:
    """The tree with its floating-point leaves in another precision."""

    def convert(leaf: Array) -> Array:
        return jnp.asarray(leaf, precision) if jnp.issubdtype(jnp.result_type(leaf), jnp.floating) else leaf

    converted: Tree = jax.tree.map(convert, tree)
    return converted


def interaction(market: Market) -> Float[Array, "n n"]:
    """2 diag(beta) - W, by which own and others' purchases change the value of one more unit."""
    return 2 * jnp.diag(market.sensitivity) - market.social


def is_unique(market: Market) -> Bool[Array, ""]:
    """Whether `interaction` is positive definite."""
    return is_positive_definite(interaction(market))


def solve_followers(market: Market, prices: Float[Array, " m"]) -> FollowerEquilibrium:
    """`follower_equilibrium` in the precision of its arguments."""
    feasible = jnp.ones(market.followers, bool)
    if market.delay is not None:
        feasible = delay_allowance(market.delay, prices) > 0
    matrix = jnp.where(feasible[:, None] & feasible, interaction(market), jnp.eye(market.followers))
    margin = jnp.where(feasible[:, None], market.satisfaction[:, None] - market.payment_scale * prices, 0.0)
    demands = unlimited_demands(matrix, margin, feasible)
    multipliers = jnp.zeros_like(market.satisfaction)
    if market.delay is not None:
        demands, multipliers = _with_limit(market.delay, matrix, margin, prices, feasible, demands)
    demands = jnp.where(feasible[:, None], demands, 0.0)
    residual = _residual(market, prices, demands, multipliers, feasible)
    return FollowerEquilibrium(demands, multipliers, feasible, is_unique(market), residual)


def unlimited_demands(
    matrix: Float[Array, "n n"], margin: Float[Array, "n k"], present: Bool[Array, " n"]
) -> Float[Array, "n k"]:
    """Solve b >= 0, Q b >= a, complementary, for each column: active sets, finite as Q is not positive off its diagonal.

    Args:
        matrix: Q, `interaction`.
        margin: a, value of the first unit less its price.
        present: followers that may buy; the others' rows and columns of Q are those of the identity, their margins 0.
    """
    n = matrix.shape[0]

    def improved(buys: Bool[Array, "n k"], demands: Float[Array, "n k"]) -> Bool[Array, "n k"]:
        return jnp.where(buys, demands > 0, margin > matrix @ demands) & present[:, None]

    Search = tuple[Int[Array, ""], Bool[Array, "n k"], Bool[Array, "n k"], Float[Array, "n k"]]

    def advance(search: Search) -> Search:
        count, _, buys, _ = search
        chosen = buys.T
        reduced = jnp.where(chosen[:, :, None] & chosen[:, None, :], matrix, jnp.eye(n))
        demands = solve_positive(reduced, jnp.where(chosen, margin.T, 0.0)[..., None])[..., 0].T
        return count + 1, buys, improved(buys, demands), demands

    everyone = jnp.broadcast_to(present[:, None], margin.shape)
    demands = solve_positive(matrix, margin)
    start = (jnp.ones((), int), everyone, improved(everyone, demands), demands)
    end = jax.lax.while_loop(lambda s: (s[1] != s[2]).any() & (s[0] < 2 * n + 2), advance, start)
    return jnp.maximum(end[3], 0.0)


class _Point(NamedTuple):
    """Iterate of the interior-point method: demands, multipliers, what is left of the allowance, steps taken, error."""

    demands: Float[Array, "n m"]
    multipliers: Float[Array, " n"]
    slack: Float[Array, " n"]
    steps: Int[Array, ""]
    error: Float[Array, ""]


class _Limited(NamedTuple):
    """The followers' problem with the delay limit, which the rows of absent followers do not change.

    Attributes:
        matrix, margin: Q and a of `unlimited_demands`.
        theta: pairing probabilities.
        time: d_i, 0 for an absent follower.
        allowance: for transmission, 1 for an absent follower.
        present: followers that may buy.
        scale: largest margin, with which errors are compared.
    """

    matrix: Float[Array, "n n"]
    margin: Float[Array, "n m"]
    theta: Float[Array, " m"]
    time: Float[Array, " n"]
    allowance: Float[Array, " n"]
    present: Bool[Array, " n"]
    scale: Float[Array, ""]

    def used(self, demands: Float[Array, "n m"]) -> Float[Array, " n"]:
        """Expected transmission time of each follower, s."""
        return (self.time[:, None] / demands) @ self.theta


def _with_limit(
    delay: Delay,
    matrix: Float[Array, "n n"],
    margin: Float[Array, "n m"],
    prices: Float[Array, " m"],
    present: Bool[Array, " n"],
    unlimited: Float[Array, "n m"],
) -> tuple[Float[Array, "n m"], Float[Array, " n"]]:
    """Demands and multipliers that meet the limit; the unlimited demands where those do."""
    problem = _Limited(
        matrix=matrix,
        margin=margin,
        theta=pairing_probabilities(prices),
        time=jnp.where(present, transmission(delay), 0.0),
        allowance=jnp.where(present, delay_allowance(delay, prices), 1.0),
        present=present,
        scale=jnp.abs(margin).max(),
    )
    done = ((problem.used(unlimited) <= problem.allowance) | ~present).all()
    end = jax.lax.while_loop(
        lambda point: (point.error > LARGEST_RESIDUAL) & (point.steps < MOST_STEPS),
        lambda point: _advance(problem, point),
        _begin(problem, unlimited, done),
    )
    return jnp.where(done, unlimited, end.demands), jnp.where(done | ~present, 0.0, end.multipliers)


def _begin(problem: _Limited, unlimited: Float[Array, "n m"], done: Bool[Array, ""]) -> _Point:
    """Demands inside the limit, and multipliers near those that would hold them there; no error if nothing is to be done."""
    time, allowance, present = problem.time, problem.allowance, problem.present
    everywhere = jnp.maximum(unlimited, SMALLEST_START * time[:, None] / allowance[:, None])
    everywhere = jnp.where(present[:, None], everywhere, 1.0)
    demands = everywhere * jnp.maximum(1.0, MARGIN * problem.used(everywhere) / allowance)[:, None]
    slack = allowance - problem.used(demands)
    slack = jnp.maximum(slack, (1 - 1 / MARGIN) * allowance)
    pressure = (problem.matrix @ demands - problem.margin) * demands**2 / jnp.maximum(time, TINY)[:, None]
    multipliers = jnp.where(present, jnp.maximum((pressure @ problem.theta), SMALLEST_START * problem.scale), 1.0)
    return _Point(demands, multipliers, slack, jnp.zeros((), int), jnp.where(done, 0.0, jnp.inf))


def _advance(problem: _Limited, point: _Point) -> _Point:
    """A step of the interior-point method, as far as demands, slacks and multipliers stay positive."""
    demands, multipliers, slack, steps, _ = point
    present, scale, allowance = problem.present, problem.scale, problem.allowance
    slope = problem.time[:, None] / demands**2
    gradient = jnp.where(
        present[:, None], problem.matrix @ demands - problem.margin - multipliers[:, None] * slope, 0.0
    )
    excess = jnp.where(present, problem.used(demands) - allowance + slack, 0.0)
    product = jnp.where(present, multipliers * slack, 0.0)
    error = jnp.maximum(jnp.abs(gradient).max() / scale, jnp.abs(excess / allowance).max())
    error = jnp.maximum(error, (product / allowance).max() / scale)
    target = jnp.minimum(CENTRING, error) * product.sum() / jnp.maximum(present.sum(), 1)
    demand_change, change, slack_change = _newton_step(problem, point, slope, gradient, excess, target - product)
    step = jnp.minimum(_reach(demands, demand_change), _reach(slack, slack_change))
    return _Point(
        demands + step * demand_change,
        multipliers + _reach(multipliers, change) * change,
        slack + step * slack_change,
        steps + 1,
        error,
    )


def _newton_step(
    problem: _Limited,
    point: _Point,
    slope: Float[Array, "n m"],
    gradient: Float[Array, "n m"],
    excess: Float[Array, " n"],
    missing: Float[Array, " n"],
) -> tuple[Float[Array, "n m"], Float[Array, " n"], Float[Array, " n"]]:
    """Changes of demands, multipliers and slacks that solve the linearised optimality (KKT) conditions.

    Demands are eliminated leader by leader, slacks one by one; what remains is one system in the multipliers.

    Args:
        problem: the followers' problem.
        point: where the conditions are linearised.
        slope: d_i / b_ij^2.
        gradient: residual of the first conditions.
        excess: residual of the limit.
        missing: wanted less present products of multipliers and slacks.
    """
    demands, multipliers, slack = point.demands, point.multipliers, point.slack
    identity = jnp.eye(problem.matrix.shape[0])
    curved = problem.matrix + (2 * multipliers[:, None] * slope / demands).T[:, :, None] * identity
    right = jnp.concatenate([slope.T[:, :, None] * identity, gradient.T[:, :, None]], axis=-1)
    solved = solve_positive(curved, right)
    by_multiplier, by_gradient = solved[..., :-1], solved[..., -1].T
    weight = slope * problem.theta
    weighted = (weight.T[:, :, None] * by_multiplier).sum(axis=0) + (slack / multipliers)[:, None] * identity
    wanted = missing / multipliers + excess + (weight * by_gradient).sum(axis=1)
    wanted = jnp.where(problem.present, wanted, 0.0)
    change = solve_positive(weighted, wanted[:, None])[:, 0]
    demand_change = (by_multiplier * change).sum(axis=-1).T - by_gradient
    return demand_change, change, (weight * demand_change).sum(axis=1) - excess


def best_response(
    market: Market, prices: Float[Array, " m"], demands: Float[Array, "n m"]
) -> tuple[Float[Array, "n m"], Bool[Array, " n"]]:
    """Every follower's best purchases while the others' stay as they are: (12) with the multiplier of (6).

    Each demand is the root of a cubic for a given multiplier; the multiplier is found by bisection. Nothing here is shared with
    `solve_followers`, so that one can be held against the other.

    Returns:
        Demands, and whether the follower can meet its limit at all.
    """
    pull = market.satisfaction[:, None] + market.social @ demands - market.payment_scale * prices
    twice = 2 * market.sensitivity[:, None]
    free = jnp.maximum(pull, 0.0) / twice
    if market.delay is None:
        return free, jnp.ones(market.followers, bool)
    theta = pairing_probabilities(prices)
    time = transmission(market.delay)
    allowance = delay_allowance(market.delay, prices)
    feasible = allowance > 0
    enough = (time / jnp.where(feasible, allowance, 1.0))[:, None]
    needed = (jnp.maximum(twice * enough - pull, 0.0) * enough**2 / time[:, None]).max(axis=1)

    def demands_at(multiplier: Float[Array, " n"]) -> Float[Array, "n m"]:
        return largest_root(twice, pull, (multiplier * time)[:, None])

    def halve(_: int | Int[Array, ""], bounds: tuple[Float[Array, " n"], Float[Array, " n"]]) -> tuple[Array, Array]:
        low, high = bounds
        middle = (low + high) / 2
        late = (time[:, None] / demands_at(middle)) @ theta > allowance
        return jnp.where(late, middle, low), jnp.where(late, high, middle)

    bounds = (jnp.zeros_like(needed), needed)
    limited = demands_at(jax.lax.fori_loop(0, BISECTIONS, halve, bounds)[1])
    fits = (time[:, None] / free) @ theta <= allowance
    return jnp.where(feasible[:, None], jnp.where(fits[:, None], free, limited), 0.0), feasible


def largest_root(
    leading: Float[Array, "*#shape"], pull: Float[Array, "*#shape"], push: Float[Array, "*#shape"]
) -> Float[Array, "*shape"]:
    """The root b >= 0 of leading b^3 - pull b^2 = push: Newton from above, where the cubic is convex."""
    start = jnp.maximum(pull, 0.0) / leading + jnp.cbrt(push / leading)
    start = jnp.where(pull < 0, jnp.minimum(start, jnp.sqrt(push / jnp.where(pull < 0, -pull, 1.0))), start)

    def improve(_: int | Int[Array, ""], root: Array) -> Array:
        slope = (3 * leading * root - 2 * pull) * root
        return root - jnp.where(
            slope > 0, ((leading * root - pull) * root**2 - push) / jnp.where(slope > 0, slope, 1.0), 0.0
        )

    return jax.lax.fori_loop(0, NEWTON_STEPS, improve, start)


def _reach(values: Array, change: Array) -> Float[Array, ""]:
    """Largest step up to 1 that keeps positive values positive."""
    return jnp.minimum(1.0, TO_BOUNDARY / jnp.maximum((-change / values).max(), TINY))


def _residual(
    market: Market,
    prices: Float[Array, " m"],
    demands: Float[Array, "n m"],
    multipliers: Float[Array, " n"],
    feasible: Bool[Array, " n"],
) -> Float[Array, ""]:
    """Largest violation of the optimality conditions."""
    scale = market.satisfaction.max()
    gain = market.satisfaction[:, None] - market.payment_scale * prices - interaction(market) @ demands
    violation = jnp.zeros_like(gain)
    late = jnp.zeros_like(multipliers)
    if market.delay is not None:
        time = transmission(market.delay)
        gain = (
            gain
            + jnp.where(multipliers > 0, multipliers, 0.0)[:, None] * time[:, None] / jnp.maximum(demands, TINY) ** 2
        )
        allowance = delay_allowance(market.delay, prices)
        late = (time[:, None] / jnp.maximum(demands, TINY)) @ pairing_probabilities(prices) / allowance - 1
        late = jnp.maximum(jnp.maximum(late, 0.0), jnp.abs(multipliers * late) / scale)
    violation = jnp.where(demands > 0, jnp.abs(gain), jnp.maximum(gain, 0.0)) / scale
    return jnp.maximum(jnp.where(feasible[:, None], violation, 0.0).max(), jnp.where(feasible, late, 0.0).max())
