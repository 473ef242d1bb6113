"""Twin trading: prices and demands of bandwidth for the migration of vehicular twins (MALPPO paper)."""

from edgewise.environments.twin_trading.admm import AdmmConfig, AdmmEquilibrium, admm_equilibrium
from edgewise.environments.twin_trading.configuration import TwinTradingConfig
from edgewise.environments.twin_trading.draw import MarketDistribution, draw_market
from edgewise.environments.twin_trading.environment import TwinTrading, TwinTradingState
from edgewise.environments.twin_trading.equilibrium import (
    FollowerEquilibrium,
    StackelbergEquilibrium,
    follower_equilibrium,
    stackelberg_equilibrium,
)
from edgewise.environments.twin_trading.game import Delay, Market, check_market
from edgewise.environments.twin_trading.market_file import load_market, market_of, plain_market

__all__ = [
    "AdmmConfig",
    "AdmmEquilibrium",
    "Delay",
    "FollowerEquilibrium",
    "Market",
    "MarketDistribution",
    "StackelbergEquilibrium",
    "TwinTrading",
    "TwinTradingConfig",
    "TwinTradingState",
    "admm_equilibrium",
    "check_market",
    "draw_market",
    "follower_equilibrium",
    "load_market",
    "market_of",
    "plain_market",
    "stackelberg_equilibrium",
]
