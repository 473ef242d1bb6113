"""Figure of a measured generator: quality and cost against denoising steps, as Figs. 1C and 2 of the D2SAC paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from edgewise.drawing.style import BLUE, GREY, ORANGE, VERMILION, new_figure, save_figure, styled
from edgewise.statistics.estimates import Estimate
from edgewise.systems.service_selection.quality.fitting import Coverage, QualityFit
from edgewise.systems.service_selection.quality.result import Result

PANEL = (4.2, 3.1)
"""Inches."""
COLUMNS = 2
POINTS = 200
"""Of a drawn line."""
WITHIN = (5, 95)
"""Percentiles between which pictures are shown in a panel of costs."""


@styled()
def plot_quality(result: Result, path: Path) -> None:
    """Write the figure: a panel for each metric, one of the running time, and one of energy if it was measured.

    Args:
        result: what was measured and fitted.
        path: PNG, PDF or SVG.
    """
    settings = result.settings
    names = [*settings.metrics, "seconds", *(["joules"] if result.energy_fit else [])]
    rows = -(-len(names) // COLUMNS)
    figure, grid = new_figure(COLUMNS * PANEL[0], rows * PANEL[1], rows, COLUMNS)
    steps = np.asarray(settings.steps, dtype=float)
    panels = list(grid.ravel())
    for place, name in enumerate(settings.metrics):
        _plot_scores(panels[place], steps, result.scores[place], result.fits[place], result.coverage[place], name)
    after = len(settings.metrics)
    _plot_costs(panels[after], steps, result.costs[0], result.time_fit, "seconds per picture", BLUE)
    panels[after].set_title("running time, with a quadratic")
    if result.energy_fit:
        _plot_costs(panels[after + 1], steps, result.costs[2], result.energy_fit, "joules per picture", ORANGE)
        panels[after + 1].set_title("energy, with a line")
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    pictures = result.scores.shape[1] * len(steps)
    figure.suptitle(f"{settings.generator}: {pictures:,} pictures")
    save_figure(figure, path)


def _plot_scores(
    axes: Axes, steps: np.ndarray, scores: np.ndarray, fit: QualityFit, coverage: Coverage | None, name: str
) -> None:
    axes.fill_between(
        steps, fit.picture_low, fit.picture_high, color=GREY, alpha=0.15, linewidth=0, label="95% of pictures"
    )
    axes.fill_between(steps, fit.curve_low, fit.curve_high, color=BLUE, alpha=0.3, linewidth=0)
    line = np.linspace(steps[0], steps[-1], POINTS)
    axes.plot(line, fit.curve.at(line), color=BLUE, label="fitted curve, 95% interval")
    axes.plot(np.broadcast_to(steps, scores.shape).ravel(), scores.ravel(), ".", color=GREY, alpha=0.25, markersize=2)
    if coverage is not None:
        bars = np.stack([coverage.means - coverage.low, coverage.high - coverage.means]).clip(min=0)
        axes.errorbar(
            steps, coverage.means, bars, fmt="D", markersize=3.5, color=VERMILION, elinewidth=0.8, capsize=2,
            label="held-out mean, where it is expected",
        )  # fmt: skip
    axes.set_xlabel("denoising steps T")
    axes.set_ylabel("score (0 worst, 1 best)")
    axes.set_title(f"quality: {name}")
    axes.legend()


def _plot_costs(
    axes: Axes, steps: np.ndarray, costs: Float[np.ndarray, "n s"], fit: list[Estimate], label: str, colour: str
) -> None:
    low, high = np.percentile(costs, WITHIN, axis=0)
    medians = np.median(costs, axis=0)
    axes.errorbar(
        steps, medians, [medians - low, high - medians], fmt="o", color=colour, markersize=4, elinewidth=0.8, capsize=2,
        label="median, 90% of pictures",
    )  # fmt: skip
    line = np.linspace(steps[0], steps[-1], POINTS)
    axes.plot(line, np.polyval([each.value for each in fit], line), color=GREY, linestyle="--", label="fitted")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("denoising steps T")
    axes.set_ylabel(label)
    axes.legend()
