"""How far trade is from the market's equilibrium, and what a player could still gain alone; all in percent."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from edgewise.systems.twin_trading.equilibrium import StackelbergEquilibrium
from edgewise.systems.twin_trading.followers import best_response
from edgewise.systems.twin_trading.market import Market, deadline_met, follower_utilities, leader_utilities
from edgewise.systems.twin_trading.profits import Reaction, best_prices

LEAST_SCALE = 0.5
"""Part of the largest utility of a kind in equilibrium below which utilities do not measure gains."""
SMALLEST = 1e-9
"""Keeps a quotient finite where an equilibrium has neither trade nor utilities."""


def distances(
    equilibrium: StackelbergEquilibrium,
    prices: Float[Array, " m"],
    demands: Float[Array, "n m"],
    leaders: Float[Array, " m"],
    followers: Float[Array, " n"],
) -> dict[str, Float[Array, ""]]:
    """Mean absolute difference from the equilibrium, relative to the mean size there.

    Args:
        equilibrium: the equilibrium of the market.
        prices: set.
        demands: at them.
        leaders: utilities (2) of leaders.
        followers: utilities (1) of followers.
    """
    return {
        "price_distance": _distance(prices, equilibrium.prices),
        "demand_distance": _distance(demands, equilibrium.demands),
        "leader_distance": _distance(leaders, equilibrium.leader_utilities),
        "follower_distance": _distance(followers, equilibrium.follower_utilities),
    }


class Gains(NamedTuple):
    """What players could gain alone, percent of the scale of their kind.

    Attributes:
        leaders: by another price.
        followers: by other purchases, which meet the deadline.
        lateness: of each follower, by missing its deadline on purpose for a reward of 0, as (20) allows.
    """

    leaders: Float[Array, " m"]
    followers: Float[Array, " n"]
    lateness: Float[Array, " n"]


def exploitability(
    market: Market, equilibrium: StackelbergEquilibrium, prices: Float[Array, " m"], react: Reaction
) -> Gains:
    """Largest gain of each leader and each follower that deviates alone.

    A leader tries its whole price range, and followers answer as they do. A follower plays its exact best response to the
    prices and the others' demands. The scale is the largest utility of the players' kind, but at least `LEAST_SCALE` of the
    largest one in equilibrium: where every follower is late all utilities are 0, and no measure.

    Args:
        market: the instance.
        equilibrium: the equilibrium of the market.
        prices: set.
        react: how followers answer prices.
    """
    demands = react(prices)
    leaders = leader_utilities(market, prices, demands)
    _, reached = best_prices(market, prices, react=react)
    response, feasible = best_response(market, prices, demands)

    def alone(follower: Array) -> Float[Array, ""]:
        return follower_utilities(market, prices, demands.at[follower].set(response[follower]))[follower]

    best = jnp.where(feasible, jax.vmap(alone)(jnp.arange(market.followers)), 0.0)
    if market.delay is None:
        best = jnp.maximum(best, 0.0)
    followers = jnp.where(deadline_met(market, prices, demands), follower_utilities(market, prices, demands), 0.0)
    return Gains(
        leaders=_share(reached - leaders, leaders, equilibrium.leader_utilities),
        followers=_share(best - followers, followers, equilibrium.follower_utilities),
        lateness=_share(-followers, followers, equilibrium.follower_utilities) * (market.delay is not None),
    )


def _distance(values: Float[Array, "*shape"], wanted: Float[Array, "*shape"]) -> Float[Array, ""]:
    return 100 * jnp.abs(values - wanted).sum() / jnp.maximum(jnp.abs(wanted).sum(), SMALLEST)


def _share(gains: Float[Array, " k"], utilities: Float[Array, " k"], usual: Float[Array, " k"]) -> Float[Array, " k"]:
    scale = jnp.maximum(jnp.abs(utilities).max(), LEAST_SCALE * jnp.abs(usual).max())
    return 100 * jnp.maximum(gains, 0.0) / jnp.maximum(scale, SMALLEST)
