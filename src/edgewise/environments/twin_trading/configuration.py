"""Configuration of the twin-trading system."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise.numerics.checks import check_integer, check_range


@dataclass(frozen=True)
class TwinTradingConfig:
    """Repeated trade in one market, section V-A of the MALPPO paper; defaults from its section VI-A.

    Attributes:
        followers: number of service providers N, who buy.
        leaders: number of resource providers M, who sell.
        instance_seed: draws the market; independent of the seeds of training and evaluation.
        instance: YAML file with a market, instead of a drawn one; it gives `followers` and `leaders` itself.
        with_delay: whether a drawn market has the delay limit (6).
        history: past slots that agents see, L.
        slots: slots of an episode.
        followers_see_price: leaders move first in a slot and followers see the prices, which Problem 1 asks them to respond to;
            without it all move at once and observations are those that the paper prints.
        demand_margin: most that a follower can buy from one leader, as a multiple of what any market situation lets it want.
    """

    followers: int = 3
    leaders: int = 2
    instance_seed: int = 0
    instance: str | None = None
    with_delay: bool = True
    history: int = 3
    slots: int = 100
    followers_see_price: bool = True
    demand_margin: float = 1.5

    def __post_init__(self) -> None:
        check_integer("followers", self.followers, 1)
        check_integer("leaders", self.leaders, 1)
        check_integer("instance_seed", self.instance_seed, 0, 2**32 - 1)
        check_integer("history", self.history, 0)
        check_integer("slots", self.slots, 1)
        check_range("demand_margin", self.demand_margin, 1)
