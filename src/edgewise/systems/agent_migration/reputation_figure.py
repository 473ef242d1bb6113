"""Figure of reputations over an episode."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from edgewise.drawing.style import BLACK, BLUE, VERMILION, new_figure, styled


@styled()
def plot_reputations(table: pd.DataFrame, threshold: float) -> Figure:
    """One panel per RSU: reputation over users, attacks shaded, defences as ticks.

    Args:
        table: "slot", "rsu", "lowest", "mean", "highest", "attacked", "defence".
        threshold: the threshold of trust.
    """
    units = {int(unit): table[table["rsu"] == unit] for unit in table["rsu"].unique()}
    columns = min(len(units), 2)
    rows = -(-len(units) // columns)
    figure, grid = new_figure(7.2, 0.6 + 1.9 * rows, rows, columns)
    for (unit, part), axes in zip(units.items(), grid.ravel(), strict=False):
        time = part["slot"].to_numpy()
        labels = ("under attack", "all users", "mean over users", "threshold", "defence")
        under, users, mean, least, defence = labels if axes is grid[0, 0] else (None,) * len(labels)
        axes.fill_between(
            time, 0, 1, where=part["attacked"].to_numpy(bool), step="mid", color=VERMILION, alpha=0.22, linewidth=0, label=under
        )  # fmt: skip
        axes.fill_between(time, part["lowest"], part["highest"], color=BLUE, alpha=0.2, linewidth=0, label=users)
        axes.plot(time, part["mean"], color=BLUE, linewidth=1.6, label=mean)
        axes.axhline(threshold, color=BLACK, linewidth=0.8, linestyle="--", label=least)
        defended = time[part["defence"].to_numpy(bool)]
        axes.plot(defended, np.full(len(defended), 0.06), "|", color=BLACK, markersize=7, label=defence)
        axes.set_title(f"RSU {unit}", loc="left")
        axes.set_ylim(0, 1)
        axes.set_xlim(-0.5, len(time) - 0.5)
        axes.set_ylabel("reputation")
        axes.set_xlabel("slot")
    for axes in grid.ravel()[len(units) :]:
        axes.set_visible(False)
    figure.legend(loc="outside lower center", ncols=5)
    return figure
