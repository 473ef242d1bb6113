"""Configuration of the twin-trading system."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise.common.errors import ConfigurationError, check_integer, check_range

GIVEN = ("satisfaction", "sensitivity", "social", "cost")


@dataclass(frozen=True)
class TwinTradingConfig:
    """Repeated trade in one market, section V-A of the MALPPO paper; defaults from its section VI-A.

    Attributes:
        followers: number of service providers N, who buy.
        leaders: number of resource providers M, who sell.
        instance_seed: draws the market; independent of the seeds of training and evaluation.
        instance: YAML file with a market, instead of a drawn one; it gives `followers` and `leaders` itself.
        with_delay: whether a drawn market has the delay limit (6).
        satisfaction, sensitivity: alpha and beta of every follower, or one number for all. If empty, they are drawn.
        social: w of every pair of followers. If None, it is drawn for each.
        cost: c of every leader, or one number for all. If empty, they are drawn.
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
    satisfaction: tuple[float, ...] = ()
    sensitivity: tuple[float, ...] = ()
    social: float | None = None
    cost: tuple[float, ...] = ()
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
        for name, count in (("satisfaction", self.followers), ("sensitivity", self.followers), ("cost", self.leaders)):
            values = getattr(self, name)
            if len(values) not in (0, 1, count) and self.instance is None:
                raise ConfigurationError(name, values, f"none, one number, or {count}")
        if self.instance is not None and self.given:
            name = next(iter(self.given))
            raise ConfigurationError(name, self.given[name], "left out: the instance gives it")

    @property
    def given(self) -> dict[str, tuple[float, ...] | float]:
        """Numbers of the market that are not drawn, by their names in it."""
        values = {name: getattr(self, name) for name in GIVEN}
        return {name: value for name, value in values.items() if value is not None and value != ()}
