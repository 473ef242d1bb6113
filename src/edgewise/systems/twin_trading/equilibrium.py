"""Stackelberg equilibrium of the market (MALPPO paper, sections III-D and IV-B): leaders anticipate the followers' reaction.

From several starting prices, leaders move to their global best responses and on by Newton's method on all their optimality
conditions; then each candidate is certified: the largest gain that any player could still make alone, relative to the largest
utility of its kind. Where the delay limit binds, a market may have several equilibria, or none: all certified candidates are
returned. The game is that of Problem 1, in which the limit (6) must be met; a follower that cannot meet it buys nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Literal, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from edgewise.common.errors import check_choice
from edgewise.systems.twin_trading.certificate import Certificate, certify, deviate
from edgewise.systems.twin_trading.followers import in_precision, solve_followers
from edgewise.systems.twin_trading.market import Market, follower_utilities, leader_utilities
from edgewise.systems.twin_trading.newton import improve_by_newton
from edgewise.systems.twin_trading.prices import paper_fixed_point, price_bounds, unlimited_prices
from edgewise.systems.twin_trading.profits import SEARCH_LEVELS

Chosen = TypeVar("Chosen")
Mode = Literal["stackelberg", "paper"]
MODES: tuple[Mode, ...] = ("stackelberg", "paper")
CERTIFIED = 1e-6
"""Relative gain by deviating below which prices count as an equilibrium."""
WELL_CERTIFIED = CERTIFIED / 100
"""Gain below which the search from a start ends."""
SAME_PRICE = 1e-5
"""Prices closer than this in every component are the same equilibrium."""
BINDING = 1e-9
"""Multiplier, as a part of the largest satisfaction, above which the delay limit is said to bind."""
ROUNDS = 8
"""Most rounds from one start."""
ROUGH_ROUNDS = 2
"""First rounds, in which leaders search one level only."""


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
        candidate_certificates: the candidate certificates of each.
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

    Compiled already; can be vmapped over markets. A program of your own that is compiled around it needs `jax.enable_x64(True)`.

    Args:
        market: the instance.
        mode: "stackelberg": leaders anticipate the followers' whole reaction. "paper": the fixed point of the paper's
            conditions, in which a leader moves each follower's demand but takes the demands that its social benefit comes from
            as given; no equilibrium of the game, as its certificate shows.

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
        limited=reaction.multipliers > BINDING * market.satisfaction.max(),
        followers_unique=reaction.unique,
        candidates=candidates,
        candidate_certificates=gains,
        equilibria=equilibria,
        mode=mode,
    )


def _starts(market: Market) -> Float[Array, "s m"]:
    """The equilibrium without delay limits, and the two ends of the range."""
    low, high = price_bounds(market)
    return jnp.stack([unlimited_prices(market), low, high])


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
        done = known | (certificate.gain < WELL_CERTIFIED) | (work.rounds + 1 >= ROUNDS)
        following = jax.lax.cond(
            done | (work.rounds % 2 == 0),
            lambda: jnp.where(done, starts[jnp.minimum(work.start + 1, count - 1)], target),
            lambda: improve_by_newton(market, target),
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
