"""Figures 6 to 8 of the EDMSAC paper, each beside the exact optimum of the same network states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from edgewise.drawing.panels import Line, plot_intervals, plot_lines, step_axis
from edgewise.drawing.style import BLACK, BLUE, GREY, VERMILION, new_figure, styled
from edgewise.experiments.claims import notes
from edgewise.experiments.results import Drawing, Outcome, Results
from edgewise.papers.edmsac.measures import gaps, overall, share_line
from edgewise.papers.edmsac.names import DENOISING, MENUS, OPTIMUM, OURS, PROFIT, PRUNING, RATES
from edgewise.statistics.estimates import Estimate

HEADROOM = 0.8
"""Learning curves are shown from this part of the optimum on."""
STATES_SHOWN = 3
"""Network states in Fig. 8."""
BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16)}
"""Place of legends."""
MEASURED = (
    "Profit is that of the feasible menu made from the learner's action (projection), and the reward too. Gap: by how much it is "
    "below the exact optimum of the same network states (rewards of Theorems 2 and 4, all constraints met)."
)
BANDIT = (
    "Network states are drawn independently: a menu has no effect on what comes next. The paper does not tell for how "
    "many states its learners learn."
)


@styled()
def algorithms(results: Results) -> Drawing:
    """Fig. 6: learning curves of all algorithms, and the gaps of their best policies."""
    found = gaps(results)
    figure, grid = new_figure(7.2, 4.2, 1, 2)
    lines = [share_line(o, results, o.label == OURS) for o in results.learned]
    _plot_curves(grid[0, 0], lines)
    grid[0, 0].set_ylabel("profit, % of the exact optimum")
    order = sorted(results, key=lambda o: found[o.label].value)
    plot_intervals(grid[0, 1], [(o.label, found[o.label], o.learned) for o in order], {}, "gap to the exact optimum, %")
    grid[0, 1].axvline(0, color=BLACK, linewidth=1, linestyle="--")
    grid[0, 1].set_xscale("symlog", linthresh=1)
    grid[0, 1].set_xlim(right=100)
    grid[0, 1].xaxis.set_major_formatter("{x:g}")
    grid[0, 1].legend(**BELOW)
    said = notes(
        results, MEASURED, BANDIT,
        "Left: evaluations while learning, deterministic policy, interquartile mean over seeds and 95% interval, in % of the "
        "optimum of the states they were judged by.",
        "Policies that were not trained: means over the test states, which are the same for everyone; no interval.",
    )  # fmt: skip
    return Drawing(figure, _tidy(lines, found), _table(order, found, results), said)


@styled()
def parameters(results: Results) -> Drawing:
    """Fig. 7: pruning rates, denoising steps and learning rates."""
    found = gaps(results)
    figure, grid = new_figure(9.0, 4.2, 1, 3)
    drawn: list[Line] = []
    for axes, group in zip(grid[0], (PRUNING, DENOISING, RATES), strict=True):
        lines = [share_line(o, results) for o in results if o.group == group]
        if lines:
            _plot_curves(axes, lines)
        axes.set_title(group, loc="left")
        drawn += lines
    grid[0, 2].set_ylim(0, 105)
    grid[0, 0].set_ylabel("profit, % of the exact optimum")
    said = notes(
        results, MEASURED, BANDIT,
        "Evaluations while learning, deterministic policy, interquartile mean over seeds and 95% interval, in % of the "
        "optimum of the states they were judged by.",
        "The preset has a pruning rate of 50% and M = 6; its rates fall along a cosine.",
    )  # fmt: skip
    return Drawing(figure, _tidy(drawn, found), _table(results.outcomes, found, results), said)


def _plot_curves(axes: Axes, lines: Sequence[Line]) -> None:
    plot_lines(axes, lines)
    axes.axhline(100, color=BLACK, linewidth=1, linestyle="--", label="exact optimum")
    axes.set_ylim(100 * HEADROOM, 101)
    step_axis(axes, "network states per seed")
    axes.legend(**BELOW, ncols=2, handlelength=2.8)


def _table(order: Sequence[Outcome], found: Mapping[str, Estimate], results: Results) -> pd.DataFrame:
    rows = [
        {
            "policy": o.label,
            "profit": overall(o, PROFIT).text(1),
            "gap, %": found[o.label].text(2),
            "rewards as printed fail, %": overall(o, "infeasible", 100).text(0),
        }
        | results.training_minutes(o)
        for o in order
    ]
    return pd.DataFrame(rows)


def _tidy(lines: Sequence[Line], found: Mapping[str, Estimate]) -> pd.DataFrame:
    tables = [line.tidy("steps").assign(metric="share of the optimum, %") for line in lines]
    ends = [{"policy": label, "steps": np.nan, "metric": "gap, %", **vars(e)} for label, e in found.items()]
    return pd.concat([*tables, pd.DataFrame(ends)], ignore_index=True)


@styled()
def menus(results: Results) -> Drawing:
    """Fig. 8: what seed 0 of EDMSAC offers in three network states, beside the optimal menus."""
    table = results.table(MENUS)
    shown = table[table["state"] <= STATES_SHOWN]
    figure, grid = new_figure(9.0, 5.0, 2, STATES_SHOWN)
    rows = []
    for column in range(STATES_SHOWN):
        here = shown[shown["state"] == column + 1]
        for row, part in enumerate(("rounds", "rewards")):
            _plot_menu(grid[row, column], here[here["part"] == part])
            grid[row, column].set_ylabel(part if column == 0 else "")
        first = here.iloc[0]
        grid[0, column].set_title(first["network"], loc="left", fontsize=8)
        grid[1, column].set_xlabel("type in period 1; types in periods 1, 2")
        profit, optimum = float(first[PROFIT]), float(first["optimal profit"])
        rows.append(
            {
                "state": f"{column + 1}",
                "profit": f"{profit:.1f}",
                "exact optimum": f"{optimum:.1f}",
                "gap, %": f"{100 * (1 - profit / optimum):.2f}",
            }
        )
    figure.legend(handles=_keys(), loc="outside lower center", ncols=3)
    states = table["state"].nunique()
    said = notes(results, MEASURED, f"Seed 0; claims are about {states} states, of which the first three are shown.")
    data = shown[["state", "item", "part", OURS, OPTIMUM]].reset_index(drop=True)
    return Drawing(figure, data, pd.DataFrame(rows), said)


def _plot_menu(axes: Axes, items: pd.DataFrame) -> None:
    colours = [GREY if "," in item else BLUE for item in items["item"]]
    axes.bar(items["item"], items[OURS], color=colours, width=0.7)
    axes.plot(items["item"], items[OPTIMUM], "D", markerfacecolor="none", markeredgecolor=VERMILION, markersize=6)


def _keys() -> list[mpl.artist.Artist]:
    optimum: dict[str, Any] = {"linestyle": "", "marker": "D", "markerfacecolor": "none", "markeredgecolor": VERMILION}
    return [
        mpl.patches.Patch(color=BLUE, label=f"{OURS}, period 1"),
        mpl.patches.Patch(color=GREY, label=f"{OURS}, period 2"),
        mpl.lines.Line2D([], [], label="exact optimum", **optimum),
    ]
