"""Figure of a workload: how arrivals and sizes go up and down, and how recorded sizes became task sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from edgewise.drawing.style import BLUE, GREY, ORANGE, VERMILION, new_figure, save_figure, styled
from edgewise.systems.service_selection.workload import Workload

BINS = 120
"""Intervals of a figure at most."""
REQUESTS_PER_BIN = 20
"""So many on average make a bin worth looking at."""
HOUR, DAY = 3600.0, 86400.0
"""Seconds."""
LONGEST_IN_HOURS = 100 * HOUR
"""Workloads that last longer are drawn over days."""
DEVIATIONS = 2.0
"""Half width of the grey band, in standard deviations of a Poisson process."""


@styled()
def plot_workload(workload: Workload, path: Path, training_share: float) -> None:
    """Write the figure: arrivals per interval, mean task size per interval, gaps, and task sizes.

    Args:
        workload: what to draw.
        path: PNG, PDF or SVG.
        training_share: where the held-out part begins, as a part of the time.
    """
    figure, grid = new_figure(9.0, 5.6, 2, 2)
    unit, name = (DAY, "day") if workload.seconds > LONGEST_IN_HOURS else (HOUR, "hour")
    time = (workload.time_s - workload.time_s[0]) / unit
    edges = np.linspace(0.0, time[-1], min(BINS, max(1, workload.requests // REQUESTS_PER_BIN)) + 1)
    counts = np.histogram(time, edges)[0]
    stretched = "" if workload.stretch == 1 else f", stretched {workload.stretch:,.4g} times"
    label = f"time ({name}s{stretched})"
    _plot_arrivals(grid[0, 0], edges, counts, training_share, label, name)
    steps = np.histogram(time, edges, weights=workload.size_steps)[0]
    _plot_sizes_in_time(grid[0, 1], edges, steps, counts, label)
    _plot_gaps(grid[1, 0], np.diff(workload.time_s))
    _plot_sizes(grid[1, 1], workload.size_steps)
    figure.suptitle(f"{workload.source}: {workload.requests:,} requests, {1 / workload.mean_gap:.3g} per second")
    save_figure(figure, path)


def _plot_arrivals(
    axes: Axes, edges: np.ndarray, counts: np.ndarray, training_share: float, label: str, unit: str
) -> None:
    mean, width = counts.mean(), np.diff(edges)[0]
    band = DEVIATIONS * np.sqrt(mean)
    axes.axhspan(max(0.0, mean - band) / width, (mean + band) / width, color=GREY, alpha=0.2, linewidth=0)
    axes.stairs(counts / width, edges, color=BLUE)
    axes.axvline(training_share * edges[-1], color=VERMILION, linestyle="--", linewidth=1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"{label}; training left of the dashed line")
    axes.set_ylabel(f"arrivals per {unit}")
    axes.set_title(f"arrivals (grey: {DEVIATIONS:g} deviations of a Poisson process)")


def _plot_sizes_in_time(axes: Axes, edges: np.ndarray, steps: np.ndarray, counts: np.ndarray, label: str) -> None:
    means = np.divide(steps, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    axes.stairs(means, edges, color=ORANGE, baseline=None)
    axes.set_xlabel(label)
    axes.set_ylabel("mean task size T (steps)")
    axes.set_title("task size in time")


def _plot_gaps(axes: Axes, gaps: np.ndarray) -> None:
    ordered = np.sort(gaps / gaps.mean())
    rest = 1 - np.arange(len(ordered)) / len(ordered)
    axes.semilogy(ordered, rest, color=BLUE, label=f"workload, coefficient of variation {gaps.std() / gaps.mean():.2f}")
    line = np.linspace(0.0, ordered[-1], 200)
    axes.semilogy(line, np.exp(-line), color=GREY, linestyle="--", label="Poisson process, 1")
    axes.set_ylim(0.5 / len(ordered), 1.2)
    axes.set_xlabel("gap between arrivals over its mean")
    axes.set_ylabel("share of gaps that are longer")
    axes.set_title("gaps")
    axes.legend()


def _plot_sizes(axes: Axes, sizes: np.ndarray) -> None:
    values, counts = np.unique(sizes, return_counts=True)
    spacing = float(np.diff(values).min()) if len(values) > 1 else 1.0
    axes.bar(values, counts / len(sizes), width=0.8 * spacing, color=ORANGE)
    axes.set_xlabel("task size T (steps)")
    axes.set_ylabel("share of requests")
    axes.set_title("task sizes")
