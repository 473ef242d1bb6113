"""Stackelberg equilibrium of the market (MALPPO paper, sections III-D and IV-B): leaders anticipate the followers' reaction.

From several starting prices, leaders move to their global best responses and on by Newton's method on all their optimality
conditions; then each candidate is certified: the largest gain that any player could still make alone, relative to the largest
utility of its kind. Where the delay limit binds, a market may have several equilibria, or none: all certified candidates are
returned. The game is that of Problem 1, in which the limit (6) must be met; a follower that cannot meet it buys nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from edgewise.common.errors import check_choice
from edgewise.numerics.linear import solve
from edgewise.systems.twin_trading.followers import (
    FollowerEquilibrium,
    best_response,
    follower_equilibrium,
    in_precision,
    interaction,
    solve_followers,
    unlimited_demands,
)
from edgewise.systems.twin_trading.market import Market, follower_utilities, leader_utilities

__all__ = ["FollowerEquilibrium", "StackelbergEquilibrium", "follower_equilibrium", "stackelberg_equilibrium"]

Chosen = TypeVar("Chosen")
Mode = Literal["stackelberg", "paper"]
MODES: tuple[Mode, ...] = ("stackelberg", "paper")
Reaction = Callable[[Float[Array, " m"]], Float[Array, "n m"]]
CERTIFIED = 1e-6
SAME_PRICE = 1e-5
STARTS = 3
LOWEST_PRICE = 1e-6
SEARCH_POINTS = 33
SEARCH_LEVELS = 3
NEWTON_ROUNDS = 5
LONGEST_STEP = 0.1
DIFFERENCE = 1e-4
ROUNDS = 8
ROUGH_ROUNDS = 2
FIXED_POINT_ROUNDS = 500
BATCH_NUMBERS = 2**24


class StackelbergEquilibrium(eqx.Module):
    """Prices and demands, with what is known of them.

    Attributes:
        prices: p_j.
        demands: b_ij.
        leader_utilities, follower_utilities: (2) and (1).
        welfare: their sum.
        certificate: largest gain of any player that deviates alone, relative to the largest utility of its kind.
        feasible: whether the follower can meet its delay limit at these prices; if not it buys nothing.
        limited: whether the delay limit binds.
        followers_unique: whether the followers' equilibrium is unique at any prices.
        candidates: prices found from each start.
        candidate_certificates: of each.
        equilibria: how many different candidates are certified to 1e-6; 0 if none is.
        mode: "stackelberg", or "paper" for the fixed point of the paper's (4), (13), (15).
    """

    prices: Float[Array, " m"]
    demands: Float[Array, "n m"]
    leader_utilities: Float[Array, " m"]
    follower_utilities: Float[Array, " n"]
    welfare: Float[Array, ""]
    certificate: Float[Array, ""]
    feasible: Bool[Array, " n"]
    limited: Bool[Array, " n"]
    followers_unique: Bool[Array, ""]
    candidates: Float[Array, "s m"]
    candidate_certificates: Float[Array, " s"]
    equilibria: Int[Array, ""]
    mode: Mode = eqx.field(static=True)


def stackelberg_equilibrium(market: Market, mode: Mode = "stackelberg") -> StackelbergEquilibrium:
    """The market's equilibrium, computed in double precision and returned in the caller's.

    Compiled already; can be vmapped over markets. A program of one's own that is compiled around it needs `jax.enable_x64(True)`.

    Args:
        market: the instance.
        mode: "stackelberg": leaders anticipate the followers' whole reaction. "paper": the fixed point of the paper's
            conditions, in which a leader moves each follower's demand but takes the demands that its social benefit comes from
            as given; no equilibrium of the game, as its certificate tells.

    Raises:
        ConfigurationError: for another mode.
    """
    check_choice("mode", mode, MODES)
    precision = jnp.result_type(float)
    with jax.enable_x64(True):
        return _solve(market, mode, precision)


@partial(jax.jit, static_argnums=(1, 2))
def _solve(market: Market, mode: Mode, precision: np.dtype) -> StackelbergEquilibrium:
    market = in_precision(market, jnp.float64)
    starts = _starts(market)
    if mode == "paper":
        found = paper_fixed_point(market, starts[0])[None]
        certificates = jax.tree.map(lambda leaf: leaf[None], certify(market, found[0]))
    else:
        found, certificates = _candidates(market, starts)
    gains = certificates.gain
    certified = gains < CERTIFIED
    ranks = jnp.where(certified.any(), jnp.where(certified, certificates.profit, -jnp.inf), -gains)
    chosen = jnp.argmax(ranks)
    again = (jnp.abs(found[:, None] - found[None]) < SAME_PRICE).all(axis=-1) & certified[:, None] & certified
    repeated = jnp.tril(again, -1).any(axis=1)
    solved = _describe(market, mode, found, gains, chosen, (certified & ~repeated).sum(dtype=jnp.int32))
    return in_precision(solved, precision)


def _describe(
    market: Market,
    mode: Mode,
    candidates: Float[Array, "s m"],
    gains: Float[Array, " s"],
    chosen: Int[Array, ""],
    equilibria: Int[Array, ""],
) -> StackelbergEquilibrium:
    prices = candidates[chosen]
    reaction = solve_followers(market, prices)
    leaders = leader_utilities(market, prices, reaction.demands)
    followers = follower_utilities(market, prices, reaction.demands)
    return StackelbergEquilibrium(
        prices=prices,
        demands=reaction.demands,
        leader_utilities=leaders,
        follower_utilities=followers,
        welfare=leaders.sum() + followers.sum(),
        certificate=gains[chosen],
        feasible=reaction.feasible,
        limited=reaction.multipliers > 1e-9 * market.satisfaction.max(),
        followers_unique=reaction.unique,
        candidates=candidates,
        candidate_certificates=gains,
        equilibria=equilibria,
        mode=mode,
    )


def price_bounds(market: Market) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    """[c_j, p^max], kept above 0 where a cost is 0."""
    lowest = jnp.maximum(market.cost, LOWEST_PRICE * market.price_cap)
    return lowest, jnp.broadcast_to(market.price_cap, lowest.shape)


def best_linear_price(
    choke: Float[Array, "*#shape"], others: Float[Array, "*#shape"], cost: Float[Array, "*#shape"]
) -> Float[Array, "*shape"]:
    """Best price against demand s (G - p): (sqrt((1 + G X)(1 + c X)) - 1) / X; what (15) should say.

    Args:
        choke: G, the price at which nothing is sold.
        others: X, sum over the other leaders of 1 / p.
        cost: c.
    """
    alone = (choke + cost) / 2
    safe = jnp.where(others > 0, others, 1.0)
    best = (jnp.sqrt(jnp.maximum((1 + choke * safe) * (1 + cost * safe), 0.0)) - 1) / safe
    return jnp.where(others > 0, best, alone)


def _others(prices: Float[Array, " m"]) -> Float[Array, " m"]:
    inverse = jnp.where(jnp.eye(prices.shape[0], dtype=bool), 0.0, 1 / prices)
    return inverse.sum(axis=1)


def unlimited_prices(market: Market) -> Float[Array, " m"]:
    """Stackelberg prices if every follower buys and no delay limit binds: closed-form best responses, repeated."""
    matrix = interaction(market)
    right = jnp.stack([market.satisfaction, jnp.ones_like(market.satisfaction)], axis=1)
    value, slope = solve(matrix, right).sum(axis=0)
    low, high = price_bounds(market)

    def respond(_: int | Int[Array, ""], prices: Float[Array, " m"]) -> Float[Array, " m"]:
        best = best_linear_price(value / (market.payment_scale * slope), _others(prices), market.cost)
        return jnp.clip(best, low, high)

    return jax.lax.fori_loop(0, 60, respond, high)


def frozen_best_prices(market: Market, prices: Float[Array, " m"], demands: Float[Array, "n m"]) -> Float[Array, " m"]:
    """The paper's (13)-(15): every leader's best price if its followers' social benefit stayed as it is."""
    low, high = price_bounds(market)
    weight = (demands > 0) / (2 * market.sensitivity[:, None])
    value = (weight * (market.satisfaction[:, None] + market.social @ demands)).sum(axis=0)
    slope = market.payment_scale * weight.sum(axis=0)
    best = best_linear_price(value / jnp.where(slope > 0, slope, 1.0), _others(prices), market.cost)
    return jnp.where(slope > 0, jnp.clip(best, low, high), prices)


def paper_fixed_point(market: Market, start: Float[Array, " m"]) -> Float[Array, " m"]:
    """Fixed point of the paper's (4), (13), (15)."""

    def respond(prices: Float[Array, " m"]) -> Float[Array, " m"]:
        return frozen_best_prices(market, prices, solve_followers(market, prices).demands)

    Search = tuple[Int[Array, ""], Float[Array, " m"], Float[Array, " m"]]

    def advance(search: Search) -> Search:
        count, _, prices = search
        return count + 1, prices, respond(prices)

    def moving(search: Search) -> Bool[Array, ""]:
        return (jnp.abs(search[1] - search[2]).max() > 1e-12) & (search[0] < FIXED_POINT_ROUNDS)

    return jax.lax.while_loop(moving, advance, (jnp.ones((), int), start, respond(start)))[2]


def sales(
    market: Market, prices: Float[Array, " m"], trials: Float[Array, "m k"], react: Reaction | None = None
) -> Float[Array, "m k"]:
    """What each leader sells at each of its trial prices, the others' prices as they are.

    Args:
        market: the instance.
        prices: of everyone.
        trials: of each leader.
        react: followers' demands at given prices; none takes their exact equilibrium.
    """
    m, k = trials.shape
    if react is None and market.delay is None:  # what a leader sells depends on its own price alone
        margin = market.satisfaction[:, None] - market.payment_scale * trials.reshape(-1)
        demands = unlimited_demands(interaction(market), margin, jnp.ones(market.followers, bool))
        return demands.sum(axis=0).reshape(m, k)
    demanded = react or (lambda p: solve_followers(market, p).demands)

    def one(case: tuple[Int[Array, ""], Float[Array, ""]]) -> Float[Array, ""]:
        leader, trial = case
        return demanded(prices.at[leader].set(trial))[:, leader].sum()

    leaders = jnp.repeat(jnp.arange(m), k)
    return _map(one, (leaders, trials.reshape(-1)), market).reshape(m, k)


def trial_profits(
    market: Market, prices: Float[Array, " m"], trials: Float[Array, "m k"], react: Reaction | None = None
) -> Float[Array, "m k"]:
    """Each leader's utility at each of its trial prices, the others' prices as they are and the followers in equilibrium."""
    share = 1 / (1 + trials * _others(prices)[:, None])
    return market.leader_scale * share * (trials - market.cost[:, None]) * sales(market, prices, trials, react)


def _profits(market: Market, prices: Float[Array, " m"]) -> Float[Array, " m"]:
    return leader_utilities(market, prices, solve_followers(market, prices).demands)


def _map(function: Callable[..., Array], cases: tuple[Array, ...], market: Market) -> Array:
    """Over the cases, as many at once as memory allows."""
    batch = max(1, BATCH_NUMBERS // (market.followers**2 * market.leaders))
    if batch >= cases[0].shape[0]:
        return jax.vmap(lambda *case: function(case))(*cases)
    return jax.lax.map(function, cases, batch_size=batch)


def best_prices(
    market: Market,
    prices: Float[Array, " m"],
    levels: int | Int[Array, ""] = SEARCH_LEVELS,
    react: Reaction | None = None,
) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    """Every leader's best price over its whole range, the others' as they are, and its utility there.

    Args:
        market: the instance.
        prices: of everyone.
        levels: of the search; each looks at evenly spread prices, between the neighbours of the best one of the level before.
        react: followers' demands at given prices; none takes their exact equilibrium.
    """
    lowest, highest = price_bounds(market)
    rows = jnp.arange(prices.shape[0])
    Best = tuple[Array, Array, Array]

    def look(_: int | Int[Array, ""], best: Best) -> Best:
        price, utility, reach = best
        low, high = jnp.maximum(price - reach, lowest), jnp.minimum(price + reach, highest)
        trials = low[:, None] + (high - low)[:, None] * jnp.linspace(0.0, 1.0, SEARCH_POINTS)
        profit = trial_profits(market, prices, trials, react)
        place = jnp.argmax(profit, axis=1)
        better = profit[rows, place] > utility
        price = jnp.where(better, trials[rows, place], price)
        return price, jnp.where(better, profit[rows, place], utility), (high - low) / (SEARCH_POINTS - 1)

    begin = (prices, jnp.full_like(prices, -jnp.inf), highest - lowest)
    price, utility, _ = jax.lax.fori_loop(0, levels, look, begin)
    return price, utility


class Certificate(NamedTuple):
    """Largest relative gain by deviating alone, and the leaders' utilities together without it."""

    gain: Float[Array, "*s"]
    profit: Float[Array, "*s"]


def certify(market: Market, prices: Float[Array, " m"]) -> Certificate:
    """`deviate` without where it leads."""
    return deviate(market, prices, SEARCH_LEVELS)[0]


def deviate(
    market: Market, prices: Float[Array, " m"], levels: int | Int[Array, ""]
) -> tuple[Certificate, Float[Array, " m"]]:
    """How far prices, and the followers' equilibrium at them, are from an equilibrium of the game.

    Leaders deviate to the best price of a search over their whole range with the followers solved anew; followers to their exact
    best response. A market in which the followers' equilibrium is not unique has no certificate: it is infinite.

    Args:
        market: the instance.
        prices: of everyone.
        levels: of the search for leaders' best prices.

    Returns:
        The certificate, and every leader's best price.
    """
    reaction = solve_followers(market, prices)
    leaders = leader_utilities(market, prices, reaction.demands)
    best, reached = best_prices(market, prices, levels)
    gain = _relative(reached - leaders, leaders)
    response, feasible = best_response(market, prices, reaction.demands)
    followers = follower_utilities(market, prices, reaction.demands)
    alone = jax.vmap(lambda i: _utility_alone(market, prices, reaction.demands, response, i))(
        jnp.arange(market.followers)
    )
    gain = jnp.maximum(gain, _relative(jnp.where(feasible, alone - followers, 0.0), followers))
    return Certificate(jnp.where(reaction.unique & jnp.isfinite(gain), gain, jnp.inf), leaders.sum()), best


def _relative(gains: Float[Array, " k"], utilities: Float[Array, " k"]) -> Float[Array, ""]:
    return jnp.maximum(gains.max(), 0.0) / jnp.maximum(jnp.abs(utilities).max(), 1e-9)


def _utility_alone(
    market: Market, prices: Array, demands: Array, response: Array, follower: Int[Array, ""]
) -> Float[Array, ""]:
    changed = demands.at[follower].set(response[follower])
    return follower_utilities(market, prices, changed)[follower]


def _starts(market: Market) -> Float[Array, "s m"]:
    """The equilibrium without delay limits, and the two ends of the range."""
    low, high = price_bounds(market)
    return jnp.stack([unlimited_prices(market), low, high])


def _newton(market: Market, prices: Float[Array, " m"]) -> Float[Array, " m"]:
    """Steps towards prices at which no leader's utility has a slope that it could follow.

    Slopes and their derivatives are central differences of all leaders' utilities; a price at a bound stays there while its
    leader's utility rises beyond it.
    """
    low, high = price_bounds(market)
    m = prices.shape[0]
    identity = jnp.eye(m)
    first, second = jnp.triu_indices(m, 1)
    moves = jnp.concatenate([jnp.zeros((1, m)), identity, -identity, identity[first] + identity[second]])
    width = DIFFERENCE * market.price_cap

    def improve(_: int | Int[Array, ""], prices: Float[Array, " m"]) -> Float[Array, " m"]:
        centre = jnp.clip(prices, low + 2 * width, high - 2 * width)
        profit = _map(lambda case: _profits(market, centre + width * case[0]), (moves,), market)
        here, above, below, both = profit[0], profit[1 : m + 1], profit[m + 1 : 2 * m + 1], profit[2 * m + 1 :]
        slope = jnp.diag(above - below) / (2 * width)
        curvature = jnp.diag((above + below).T - 2 * here[:, None]) / width**2
        mixed = (both - above[first] - above[second] + here) / width**2
        jacobian = jnp.diag(curvature)
        jacobian = jacobian.at[first, second].set(mixed[jnp.arange(first.size), first])
        jacobian = jacobian.at[second, first].set(mixed[jnp.arange(first.size), second])
        stuck = ((centre > prices) & (slope <= 0)) | ((centre < prices) & (slope >= 0))
        jacobian = jnp.where(stuck[:, None], identity, jacobian)
        step = -solve(jacobian, jnp.where(stuck, 0.0, slope)[:, None])[:, 0]
        step = jnp.where(jnp.isfinite(step), step, 0.0)
        limit = LONGEST_STEP * market.price_cap
        step = step * jnp.minimum(1.0, limit / jnp.maximum(jnp.abs(step).max(), 1e-30))
        return jnp.clip(jnp.where(stuck, prices, centre + step), low, high)

    return jax.lax.fori_loop(0, NEWTON_ROUNDS, improve, prices)


class _Work(NamedTuple):
    """Search over the starts: number of the current one, its prices, the best ones so far, rounds; what every start led to."""

    start: Int[Array, ""]
    prices: Float[Array, " m"]
    best: Float[Array, " m"]
    certificate: Certificate
    rounds: Int[Array, ""]
    found: Float[Array, "s m"]
    certificates: Certificate


def _candidates(market: Market, starts: Float[Array, "s m"]) -> tuple[Float[Array, "s m"], Certificate]:
    """Prices reached from each start, and their certificates.

    Each round certifies and moves leaders to their best responses, every second one on by Newton's method, until nobody gains;
    the first rounds search roughly. A start that leads where an earlier one has led takes over its certificate.
    """
    count = starts.shape[0]

    def advance(work: _Work) -> _Work:
        rough = work.rounds < ROUGH_ROUNDS
        same = (jnp.abs(work.found - work.prices) < SAME_PRICE).all(axis=1) & (jnp.arange(count) < work.start)
        known, place = same.any(), jnp.argmax(same)
        fresh, target = deviate(market, work.prices, jnp.where(known, 0, jnp.where(rough, 1, SEARCH_LEVELS)))
        fresh = fresh._replace(gain=jnp.where(rough, jnp.inf, fresh.gain))
        found = _choose(known, (work.found[place], _row(work.certificates, place)), (work.prices, fresh))
        best, certificate = _choose(found[1].gain < work.certificate.gain, found, (work.best, work.certificate))
        done = known | (certificate.gain < CERTIFIED / 100) | (work.rounds + 1 >= ROUNDS)
        following = jax.lax.cond(
            done | (work.rounds % 2 == 0),
            lambda: jnp.where(done, starts[jnp.minimum(work.start + 1, count - 1)], target),
            lambda: _newton(market, target),
        )
        return _Work(
            start=work.start + done,
            prices=following,
            best=best,
            certificate=_choose(done, _none(()), certificate),
            rounds=jnp.where(done, 0, work.rounds + 1),
            found=work.found.at[work.start].set(best),
            certificates=jax.tree.map(lambda all_, one: all_.at[work.start].set(one), work.certificates, certificate),
        )

    zero = jnp.zeros((), int)
    begin = _Work(zero, starts[0], starts[0], _none(()), zero, starts, _none((count,)))
    end = jax.lax.while_loop(lambda work: work.start < count, advance, begin)
    return end.found, end.certificates


def _none(shape: tuple[int, ...]) -> Certificate:
    return Certificate(jnp.full(shape, jnp.inf), jnp.full(shape, -jnp.inf))


def _row(certificates: Certificate, place: Int[Array, ""]) -> Certificate:
    return Certificate(certificates.gain[place], certificates.profit[place])


def _choose(condition: Bool[Array, ""], these: Chosen, those: Chosen) -> Chosen:
    chosen: Chosen = jax.tree.map(lambda this, that: jnp.where(condition, this, that), these, those)
    return chosen
