"""Figure of a two-period menu."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from edgewise.drawing.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, new_figure, save_figure, styled
from edgewise.systems.dynamic_contract.files import Instance
from edgewise.systems.dynamic_contract.solution import Solution

COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
LABELLED = 6
"""Most types whose lines are named one by one."""


@styled()
def plot_menu(instance: Instance, solution: Solution, path: Path) -> None:
    """Write the figure: rounds against rewards for each period, and what each item leaves to its server.

    Args:
        instance: the problem.
        solution: its menu.
        path: PNG, PDF or SVG.
    """
    figure, grid = new_figure(9.0, 5.6, 2, 2)
    for row, (name, values) in enumerate((("rounds T", solution.rounds), ("reward R", solution.rewards))):
        _plot_first(grid[row, 0], instance.theta1, values[0], name)
        _plot_second(grid[row, 1], instance.theta2, values[1], name)
        top = 1.08 * max(float(array.max()) for array in values)
        for axes in grid[row]:
            axes.set_ylim(0, max(top, 1.0))
    grid[0, 0].set_title("period 1")
    grid[0, 1].set_title("period 2, one line for each type in period 1")
    if len(instance.theta1) <= LABELLED:
        grid[0, 1].legend()
    shown = "" if instance.mode == "feasible" else f", mode {instance.mode}"
    figure.suptitle(f"menu for {instance.servers} servers{shown}: profit {solution.profit:.1f}")
    save_figure(figure, path)


def _plot_first(axes: Axes, types: tuple[float, ...], values: np.ndarray, name: str) -> None:
    axes.plot(types, values, color=BLACK, marker="o", markersize=5)
    axes.set_xlabel("willingness theta in period 1")
    axes.set_ylabel(name)


def _plot_second(axes: Axes, types: tuple[float, ...], values: np.ndarray, name: str) -> None:
    for k, row in enumerate(values):
        colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
        axes.plot(types, row, color=colour, marker=marker, markersize=5, label=f"type {k + 1} before")
    axes.set_xlabel("willingness theta in period 2")
    axes.set_ylabel(name)
