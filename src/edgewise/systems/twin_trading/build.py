"""The twin-trading environment of a configuration."""

from __future__ import annotations

import dataclasses
from typing import Literal

from edgewise.systems.twin_trading.configuration import TwinTradingConfig
from edgewise.systems.twin_trading.environment import TwinTrading
from edgewise.systems.twin_trading.equilibrium import stackelberg_equilibrium
from edgewise.systems.twin_trading.files import load_market

Part = Literal["training", "evaluation"]


def environment(config: TwinTradingConfig, part: Part) -> TwinTrading:
    """The environment of a configuration, with the market of the file that it names.

    Args:
        config: the system.
        part: the same market for both; for evaluation, with its equilibrium to be measured against.

    Raises:
        EdgewiseError: if the file is missing or damaged.
    """
    market = None if config.instance is None else load_market(config.instance)
    if market is not None:
        config = dataclasses.replace(config, followers=market.followers, leaders=market.leaders)
    built = TwinTrading(config, market)
    if part == "training":
        return built
    return TwinTrading(config, built.market, stackelberg_equilibrium(built.market))
