"""How far prices are from an equilibrium: the largest gain that any player could still make alone."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from edgewise.systems.twin_trading.followers import best_response, solve_followers
from edgewise.systems.twin_trading.market import Market, follower_utilities, leader_utilities
from edgewise.systems.twin_trading.profits import SEARCH_LEVELS, best_prices

SMALLEST = 1e-9
"""Keeps a quotient finite where all utilities are 0."""


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
        prices: the prices of everyone.
        levels: number of levels of the search for leaders' best prices.

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
    return jnp.maximum(gains.max(), 0.0) / jnp.maximum(jnp.abs(utilities).max(), SMALLEST)


def _utility_alone(
    market: Market, prices: Array, demands: Array, response: Array, follower: Int[Array, ""]
) -> Float[Array, ""]:
    changed = demands.at[follower].set(response[follower])
    return follower_utilities(market, prices, changed)[follower]
