"""Newton's method on all leaders' optimality conditions together."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from edgewise.numerics.linear import solve
from edgewise.systems.twin_trading.market import Market
from edgewise.systems.twin_trading.prices import price_bounds
from edgewise.systems.twin_trading.profits import over_cases, profits

NEWTON_ROUNDS = 5
"""Steps; near an equilibrium each doubles the number of correct digits."""
LONGEST_STEP = 0.1
"""Most that a price may change in a step, as a part of the cap."""
DIFFERENCE = 1e-4
"""Width of the central differences as a part of the cap: a second derivative loses about 1e-8 by truncation and by rounding."""
STEEPEST = 1e-30
"""Keeps a quotient finite where no price moves."""


def improve_by_newton(market: Market, prices: Float[Array, " m"]) -> Float[Array, " m"]:
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
        profit = over_cases(lambda case: profits(market, centre + width * case[0]), (moves,), market)
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
        step = step * jnp.minimum(1.0, limit / jnp.maximum(jnp.abs(step).max(), STEEPEST))
        return jnp.clip(jnp.where(stuck, prices, centre + step), low, high)

    return jax.lax.fori_loop(0, NEWTON_ROUNDS, improve, prices)
