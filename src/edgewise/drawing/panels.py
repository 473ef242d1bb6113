"""Panels and axes that several figures share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from edgewise.drawing.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION
from edgewise.statistics.estimates import Estimate

WINE, INDIGO = "#882255", "#332288"  # of Tol's palette
STROKES = tuple(
    zip(
        (VERMILION, SKY, GREEN, ORANGE, PURPLE, BLACK, WINE, INDIGO),
        ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 2))),
        ("s", "^", "v", "D", "P", "X", "*", "h"),
        strict=True,
    )
)
"""Colour, line and marker of the learners, in their order: told apart without colours too."""
LEADER = (BLUE, "-", "o")
NOT_LEARNED = tuple(
    (GREY, stroke, marker) for stroke, marker in (("--", "^"), ("-.", "s"), (":", "v"), ((0, (5, 1)), "D"))
)
"""Colour, line and marker of policies that are not trained."""


@dataclass(frozen=True)
class Line:
    """A curve with its intervals.

    Attributes:
        label: the label in the legend.
        x: places.
        y: estimates at them.
        leading: drawn to stand out.
        learned: or else drawn grey.
    """

    label: str
    x: Sequence[float]
    y: Sequence[Estimate]
    leading: bool = False
    learned: bool = True

    def tidy(self, x: str) -> pd.DataFrame:
        """One row per place."""
        rows = [{"policy": self.label, x: place, "value": e.value, "low": e.low, "high": e.high}
                for place, e in zip(self.x, self.y, strict=True)]  # fmt: skip
        return pd.DataFrame(rows)


def short_number(value: float) -> str:
    """A number of steps: 300k, 1.5M."""
    return f"{value / 1e6:g}M" if value >= 1e6 else f"{value / 1e3:g}k" if value else "0"


def step_axis(axes: Axes, label: str = "environment steps per seed") -> None:
    """Make the horizontal axis one of steps."""
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.set_xlabel(label)


def plot_intervals(
    axes: Axes, rows: Sequence[tuple[str, Estimate, bool]], paper: Mapping[str, float], unit: str
) -> None:
    """Estimates with intervals from top to bottom; the paper's figures as hollow diamonds.

    Args:
        axes: empty.
        rows: label, estimate, and whether it was learned.
        paper: label to figure, where the paper has one.
        unit: label of the axis.
    """
    for place, (label, e, learned) in enumerate(rows):
        colour = BLUE if learned else GREY
        if np.isfinite(e.low):
            axes.plot([e.low, e.high], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot(e.value, place, "o", color=colour, markersize=5)
        if label in paper:
            axes.plot(paper[label], place, "D", markerfacecolor="none", markeredgecolor=VERMILION, markersize=5.5)
    axes.plot([], [], "o-", color=BLUE, markersize=5, label="learned, 95% interval over seeds")
    if not all(learned for _, _, learned in rows):
        axes.plot([], [], "o-", color=GREY, markersize=5, label="not learned, over episodes")
    if paper:
        axes.plot([], [], "D", markerfacecolor="none", markeredgecolor=VERMILION, markersize=5.5, label="paper")
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x", color="#e5e7eb")
    axes.set_axisbelow(True)
    axes.set_xlabel(unit)


def plot_lines(axes: Axes, lines: Sequence[Line], markers: bool = False) -> None:
    """Curves with bands for their intervals; up to eight beside the leader differ in colour, stroke and marker."""
    strokes, greys = cycle(STROKES), cycle(NOT_LEARNED)
    for line in lines:
        colour, stroke, marker = LEADER if line.leading else next(strokes if line.learned else greys)
        x, value = np.asarray(line.x, float), np.array([e.value for e in line.y])
        axes.plot(
            x, value, color=colour, linestyle=stroke, linewidth=2.2 if line.leading else 1.4, label=line.label,
            marker=marker if markers else None, markersize=4.5, zorder=3 if line.leading else 2,
        )  # fmt: skip
        low, high = (np.array([getattr(e, end) for e in line.y]) for end in ("low", "high"))
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.grid(axis="y", color="#e5e7eb")
    axes.set_axisbelow(True)


def plot_levels(axes: Axes, levels: Mapping[str, float]) -> None:
    """Policies that were not learned, as grey lines across learning curves."""
    for (label, value), (colour, stroke, _) in zip(levels.items(), cycle(NOT_LEARNED), strict=False):
        axes.axhline(value, color=colour, linestyle=stroke, linewidth=1.2, label=label)
