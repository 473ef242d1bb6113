"""What leaders could do otherwise, for a figure: utility against own price, and best price against the others'."""

from __future__ import annotations

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from edgewise.systems.twin_trading.followers import in_precision
from edgewise.systems.twin_trading.market import Market
from edgewise.systems.twin_trading.prices import price_bounds
from edgewise.systems.twin_trading.profits import best_prices, trial_profits


class Curves(eqx.Module):
    """Curves of each leader.

    Attributes:
        own: prices of its own, the others' as they are.
        utility: its utility there, followers in equilibrium.
        others: mean price of the others, who move together.
        best: its best price there.
    """

    own: Float[Array, "m k"]
    utility: Float[Array, "m k"]
    others: Float[Array, "m k"]
    best: Float[Array, "m k"]


def best_response_curves(market: Market, prices: Float[Array, " m"], points: int = 41) -> Curves:
    """Curves around prices, computed in double precision and returned in the caller's.

    Args:
        market: the instance.
        prices: the prices of the leaders.
        points: the points of each curve.
    """
    precision = jnp.result_type(float)
    with jax.enable_x64(True):
        return _curves(market, prices, points, precision)


@partial(jax.jit, static_argnums=(2, 3))
def _curves(market: Market, prices: Float[Array, " m"], points: int, precision: np.dtype) -> Curves:
    market, prices = in_precision((market, prices), jnp.float64)
    low, high = price_bounds(market)
    m = prices.shape[0]
    share = jnp.linspace(0.0, 1.0, points)
    own = low[:, None] + (high - low)[:, None] * share
    utility = trial_profits(market, prices, own)
    alone = jnp.eye(m, dtype=bool)

    def respond(shift: Float[Array, ""]) -> tuple[Array, Array]:
        """Best prices when the others' are `shift` of the way from -1, their lowest, over 0, as they are, to 1, the cap."""
        moved = jnp.where(shift < 0, prices + shift * (prices - low), prices + shift * (high - prices))

        def one(mine: Array) -> tuple[Array, Array]:
            mixed = jnp.where(mine, prices, moved)
            others = jnp.where(mine, 0.0, mixed).sum() / jnp.maximum(m - 1, 1)
            return others, jnp.where(mine, best_prices(market, mixed)[0], 0.0).sum()

        return jax.vmap(one)(alone)

    shifts = jnp.sort(jnp.append(jnp.linspace(-1.0, 1.0, points - 1), 0.0))
    others, best = jax.lax.map(respond, shifts)
    return in_precision(Curves(own, utility, others.T, best.T), precision)
