"""Figures 5 to 8 of the MALPPO paper: the exact equilibrium against a parameter, with trained learners at some points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from edgewise.drawing.panels import Line, plot_lines
from edgewise.drawing.style import GREY, new_figure, styled
from edgewise.experiments.claims import FAILS, HOLDS, notes, overall, present, verdict
from edgewise.experiments.results import Claim, Outcome, Output, Results
from edgewise.experiments.setting import Setting
from edgewise.papers.malppo.learning import claim_near
from edgewise.papers.malppo.markets import NEWEST, SYSTEM_NOTE, equilibria
from edgewise.statistics.estimates import Estimate
from edgewise.systems.twin_trading.equilibrium import StackelbergEquilibrium

Value = TypeVar("Value")
Table = dict[tuple[str, str, float], Value]
"""By quantity, curve and place on the axis."""
COLUMNS, MOST_TOLD = 3, 4
UP, DOWN = 1, -1


@dataclass(frozen=True)
class Quantity:
    """What a panel shows.

    Attributes:
        exact: of an equilibrium.
        metric: of the evaluations, the mean of the same over an episode.
        digits: after the point in the table.
    """

    exact: Callable[[StackelbergEquilibrium], float]
    metric: str
    digits: int = 3


AVERAGES = {
    "price": Quantity(lambda s: float(s.prices.mean()), "price"),
    "demand": Quantity(lambda s: float(s.demands.mean()), "demand"),
    "utility of MSPs": Quantity(lambda s: float(s.follower_utilities.mean()), "follower_utility", 2),
    "utility of MRPs": Quantity(lambda s: float(s.leader_utilities.mean()), "leader_utility", 2),
    "welfare": Quantity(lambda s: float(s.welfare), "welfare", 1),
}
"""Means over agents; demand is what an MSP buys from an MRP, as in the paper's figures; welfare is a sum."""


def of_seller(place: int) -> dict[str, Quantity]:
    """Price, sales and utility of one leader."""
    return {
        "price": Quantity(lambda s: float(s.prices[place]), f"price/leader_{place}"),
        "sold": Quantity(lambda s: float(s.demands[:, place].sum()), f"sold/leader_{place}"),
        "utility": Quantity(lambda s: float(s.leader_utilities[place]), f"reward/leader_{place}", 2),
    }


@dataclass(frozen=True)
class Curve:
    """A curve in every panel.

    Attributes:
        label: in the legend.
        markets: place on the axis to market.
        quantities: by panel.
    """

    label: str
    markets: Mapping[float, Setting]
    quantities: Mapping[str, Quantity]


@dataclass(frozen=True)
class Trend:
    """A statement of the paper.

    Attributes:
        text: the statement.
        ways: quantity to whether it goes up or down.
        across: from curve to curve at the same place; or else along the axis on every curve.
        curves: that it is about; none takes all.
        paper: the paper's figures.
    """

    text: str
    ways: Mapping[str, int]
    across: bool = False
    curves: tuple[str, ...] = ()
    paper: str = ""

    def chains(self, table: Table[Value], quantity: str) -> list[tuple[str, list[tuple[str, Value]]]]:
        """What must go one way: for every curve, or every place, its name and the values in order with where they are."""
        kept = {(c, x): v for (q, c, x), v in table.items() if q == quantity and (not self.curves or c in self.curves)}
        curves, places = list(dict.fromkeys(c for c, _ in kept)), sorted({x for _, x in kept})
        if self.across:
            chains = [(f"{x:g}", [(c, kept[c, x]) for c in curves if (c, x) in kept]) for x in places]
        else:
            chains = [(c, [(f"{x:g}", kept[c, x]) for x in places if (c, x) in kept]) for c in curves]
        return [(name, chain) for name, chain in chains if len(chain) > 1]

    def judge(
        self, table: Table[Value], of: str, compare: Callable[[Value, Value], str], text: Callable[[Value], str]
    ) -> Claim | None:
        """The claim on one kind of values; none if no two of them can be compared.

        Args:
            table: values.
            of: whose they are.
            compare: whether the second is above the first.
            text: a value in words.
        """
        words, doubts, ends = [], [], []
        for quantity, way in self.ways.items():
            for name, chain in self.chains(table, quantity):
                for (place, one), (next_place, two) in pairwise(chain):
                    words.append(compare(one, two) if way == UP else compare(two, one))
                    if words[-1] != HOLDS:
                        change = f"{text(one)} at {place}, {text(two)} at {next_place}"
                        doubts.append(f"{words[-1]} for {quantity} ({name}): {change}")
                ends.append(f"{quantity} ({name}) {text(chain[0][1])} to {text(chain[-1][1])}")
        if not words:
            return None
        told = doubts or ends
        more = [f"and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
        return Claim(f"{self.text} [{of}]", overall(words), "; ".join([*told[:MOST_TOLD], *more]), self.paper)


@dataclass(frozen=True)
class Sweep:
    """One of Figs. 5 to 8; called with the outcomes of learners in some of its markets, it makes the figure.

    Attributes:
        axis: what is swept.
        curves: of the figure.
        units: label of each panel's axis.
        trends: the paper's statements.
        said: more notes.
    """

    axis: str
    curves: tuple[Curve, ...]
    units: Mapping[str, str]
    trends: tuple[Trend, ...]
    said: tuple[str, ...] = ()

    @styled()
    def __call__(self, results: Results) -> Output:
        """The figure."""
        exact, largest = self._exact()
        learned = self._learned(results)
        rows = -(-len(self.units) // COLUMNS)
        figure, grid = new_figure(9.0, 0.6 + 2.7 * rows, rows, COLUMNS)
        for axes, (quantity, unit) in zip(grid.flat, self.units.items(), strict=False):
            self._draw(axes, quantity, exact, learned)
            axes.set_ylabel(unit)
        for axes in grid.flat[len(self.units) :]:
            axes.set_axis_off()
        grid[0, 0].plot([], [], "o-", color=GREY, markerfacecolor="white", label="learned, 95% interval")
        handles, _ = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), handlelength=3)
        claims = [
            claim
            for trend in self.trends
            for claim in (
                trend.judge(exact, "exact equilibrium", _above, lambda value: f"{value:.4g}"),
                trend.judge(learned, "learned", lambda one, two: verdict(two, one), lambda e: e.text(2)),
            )
        ]
        outcomes = [o for o in results if o.learned]
        said = notes(
            results,
            SYSTEM_NOTE,
            NEWEST,
            "All parameters that the figure does not vary are at the means that the paper draws them around, and all players of "
            "a kind are alike but for what is varied.",
            f"Curves: the exact equilibrium; the largest gain of any player that deviates alone is {largest:.1e} of the largest "
            "utility of its kind. Circles: MALPPO, trained anew in each of the markets that the table lists.",
            "The exact equilibrium goes up or down from point to point; learners do where 95% intervals of neighbouring points "
            "do not overlap.",
            *self.said,
        )
        near = claim_near("MALPPO converges to the equilibrium at every point", outcomes)
        return Output(
            figure,
            pd.concat(
                [_tidy(exact, lambda v: Estimate(v, np.nan, np.nan), "exact"), _tidy(learned, lambda e: e, "learned")]
            ),
            pd.DataFrame(self._rows(outcomes, exact)),
            present(*claims, near),
            said,
        )

    def _exact(self) -> tuple[Table[float], float]:
        """Every quantity of every curve, and the largest certificate."""
        markets = {setting.label: setting for curve in self.curves for setting in curve.markets.values()}
        solved = dict(zip(markets, equilibria(list(markets.values())), strict=True))
        table = {
            (name, curve.label, place): quantity.exact(solved[setting.label])
            for curve in self.curves
            for place, setting in curve.markets.items()
            for name, quantity in curve.quantities.items()
        }
        return table, max(float(equilibrium.certificate) for equilibrium in solved.values())

    def _learned(self, results: Results) -> Table[Estimate]:
        found = {o.setting.label: o for o in results if o.learned}
        return {
            (name, curve.label, place): found[setting.label].estimate(quantity.metric)
            for curve in self.curves
            for place, setting in curve.markets.items()
            if setting.label in found
            for name, quantity in curve.quantities.items()
        }

    def _draw(self, axes: Axes, quantity: str, exact: Table[float], learned: Table[Estimate]) -> None:
        plot_lines(axes, [self._line(curve, quantity, exact) for curve in self.curves])
        for line, curve in zip(list(axes.lines), self.curves, strict=True):
            points = {x: e for (q, c, x), e in learned.items() if (q, c) == (quantity, curve.label)}
            for x, e in points.items():
                axes.plot([x, x], [e.low, e.high], color=line.get_color(), linewidth=1.4)
                axes.plot(x, e.value, "o", color=line.get_color(), markerfacecolor="white", markersize=5, zorder=4)
        axes.set_xlabel(self.axis)
        axes.set_ylim(0, 1.03 * axes.get_ylim()[1])

    def _line(self, curve: Curve, quantity: str, exact: Table[float]) -> Line:
        values = [Estimate(exact[quantity, curve.label, place], np.nan, np.nan) for place in curve.markets]
        return Line(curve.label, list(curve.markets), values)

    def _rows(self, outcomes: Sequence[Outcome], exact: Table[float]) -> list[dict[str, str]]:
        """One for every learner and curve through its market."""
        rows = []
        for outcome in outcomes:
            for curve in self.curves:
                place = next((x for x, s in curve.markets.items() if s.label == outcome.setting.label), None)
                if place is None:
                    continue
                row = {"market": f"{outcome.setting.label}{self._whose(curve)}"}
                for name, quantity in curve.quantities.items():
                    digits = quantity.digits
                    value = exact[name, curve.label, place]
                    row[f"{name}, learned; exact"] = (
                        f"{outcome.estimate(quantity.metric).text(digits)}; {value:.{digits}f}"
                    )
                row["prices, % away"] = outcome.estimate("price_distance").text(2)
                row["could gain alone, %"] = outcome.estimate("exploitability").text(2)
                rows.append(row)
        return rows

    def _whose(self, curve: Curve) -> str:
        """The curve's name, where one market has several."""
        return f", {curve.label}" if sum(c.markets == curve.markets for c in self.curves) > 1 else ""


def _above(one: float, two: float) -> str:
    return HOLDS if two > one else FAILS


def _tidy(table: Table[Value], estimate: Callable[[Value], Estimate], kind: str) -> pd.DataFrame:
    rows = [
        {"quantity": quantity, "curve": curve, "x": place, "kind": kind, **vars(estimate(value))}
        for (quantity, curve, place), value in table.items()
    ]
    return pd.DataFrame(rows)
