"""Figures 3 and 4 of the MALPPO paper: learning in the paper's case, beside its exact equilibrium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from edgewise.drawing.panels import Line, plot_levels, plot_lines, step_axis
from edgewise.drawing.style import GREY, new_figure, styled
from edgewise.experiments.claims import notes
from edgewise.experiments.curves import learning_line
from edgewise.experiments.results import Drawing, Outcome, Results
from edgewise.papers.malppo.claims import settled_text
from edgewise.papers.malppo.names import DISTANCES, EQUILIBRIA, EQUILIBRIUM, NEAR, OURS, RETURN, name
from edgewise.papers.malppo.published import DEMANDS, FOLLOWER_UTILITIES, ITERATIONS, LEADER_UTILITIES, PRICES
from edgewise.statistics.estimates import estimate

SYSTEM_NOTE = (
    "The paper does not state the units of prices and utilities (kappa and s, ours 15 and 100), and its own figures are no "
    "equilibrium of (1): ours are judged by the exact equilibrium of the same market, and need not be those of the paper. "
    "No delay limit (6)."
)
NEWEST = (
    "In a game no sum of rewards tells which joint policy is best (sellers that collude earn more than in equilibrium), so the "
    "newest policies count as the best and are tested."
)
BUDGET_NOTE = (
    "The paper's budget is not known: its settings give 20 episodes of 100 slots, its text 1200 iterations. An iteration here is "
    "an update of everyone after 20 slots in each of 64 copies of the market."
)


@dataclass(frozen=True)
class Panel:
    """One kind of quantity of one kind of agent.

    Attributes:
        quantity: the quantity in words, with its unit.
        agents: names in the figure.
        metric: the metric of evaluations and of the exact equilibrium, before the agent's number.
        paper: the paper's figures.
        gains: whether the table shows beside it what the agent could still gain alone.
    """

    quantity: str
    agents: tuple[str, ...]
    metric: str
    paper: tuple[float, ...]
    gains: bool = False

    def metrics(self) -> list[str]:
        """One for each agent."""
        return [f"{self.metric}_{place}" for place in range(len(self.agents))]


SELLERS = ("MRP 1, c = 0.3", "MRP 2, c = 0.1")
BUYERS = ("MSP 1, alpha = 30", "MSP 2, alpha = 25", "MSP 3, alpha = 35")
PANELS = (
    Panel("price", SELLERS, "price/leader", PRICES),
    Panel("total demand (1e7 Hz)", BUYERS, "bought/follower", DEMANDS),
    Panel("utility of MRPs", SELLERS, "reward/leader", LEADER_UTILITIES, gains=True),
    Panel("utility of MSPs", BUYERS, "reward/follower", FOLLOWER_UTILITIES, gains=True),
)
"""Fig. 3."""


@styled()
def convergence(results: Results) -> Drawing:
    """Fig. 3: prices, demands and utilities of everyone while MALPPO learns, with the exact equilibrium."""
    [outcome] = results.outcomes
    [solved] = results.table(EQUILIBRIA).to_dict("records")
    figure, grid = new_figure(8.4, 5.8, 2, 2)
    lines: list[pd.DataFrame] = []
    rows: list[dict[str, str]] = []
    for axes, panel in zip(grid.flat, PANELS, strict=True):
        drawn = [
            learning_line(outcome, metric, label=name)
            for name, metric in zip(panel.agents, panel.metrics(), strict=True)
        ]
        _plot_panel(axes, panel, drawn, [float(solved[metric]) for metric in panel.metrics()])
        lines += [line.tidy("steps").assign(quantity=panel.quantity) for line in drawn]
        rows += _rows(outcome, panel, [float(solved[metric]) for metric in panel.metrics()])
    figure.legend(handles=_keys(), loc="outside lower center", ncols=4)
    ends = {metric: outcome.estimate(metric) for metric in (*DISTANCES, "exploitability")}
    tail = [
        {"quantity": f"distance from the equilibrium: {name}", "distance, %": ends[metric].text(2)}
        for metric, name in DISTANCES.items()
    ]
    tail.append({"quantity": "largest gain of anyone alone", "could gain alone, %": ends["exploitability"].text(2)})
    said = notes(
        results,
        SYSTEM_NOTE,
        NEWEST,
        BUDGET_NOTE,
        "Evaluations while learning, deterministic policies, mean over an episode of 100 slots that begins with random past "
        "trade; interquartile mean over seeds and 95% interval.",
        f"There: within {NEAR:g}% of the equilibrium.",
        "Could gain alone: by deviating from what all agents have learned, in % of the largest utility of the agent's kind.",
    )
    table = pd.DataFrame([*rows, *tail]).fillna("")
    return Drawing(figure, pd.concat(lines, ignore_index=True), table, said)


def _plot_panel(axes: Axes, panel: Panel, lines: Sequence[Line], levels: Sequence[float]) -> None:
    plot_lines(axes, lines, markers=True)
    curves = list(axes.lines)
    for curve, level, paper in zip(curves, levels, panel.paper, strict=True):
        colour = curve.get_color()
        curve.set_linestyle("-")
        axes.axhline(level, color=colour, linestyle="--", linewidth=1)
        axes.plot(
            1.03, paper, "D", color=colour, markerfacecolor="none", clip_on=False, transform=axes.get_yaxis_transform()
        )
    low, high = axes.get_ylim()
    axes.set_ylim(min(0.0, low), 1.05 * max(high, *panel.paper))
    step_axis(axes, "slots per seed")
    axes.set_ylabel(panel.quantity)
    axes.legend(
        handles=curves,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=len(curves),
        handlelength=1.5,
        columnspacing=1,
    )


def _keys() -> list[mpl.lines.Line2D]:
    return [
        mpl.lines.Line2D([], [], color=GREY, label="learned, 95% interval over seeds"),
        mpl.lines.Line2D([], [], color=GREY, linestyle="--", linewidth=1, label="exact equilibrium"),
        mpl.lines.Line2D([], [], color=GREY, linestyle="", marker="D", markerfacecolor="none", label="the paper's end"),
    ]


def _rows(outcome: Outcome, panel: Panel, levels: Sequence[float]) -> list[dict[str, str]]:
    rows = []
    for agent, metric, level, paper in zip(panel.agents, panel.metrics(), levels, panel.paper, strict=True):
        away = estimate([100 * np.abs(outcome.units(metric) / level - 1)])
        key = metric.partition("/")[2]
        row = {
            "quantity": f"{panel.quantity}, {agent}",
            "learned": outcome.estimate(metric).text(3),
            "exact": f"{level:.3f}",
            "distance, %": away.text(2),
            "paper": f"{paper:g}",
            "paper from exact, %": f"{100 * (paper / level - 1):+.0f}",
        }
        if panel.gains:
            row["could gain alone, %"] = outcome.estimate(f"exploitability/{key}").text(2)
        rows.append(row)
    return rows


@styled()
def algorithms(results: Results) -> Drawing:
    """Fig. 4: rewards and distances of all algorithms while they learn."""
    figure, grid = new_figure(8.4, 4.4, 1, 2)
    metrics = {RETURN: "reward per episode, sum over all agents", "price_distance": "distance of prices (%)"}
    data: list[pd.DataFrame] = []
    for axes, (metric, text) in zip(grid[0], metrics.items(), strict=True):
        lines = [learning_line(o, metric, o.label == OURS) for o in results.learned]
        plot_lines(axes, lines)
        plot_levels(
            axes, {name(o.label): o.estimate(metric).value for o in results if not o.learned and _level(o, metric)}
        )
        step_axis(axes, "slots per seed")
        axes.set_ylabel(text)
        data += [line.tidy("steps").assign(metric=metric) for line in lines]
    grid[0, 1].set_yscale("log")
    grid[0, 1].yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    grid[0, 1].yaxis.set_major_formatter("{x:g}")
    grid[0, 1].yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    handles, _ = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles=handles, loc="outside lower center", ncols=4, handlelength=3)
    order = sorted(results, key=lambda o: -o.estimate(RETURN).value)
    ends = [
        {"policy": o.label, "steps": np.nan, "metric": metric, **vars(o.estimate(metric))}
        for o in order
        for metric in (RETURN, *DISTANCES, "exploitability")
    ]
    said = notes(
        results,
        SYSTEM_NOTE,
        NEWEST,
        BUDGET_NOTE,
        "The reward is the sum over all agents and slots of an episode, MRPs' in their scaled unit. It ranks no joint policies: "
        "a sum above the equilibrium's means that somebody does not look after themselves. Distances and what anyone could "
        "gain alone tell who plays well.",
        'That MALPPO has x% more reward "holds" where the interval of our gain begins at x or above, "does not hold" '
        "where it ends below x; likewise for fewer iterations.",
        f"Iterations: until prices and demands stay within {NEAR:g}% of the equilibrium's; a seed that is never there counts "
        "with all its iterations, and a verdict that would rest on that is undecided.",
        "MALPPO-RF: followers act at random; MALPPO-RL: leaders do; Random: everyone does.",
    )
    return Drawing(
        figure,
        pd.concat([*data, pd.DataFrame(ends)], ignore_index=True),
        pd.DataFrame([_summary(o) | results.training_minutes(o) for o in order]),
        said,
    )


def _level(outcome: Outcome, metric: str) -> bool:
    """Whether a reference has a place on the axis; the equilibrium's distance of 0 has none on a logarithmic one."""
    return metric == RETURN or outcome.label != EQUILIBRIUM


def _summary(outcome: Outcome) -> dict[str, str]:
    row = {"policy": name(outcome.label), "reward": outcome.estimate(RETURN).text(0)}
    row |= {f"{name}, % away": outcome.estimate(metric).text(1) for metric, name in DISTANCES.items()}
    row["could gain alone, %"] = outcome.estimate("exploitability").text(1)
    row["iterations"] = settled_text(outcome) if outcome.label in ITERATIONS else ""
    return row
