"""Figure of a workload: how arrivals and sizes go up and down, and how recorded sizes became task sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from edgewise.drawing.style import BLUE, GREY, ORANGE, VERMILION, new_figure, save_figure, styled
from edgewise.systems.service_selection.workload import Workload

BINS = 120
HOUR = 3600.0
DEVIATIONS = 2.0


@styled()
def workload_figure(workload: Workload, path: Path, training_share: float) -> None:
    """Write the figure: arrivals per interval, mean task size per interval, gaps, and task sizes.

    Args:
        workload: what to draw.
        path: PNG, PDF or SVG.
        training_share: where the held-out part begins, as a part of the time.
    """
    figure, grid = new_figure(9.0, 5.6, 2, 2)
    hours = (workload.time_s - workload.time_s[0]) / HOUR
    edges = np.linspace(0.0, hours[-1], min(BINS, max(1, workload.requests // 20)) + 1)
    counts = np.histogram(hours, edges)[0]
    _arrivals(grid[0, 0], edges, counts, training_share)
    _sizes_in_time(grid[0, 1], edges, np.histogram(hours, edges, weights=workload.size_steps)[0], counts)
    _gaps(grid[1, 0], np.diff(workload.time_s))
    _sizes(grid[1, 1], workload.size_steps)
    figure.suptitle(f"{workload.source}: {workload.requests:,} requests, {1 / workload.mean_gap:.3g} per second")
    save_figure(figure, path)


def _arrivals(axes: Axes, edges: np.ndarray, counts: np.ndarray, training_share: float) -> None:
    mean, width = counts.mean(), np.diff(edges)[0]
    band = DEVIATIONS * np.sqrt(mean)
    axes.axhspan(max(0.0, mean - band) / width, (mean + band) / width, color=GREY, alpha=0.2, linewidth=0)
    axes.stairs(counts / width, edges, color=BLUE)
    axes.axvline(training_share * edges[-1], color=VERMILION, linestyle="--", linewidth=1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("time (h); training to the left of the dashed line")
    axes.set_ylabel("arrivals per hour")
    axes.set_title(f"arrivals (grey: {DEVIATIONS:g} deviations of a Poisson process)")


def _sizes_in_time(axes: Axes, edges: np.ndarray, steps: np.ndarray, counts: np.ndarray) -> None:
    means = np.divide(steps, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    axes.stairs(means, edges, color=ORANGE, baseline=None)
    axes.set_xlabel("time (h)")
    axes.set_ylabel("mean task size T (steps)")
    axes.set_title("task size in time")


def _gaps(axes: Axes, gaps: np.ndarray) -> None:
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


def _sizes(axes: Axes, sizes: np.ndarray) -> None:
    values, counts = np.unique(sizes, return_counts=True)
    spacing = float(np.diff(values).min()) if len(values) > 1 else 1.0
    axes.bar(values, counts / len(sizes), width=0.8 * spacing, color=ORANGE)
    axes.set_xlabel("task size T (steps)")
    axes.set_ylabel("share of requests")
    axes.set_title("task sizes")
