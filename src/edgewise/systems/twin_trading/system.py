"""Twin trading in the registry of environments with several agents."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from edgewise.environments.game import GameSystem
from edgewise.environments.system import Headline, Policy
from edgewise.systems.twin_trading.configuration import TwinTradingConfig
from edgewise.systems.twin_trading.environment import TwinTrading
from edgewise.systems.twin_trading.equilibrium import stackelberg_equilibrium
from edgewise.systems.twin_trading.files import load_market
from edgewise.systems.twin_trading.references import REFERENCES


class TwinTradingSystem(GameSystem):
    """The system of the MALPPO paper."""

    def build(self, config: TwinTradingConfig) -> TwinTrading:
        if config.instance is None:
            return TwinTrading(config)
        market = load_market(config.instance)
        return TwinTrading(dataclasses.replace(config, followers=market.followers, leaders=market.leaders), market)

    def build_evaluation(self, config: TwinTradingConfig) -> TwinTrading:
        """The same market, with its equilibrium to be measured against."""
        environment = self.build(config)
        solved = stackelberg_equilibrium(environment.market)
        return TwinTrading(environment.config, environment.market, solved)

    def references(self, environment: TwinTrading, names: Sequence[str]) -> dict[str, Policy]:
        return {name: REFERENCES[name](environment) for name in names}


TWIN_TRADING = TwinTradingSystem(
    name="twin-trading",
    summary="sale of bandwidth by leaders who set prices to followers who migrate vehicular twins, slot after slot",
    config=TwinTradingConfig,
    headline=Headline("price_distance", "distance from the equilibrium's prices", "%", digits=2),
    columns=(
        "demand_distance",
        "leader_distance",
        "follower_distance",
        "exploitability",
        "leader_utility",
        "follower_utility",
        "late",
    ),
    reference_names=tuple(REFERENCES),
    usual_references=tuple(REFERENCES),
    default_algorithm="malppo",
)
