"""Figures 5 and 8 of the D2SAC paper: learning curves, and the reverse chain."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from edgewise.drawing.panels import NOT_LEARNED, Line, plot_lines, step_axis
from edgewise.drawing.style import BLUE, VERMILION, new_figure, styled
from edgewise.experiments.claims import notes
from edgewise.experiments.curves import learning_line
from edgewise.experiments.results import Drawing, Results
from edgewise.papers.d2sac.names import CHAIN, OURS, POLICY_BASED, RETURN, TASK_SHOWN, VALUE_BASED, name
from edgewise.papers.d2sac.tables import INSTANCE
from edgewise.statistics.estimates import Estimate

DEEPEST, MARGIN = -0.5, 0.05
"""Of the highest reward: how far below zero a curve is shown, and the space above and below."""


@styled()
def learning(results: Results) -> Drawing:
    """Fig. 5: learning curves beside value-based learners, policy-based learners and heuristics."""
    lines = {o.label: learning_line(o, RETURN, o.label == OURS) for o in results.learned}
    groups = {o.label: o.group for o in results.learned}
    levels = {o.label: o.estimate(RETURN) for o in results if not o.learned}
    figure, grid = new_figure(7.2, 4.2, 1, 3)
    low, high = _limits(lines, levels)
    for axes, group in zip(grid[0], (VALUE_BASED, POLICY_BASED, "heuristics"), strict=True):
        members = [label for label in lines if label == OURS or groups[label] == group]
        plot_lines(axes, [lines[label] for label in members])
        if group == "heuristics":
            _plot_levels(axes, levels)
        axes.set_title(group, loc="left")
        step_axis(axes)
        axes.set_ylim(low, high)
        if axes.lines:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), handlelength=2.6)
    grid[0, 0].set_ylabel("test reward per episode")
    data = pd.concat([line.tidy("steps") for line in lines.values()], ignore_index=True) if lines else pd.DataFrame()
    table = [
        {
            "policy": label,
            **{f"at {share:.0%}": line.y[round(share * (len(line.y) - 1))].text(0) for share in (0.25, 0.5, 1)},
        }
        for label, line in lines.items()
    ]
    said = notes(
        results,
        INSTANCE,
        "Curves: interquartile mean over seeds of the evaluations while learning, deterministic policy, band: 95% interval. What "
        "lies far below zero is cut off.",
    )
    return Drawing(figure, data, pd.DataFrame(table), said)


def _plot_levels(axes: Axes, levels: Mapping[str, Estimate]) -> None:
    for (label, e), (colour, stroke, _) in zip(levels.items(), cycle(NOT_LEARNED), strict=False):
        axes.axhline(e.value, color=colour, linestyle=stroke, linewidth=1.3, label=name(label))


def _limits(lines: Mapping[str, Line], levels: Mapping[str, Estimate]) -> tuple[float, float]:
    """Of the axis of rewards."""
    low = min([e.low if np.isfinite(e.low) else e.value for line in lines.values() for e in line.y], default=0.0)
    high = max([e.value for line in lines.values() for e in line.y] + [e.value for e in levels.values()], default=1.0)
    return max(low, DEEPEST * abs(high)) - MARGIN * abs(high), high + MARGIN * abs(high)


@styled()
def reverse_chain(results: Results) -> Drawing:
    """Fig. 8: probability of every provider along the reverse chain, for policies trained on different budgets."""
    chains = {o.label: results.table(CHAIN, o.label) for o in results}
    steps = int(next(iter(chains.values()))["step"].max()) + 1
    figure, grid = new_figure(7.2, 0.9 + 1.35 * len(chains), len(chains), steps)
    rows, data = [], []
    for row, (label, chain) in enumerate(chains.items()):
        shares = []
        for step, axes in enumerate(grid[row]):
            at = chain[chain["step"] == step]
            title = "noise" if step == 0 else f"step {step}"
            _plot_choice(axes, at, first=step == 0)
            if row == 0:
                axes.set_title(title, loc="left")
            if row == len(chains) - 1:
                axes.set_xlabel("provider")
            shares.append((title, f"{at.loc[at['best'], 'probability'].sum():.2f}"))
        grid[row, 0].set_ylabel(f"{label} of steps")
        rows.append({"budget": label, **dict(shares)})
        data.append(chain[["step", "provider", "probability"]].assign(budget=label))
    said = (
        f"Seed 0 of each run; the observation is that of task {TASK_SHOWN} of an episode of Prophet. Table: probability of "
        "Prophet's choice after each step. Dotted and in another colour: Prophet's choice, all of them where it has several.",
        "Rows are runs of their own with a share of the profile's steps, so that learning rates fall to their end in each.",
    )
    tidy = pd.concat(data, ignore_index=True)[["budget", "step", "provider", "probability"]]
    return Drawing(figure, tidy, pd.DataFrame(rows), said)


def _plot_choice(axes: Axes, at: pd.DataFrame, first: bool) -> None:
    """Probability of every provider at one step; Prophet's choice is marked."""
    providers = len(at)
    axes.bar(at["provider"], at["probability"], color=[VERMILION if best else BLUE for best in at["best"]], width=0.9)
    for provider in at.loc[at["best"], "provider"]:
        axes.axvline(provider, color=VERMILION, linestyle=":", linewidth=1)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"] if first else [""] * 3)
    axes.set_xticks(sorted({0, providers // 2, providers - 1}))
