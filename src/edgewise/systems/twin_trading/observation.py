"""What an agent sees and decides, number by number."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from edgewise.environments.fields import Field
from edgewise.systems.twin_trading.environment import MIDDLE_RATE, TwinTrading

BANDWIDTH = "1e7 Hz"
PRICE = "money per 1e7 Hz"


def fields(environment: TwinTrading, agent: str) -> tuple[Field, ...]:
    """The parts of an agent's view, in the order of `TwinTrading.observe`."""
    n, m, slots = environment.market.followers, environment.market.leaders, environment.config.history
    cap, most = float(environment.market.price_cap), float(environment.largest_demand)
    prices = Field("past_prices", PRICE, 0.0, 1.0, (slots, m), cap, meaning="of every leader, oldest slot first")
    if agent in environment.leaders:
        rates = f"arrivals and services at the own queue, each as x / (x + {MIDDLE_RATE:g} per s); 0 without a delay"
        return (
            prices,
            Field(
                "past_demands", BANDWIDTH, 0.0, 1.0, (slots, n, m), most, meaning="of each follower from each leader"
            ),
            Field("queue", "1", 0.0, 1.0, (2,), meaning=rates),
        )
    others = Field(
        "past_demands", BANDWIDTH, 0.0, 1.0, (slots, n - 1, m), most, meaning="of each other follower from each leader"
    )
    if not environment.config.followers_see_price:
        return prices, others
    return prices, others, Field("prices", PRICE, 0.0, 1.0, (m,), cap, meaning="of this slot; 0 until announced")


def action_fields(environment: TwinTrading, agent: str) -> tuple[Field, ...]:
    """What an action decides: a leader's price, or what a follower buys from each leader."""
    m = environment.market.leaders
    if agent not in environment.leaders:
        most = float(environment.largest_demand)
        return (Field("demand", BANDWIDTH, 0.0, 1.0, (m,), most, meaning="from each leader"),)
    place = environment.leaders.index(agent)
    low, high = (np.asarray(environment.price_of(jnp.full(m, share)))[place] for share in (0.0, 1.0))
    return (Field("price", PRICE, 0.0, 1.0, (1,), float(high - low), float(low), "of this slot"),)
