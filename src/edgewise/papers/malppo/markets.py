"""The markets of the paper's figures, and what is read of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgewise.experiments.results import Results
from edgewise.experiments.setting import Setting
from edgewise.experiments.sweep import Sweep
from edgewise.papers.malppo.names import EQUILIBRIA
from edgewise.papers.malppo.trends import Table
from edgewise.statistics.estimates import Estimate

SYSTEM = "twin-trading"
PAPER_CASE = Setting(
    "the paper's case",
    SYSTEM,
    {
        "followers": 3,
        "leaders": 2,
        "with_delay": False,
        "satisfaction": (30.0, 25.0, 35.0),
        "sensitivity": (30.0,),
        "social": 5.0,
        "cost": (0.3, 0.1),
    },
)
"""Of Figs. 3 and 4; sensitivity and ties, which the paper does not state for it, at their means."""


@dataclass(frozen=True)
class Quantity:
    """What a panel shows.

    Attributes:
        metric: the metric of the evaluations, the mean over an episode, and of the exact equilibrium.
        digits: after the point in the table.
    """

    metric: str
    digits: int = 3


AVERAGES = {
    "price": Quantity("price"),
    "demand": Quantity("demand"),
    "utility of MSPs": Quantity("follower_utility", 2),
    "utility of MRPs": Quantity("leader_utility", 2),
    "welfare": Quantity("welfare", 1),
}
"""Means over agents; demand is what an MSP buys from an MRP, as in the paper's figures; welfare is a sum."""


def of_seller(place: int) -> dict[str, Quantity]:
    """Price, sales and utility of one leader."""
    return {
        "price": Quantity(f"price/leader_{place}"),
        "sold": Quantity(f"sold/leader_{place}"),
        "utility": Quantity(f"reward/leader_{place}", 2),
    }


@dataclass(frozen=True)
class Curve:
    """A curve in every panel.

    Attributes:
        label: the label in the legend.
        markets: each with its place on the axis.
        quantities: by panel.
    """

    label: str
    markets: tuple[Setting, ...]
    quantities: Mapping[str, Quantity]


@dataclass(frozen=True)
class Swept:
    """What one of Figs. 5 to 8 shows.

    Attributes:
        axis: what is swept.
        curves: the curves of the figure.
        units: label of each panel's axis, by quantity.
        note: what a reader must know beside what all figures say.
    """

    axis: Sweep
    curves: tuple[Curve, ...]
    units: Mapping[str, str]
    note: str = ""

    def markets(self) -> tuple[Setting, ...]:
        """The markets of all curves, each once."""
        return tuple({market.label: market for curve in self.curves for market in curve.markets}.values())

    def place(self, market: Setting) -> float:
        """The place of a market on the axis."""
        return market.at[self.axis.name]

    def exact(self, results: Results) -> Table[float]:
        """Every quantity of every curve in the exact equilibrium."""
        solved = {row["market"]: row for row in results.table(EQUILIBRIA).to_dict("records")}
        return {
            (name, curve.label, self.place(market)): float(solved[market.label][quantity.metric])
            for curve in self.curves
            for market in curve.markets
            for name, quantity in curve.quantities.items()
        }

    def learned(self, results: Results) -> Table[Estimate]:
        """Every quantity in those markets in which there are learners."""
        found = {o.setting.label: o for o in results.learned}
        return {
            (name, curve.label, self.place(market)): found[market.label].estimate(quantity.metric)
            for curve in self.curves
            for market in curve.markets
            if market.label in found
            for name, quantity in curve.quantities.items()
        }


def at_means(
    label: str,
    at: Mapping[str, float],
    followers: int,
    leaders: int,
    *,
    satisfaction: float = 30.0,
    social: float = 5.0,
    cost: Sequence[float] = (0.1,),
) -> Setting:
    """A market in which every parameter has the mean that the paper draws it around (section VI-A).

    Args:
        label: the label of the setting.
        at: its place on the axis of a figure.
        followers: N.
        leaders: M.
        satisfaction: mean of alpha.
        social: mean of w.
        cost: mean of c, or c of every leader.
    """
    market = {
        "followers": followers,
        "leaders": leaders,
        "with_delay": False,
        "satisfaction": (satisfaction,),
        "sensitivity": (30.0,),
        "social": social,
        "cost": tuple(cost),
    }
    return Setting(label, SYSTEM, market, at=at)
