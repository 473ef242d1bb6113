"""Twin trading in the registry of environments with several agents."""

from __future__ import annotations

import dataclasses

from edgewise.environments.multi_agent import MultiAgentEntry
from edgewise.environments.twin_trading.configuration import TwinTradingConfig
from edgewise.environments.twin_trading.environment import TwinTrading
from edgewise.environments.twin_trading.market_file import load_market


class TwinTradingEntry(MultiAgentEntry):
    """The system of the MALPPO paper."""

    def build(self, config: TwinTradingConfig) -> TwinTrading:
        if config.instance is None:
            return TwinTrading(config)
        market = load_market(config.instance)
        return TwinTrading(dataclasses.replace(config, followers=market.followers, leaders=market.leaders), market)


TWIN_TRADING = TwinTradingEntry(
    name="twin-trading",
    summary="sale of bandwidth by leaders who set prices to followers who migrate vehicular twins, slot after slot",
    config=TwinTradingConfig,
)
