"""Prices: their bounds, and the leaders' best ones in closed form (MALPPO paper, section IV-B, (13) to (15))."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from edgewise.numerics.linear import solve
from edgewise.systems.twin_trading.followers import interaction, solve_followers
from edgewise.systems.twin_trading.market import Market

LOWEST_PRICE = 1e-6
"""Least price as a part of the cap: pairing probabilities need prices above 0 where a cost is 0."""
UNLIMITED_ROUNDS = 60
"""Best responses that are made one after another, far more than it takes to settle."""
FIXED_POINT_ROUNDS = 500
"""Rounds at most; the search ends earlier where prices no longer move by more than `SETTLED`."""
SETTLED = 1e-12
"""The paper's fixed point is reached when no price moves by more, or after so many rounds."""


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


def inverse_others(prices: Float[Array, " m"]) -> Float[Array, " m"]:
    """X of every leader: the sum of 1 / p over the others."""
    inverse = jnp.where(jnp.eye(prices.shape[0], dtype=bool), 0.0, 1 / prices)
    return inverse.sum(axis=1)


def unlimited_prices(market: Market) -> Float[Array, " m"]:
    """Stackelberg prices if every follower buys and no delay limit binds: closed-form best responses, repeated."""
    matrix = interaction(market)
    right = jnp.stack([market.satisfaction, jnp.ones_like(market.satisfaction)], axis=1)
    value, slope = solve(matrix, right).sum(axis=0)
    low, high = price_bounds(market)

    def respond(_: int | Int[Array, ""], prices: Float[Array, " m"]) -> Float[Array, " m"]:
        best = best_linear_price(value / (market.payment_scale * slope), inverse_others(prices), market.cost)
        return jnp.clip(best, low, high)

    return jax.lax.fori_loop(0, UNLIMITED_ROUNDS, respond, high)


def frozen_best_prices(market: Market, prices: Float[Array, " m"], demands: Float[Array, "n m"]) -> Float[Array, " m"]:
    """The paper's (13)-(15): every leader's best price if its followers' social benefit stayed as it is."""
    low, high = price_bounds(market)
    weight = (demands > 0) / (2 * market.sensitivity[:, None])
    value = (weight * (market.satisfaction[:, None] + market.social @ demands)).sum(axis=0)
    slope = market.payment_scale * weight.sum(axis=0)
    best = best_linear_price(value / jnp.where(slope > 0, slope, 1.0), inverse_others(prices), market.cost)
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
        return (jnp.abs(search[1] - search[2]).max() > SETTLED) & (search[0] < FIXED_POINT_ROUNDS)

    return jax.lax.while_loop(moving, advance, (jnp.ones((), int), start, respond(start)))[2]
