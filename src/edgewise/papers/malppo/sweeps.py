"""Figures 5 to 8 of the MALPPO paper: the exact equilibrium against a parameter, with trained learners at some points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from edgewise.drawing.panels import Line
from edgewise.drawing.style import GREY, new_figure, styled
from edgewise.experiments.claims import notes
from edgewise.experiments.results import Drawing, Outcome, Results
from edgewise.papers.malppo.figures import NEWEST, SYSTEM_NOTE
from edgewise.papers.malppo.markets import Curve, Swept
from edgewise.papers.malppo.names import CERTIFICATE, EQUILIBRIA
from edgewise.papers.malppo.trends import Table, Value
from edgewise.statistics.estimates import Estimate

COLUMNS = 3
"""Panels beside each other."""


@styled()
def swept(shown: Swept, results: Results) -> Drawing:
    """One of Figs. 5 to 8."""
    exact, learned = shown.exact(results), shown.learned(results)
    rows = -(-len(shown.units) // COLUMNS)
    figure, grid = new_figure(9.0, 0.6 + 2.7 * rows, rows, COLUMNS)
    for axes, quantity in zip(grid.flat, shown.units, strict=False):
        _plot_quantity(axes, shown, quantity, exact, learned)
    for axes in grid.flat[len(shown.units) :]:
        axes.set_axis_off()
    grid[0, 0].plot([], [], "o-", color=GREY, markerfacecolor="white", label="learned, 95% interval")
    handles, _ = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), handlelength=3)
    data = pd.concat(
        [_tidy(exact, lambda v: Estimate(v, np.nan, np.nan), "exact"), _tidy(learned, lambda e: e, "learned")]
    )
    table = pd.DataFrame([row for o in results.learned for row in _rows(shown, o, exact)])
    return Drawing(figure, data, table, _notes(shown, results))


def _notes(shown: Swept, results: Results) -> tuple[str, ...]:
    largest = results.table(EQUILIBRIA)[CERTIFICATE].max()
    return notes(
        results,
        SYSTEM_NOTE,
        NEWEST,
        "All parameters that the figure does not vary are at the means that the paper draws them around, and all players of "
        "a kind are alike but for what is varied.",
        f"Curves: the exact equilibrium; the largest gain of any player that deviates alone is {largest:.1e} of the largest "
        "utility of its kind. Circles: MALPPO, trained anew in each of the markets that the table lists.",
        "The exact equilibrium goes up or down from point to point; learners do where 95% intervals of neighbouring points "
        "do not overlap.",
        shown.note,
    )


def _plot_quantity(axes: Axes, shown: Swept, quantity: str, exact: Table[float], learned: Table[Estimate]) -> None:
    lines = [_line(shown, curve, quantity, exact) for curve in shown.curves]
    shown.axis.plot(axes, lines, shown.units[quantity], markers=False)
    for line, curve in zip(list(axes.lines), shown.curves, strict=True):
        points = {x: e for (q, c, x), e in learned.items() if (q, c) == (quantity, curve.label)}
        for x, e in points.items():
            axes.plot([x, x], [e.low, e.high], color=line.get_color(), linewidth=1.4)
            axes.plot(x, e.value, "o", color=line.get_color(), markerfacecolor="white", markersize=5, zorder=4)
    axes.set_ylim(0, 1.03 * axes.get_ylim()[1])


def _line(shown: Swept, curve: Curve, quantity: str, exact: Table[float]) -> Line:
    places = [shown.place(market) for market in curve.markets]
    return Line(curve.label, places, [Estimate(exact[quantity, curve.label, x], np.nan, np.nan) for x in places])


def _rows(shown: Swept, outcome: Outcome, exact: Table[float]) -> list[dict[str, str]]:
    """One for every curve through the market of a learner."""
    rows = []
    for curve in shown.curves:
        market = next((market for market in curve.markets if market.label == outcome.setting.label), None)
        if market is None:
            continue
        alone = sum(other.markets == curve.markets for other in shown.curves) == 1
        row = {"market": outcome.setting.label if alone else f"{outcome.setting.label}, {curve.label}"}
        for quantity, each in curve.quantities.items():
            value = exact[quantity, curve.label, shown.place(market)]
            learned = outcome.estimate(each.metric).text(each.digits)
            row[f"{quantity}, learned; exact"] = f"{learned}; {value:.{each.digits}f}"
        row["prices, % away"] = outcome.estimate("price_distance").text(2)
        row["could gain alone, %"] = outcome.estimate("exploitability").text(2)
        rows.append(row)
    return rows


def _tidy(table: Table[Value], estimate: Callable[[Value], Estimate], kind: str) -> pd.DataFrame:
    rows = [
        {"quantity": quantity, "curve": curve, "x": place, "kind": kind, **vars(estimate(value))}
        for (quantity, curve, place), value in table.items()
    ]
    return pd.DataFrame(rows)
