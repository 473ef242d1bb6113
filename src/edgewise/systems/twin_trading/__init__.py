"""Twin trading: prices and demands of bandwidth for the migration of vehicular twins (MALPPO paper)."""

from edgewise.systems.twin_trading.admm import AdmmConfig, AdmmEquilibrium, admm_equilibrium
from edgewise.systems.twin_trading.configuration import TwinTradingConfig
from edgewise.systems.twin_trading.environment import TwinTrading, TwinTradingState
from edgewise.systems.twin_trading.equilibrium import StackelbergEquilibrium, stackelberg_equilibrium
from edgewise.systems.twin_trading.files import load_market, market_of, plain_market
from edgewise.systems.twin_trading.followers import FollowerEquilibrium, follower_equilibrium
from edgewise.systems.twin_trading.market import Delay, Market, check_market
from edgewise.systems.twin_trading.sampling import MarketDistribution, draw_market

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
