"""How far trade is from the market's equilibrium, and what a player could still gain alone; all in percent."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from edgewise.systems.twin_trading.equilibrium import Reaction, StackelbergEquilibrium, best_prices
from edgewise.systems.twin_trading.followers import best_response
from edgewise.systems.twin_trading.market import Market, deadline_met, follower_utilities, leader_utilities


def distances(
    equilibrium: StackelbergEquilibrium,
    prices: Float[Array, " m"],
    demands: Float[Array, "n m"],
    leaders: Float[Array, " m"],
    followers: Float[Array, " n"],
) -> dict[str, Float[Array, ""]]:
    """Mean absolute difference from the equilibrium, relative to the mean size there.

    Args:
        equilibrium: of the market.
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


def exploitability(
    market: Market, prices: Float[Array, " m"], react: Reaction
) -> tuple[Float[Array, " m"], Float[Array, " n"]]:
    """Largest gain of each leader and each follower that deviates alone, relative to the largest utility of its kind.

    A leader tries its whole price range, and followers answer as they do. A follower plays its exact best response to the
    prices and the others' demands; it may also miss its deadline for a reward of 0, as (20) allows.

    Args:
        market: the instance.
        prices: set.
        react: how followers answer prices.
    """
    demands = react(prices)
    leaders = leader_utilities(market, prices, demands)
    _, reached = best_prices(market, prices, react=react)
    response, feasible = best_response(market, prices, demands)

    def alone(follower: Array) -> Float[Array, ""]:
        return follower_utilities(market, prices, demands.at[follower].set(response[follower]))[follower]

    best = jnp.maximum(jnp.where(feasible, jax.vmap(alone)(jnp.arange(market.followers)), 0.0), 0.0)
    followers = jnp.where(deadline_met(market, prices, demands), follower_utilities(market, prices, demands), 0.0)
    return _share(reached - leaders, leaders), _share(best - followers, followers)


def _distance(values: Float[Array, "*shape"], wanted: Float[Array, "*shape"]) -> Float[Array, ""]:
    return 100 * jnp.abs(values - wanted).sum() / jnp.maximum(jnp.abs(wanted).sum(), 1e-9)


def _share(gains: Float[Array, " k"], utilities: Float[Array, " k"]) -> Float[Array, " k"]:
    return 100 * jnp.maximum(gains, 0.0) / jnp.maximum(jnp.abs(utilities).max(), 1e-9)
