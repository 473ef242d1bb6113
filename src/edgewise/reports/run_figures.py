"""Figures of runs: learning curves, and policies side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgewise.drawing.style import BLACK, BLUE, GREY, new_figure, save_figure, spread_labels, styled
from edgewise.environments.system import Headline
from edgewise.statistics.estimates import interquartile_mean
from edgewise.statistics.judgement import Judgement

LEARNER = "learning/"
"""How columns of `metrics.csv` with the learner's own metrics begin."""
FEW = 10
"""Evaluations that are shown as points too."""


@styled()
def learning_curve(
    metrics: pd.DataFrame, headline: Headline, references: Mapping[str, float], bound: float | None, tested: float
) -> Figure:
    """Headline metric against environment steps: interquartile mean over seeds, each seed faint, references as labelled lines.

    Args:
        metrics: content of `metrics.csv`.
        headline: the metric.
        references: name to value.
        bound: what no policy can beat; None if that is not known.
        tested: what the best policy reaches in the test episodes; a mark at the end.
    """
    figure, grid = new_figure(7.2, 4.2)
    axes: Axes = grid[0, 0]
    curves = metrics.pivot(index="steps", columns="seed", values=headline.metric)
    if curves.shape[1] > 1:
        for seed in curves:
            axes.plot(curves.index, curves[seed], color=BLUE, alpha=0.25, linewidth=0.8)
    centre = np.asarray(interquartile_mean([curves.to_numpy()]))
    axes.plot(curves.index, centre, color=BLUE, linewidth=2, marker="o" if len(curves) <= FEW else None)
    lines = {**references, **({} if bound is None else {"bound": bound})}
    for name, value in lines.items():
        limit = name == "bound"
        axes.axhline(
            value, color=BLACK if limit else GREY, linewidth=1.2 if limit else 0.9, linestyle="-" if limit else "--"
        )
    learned = "last evaluation" + (f" ({curves.shape[1]} seeds)" if curves.shape[1] > 1 else "")
    labels = {**lines, learned: float(centre[-1])}
    low, high = axes.get_ylim()
    for (name, value), y in zip(
        labels.items(), spread_labels(list(labels.values()), 0.042 * (high - low)), strict=True
    ):
        colour = BLUE if name == learned else BLACK if name == "bound" else GREY
        axes.annotate(
            f"{name} {headline.text(value)}", (1.0, value), (1.02, y), xycoords=("axes fraction", "data"), color=colour,
            textcoords=("axes fraction", "data"), va="center", annotation_clip=False, fontsize=8,
        )  # fmt: skip
    axes.set_xlabel("environment steps per seed")
    axes.set_ylabel(headline.title)
    _count_steps(axes, float(curves.index.max()))
    return figure


@styled()
def learner_figure(metrics: pd.DataFrame) -> Figure | None:
    """A panel for each metric of the learner against environment steps, a line for each seed; None if there are none.

    Args:
        metrics: content of `metrics.csv`.
    """
    names = [name for name in metrics.columns if name.startswith(LEARNER)]
    if not names:
        return None
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure, grid = new_figure(7.2, 1.9 * rows + 0.3, rows, columns)
    for axes, name in zip_longest(grid.flat, names):
        if name is None:
            axes.set_axis_off()
            continue
        curves = metrics.pivot(index="steps", columns="seed", values=name)
        for seed in curves:
            axes.plot(
                curves.index,
                curves[seed],
                color=BLUE,
                alpha=0.8,
                linewidth=1,
                marker="." if len(curves) <= FEW else None,
            )
        axes.set_title(name.removeprefix(LEARNER).replace("_", " "))
        axes.locator_params(axis="x", nbins=3)
        _count_steps(axes, float(curves.index.max()))
    return figure


def _count_steps(axes: Axes, last: float) -> None:
    """Write environment steps in thousands or millions, whichever leaves few digits."""
    unit, sign = (1e6, "M") if last >= 2e6 else (1e3, "k") if last >= 2e3 else (1, "")
    axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda x, _: f"{x / unit:g}{sign}" if x else "0"))
    axes.set_xlim(0, last * 1.01)


@styled()
def comparison_figure(rows: Sequence[Judgement], headline: Headline, path: Path, ranked: bool = True) -> None:
    """Write a figure of policies with their values and 95% intervals.

    Args:
        rows: evaluated policies.
        headline: the metric.
        path: PNG, PDF or SVG.
        ranked: best on top; otherwise in the given order.
    """
    best_first = sorted(rows, key=lambda row: headline.best_first(row.value(headline.metric)))
    ordered = best_first if ranked else list(rows)
    figure, grid = new_figure(7.2, 1.1 + 0.28 * len(ordered))
    axes: Axes = grid[0, 0]
    for place, row in enumerate(ordered):
        e = row.estimate(headline.metric)
        colour = GREY if row.reference else BLUE
        axes.plot([e.low, e.high], [place, place], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(e.value, place, "o", color=colour, markersize=5)
    axes.set_yticks(range(len(ordered)), [row.name for row in ordered])
    axes.invert_yaxis()
    axes.grid(axis="x", color="#e5e7eb")
    axes.set_axisbelow(True)
    axes.set_xlabel(f"{headline.title}, interquartile mean over seeds, or mean over episodes, with 95% interval")
    save_figure(figure, path)
