"""Leaders' profits at trial prices, and their best prices by search, with the followers solved anew at every trial."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from edgewise.systems.twin_trading.followers import interaction, solve_followers, unlimited_demands
from edgewise.systems.twin_trading.market import Market, leader_utilities
from edgewise.systems.twin_trading.prices import inverse_others, price_bounds

Reaction = Callable[[Float[Array, " m"]], Float[Array, "n m"]]
"""Followers' demands at given prices."""
SEARCH_POINTS = 33
"""Prices that a leader tries at each level of a search."""
SEARCH_LEVELS = 3
"""Levels of a search; each after the first narrows the range sixteenfold, so that the last spacing is 1 / 8192 of it."""
BATCH_NUMBERS = 2**24
"""Numbers in the largest array of a batch of markets, 128 MiB in double precision."""


def sales(
    market: Market, prices: Float[Array, " m"], trials: Float[Array, "m k"], react: Reaction | None = None
) -> Float[Array, "m k"]:
    """What each leader sells at each of its trial prices, the others' prices as they are.

    Args:
        market: the instance.
        prices: the prices of everyone.
        trials: the trials of each leader.
        react: followers' demands at given prices. If None, their exact equilibrium.
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
    return over_cases(one, (leaders, trials.reshape(-1)), market).reshape(m, k)


def trial_profits(
    market: Market, prices: Float[Array, " m"], trials: Float[Array, "m k"], react: Reaction | None = None
) -> Float[Array, "m k"]:
    """Each leader's utility at each of its trial prices, the others' prices as they are and the followers in equilibrium."""
    share = 1 / (1 + trials * inverse_others(prices)[:, None])
    return market.leader_scale * share * (trials - market.cost[:, None]) * sales(market, prices, trials, react)


def profits(market: Market, prices: Float[Array, " m"]) -> Float[Array, " m"]:
    """Every leader's utility at prices, the followers in equilibrium."""
    return leader_utilities(market, prices, solve_followers(market, prices).demands)


def over_cases(function: Callable[..., Array], cases: tuple[Array, ...], market: Market) -> Array:
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
        prices: the prices of everyone.
        levels: number of levels of the search; each tries evenly spread prices between the neighbours of the last best one.
        react: followers' demands at given prices. If None, their exact equilibrium.
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
