"""The market that a configuration describes: drawn, but for the numbers that it gives."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from edgewise.systems.twin_trading.configuration import TwinTradingConfig
from edgewise.systems.twin_trading.market import Market, check_market
from edgewise.systems.twin_trading.sampling import MarketDistribution, draw_market


def configured_market(config: TwinTradingConfig) -> Market:
    """The market of `config.instance_seed`, with the given numbers in place of drawn ones; the others stay what they are.

    Raises:
        ConfigurationError: for a given number that the equations cannot take.
    """
    distribution = MarketDistribution(with_delay=config.with_delay)
    market = draw_market(jax.random.key(config.instance_seed), config.followers, config.leaders, distribution)
    if not config.given:
        return market
    given: dict[str, Any] = {
        name: jnp.broadcast_to(jnp.asarray(value, float), getattr(market, name).shape)
        for name, value in config.given.items()
    }
    if "social" in given:
        given["social"] = given["social"] * (1 - jnp.eye(config.followers))
    return check_market(dataclasses.replace(market, **given))
