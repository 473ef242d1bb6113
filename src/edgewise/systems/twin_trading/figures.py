"""Figure of a market's equilibrium."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgewise.drawing.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, new_figure, save_figure, styled
from edgewise.systems.twin_trading.curves import Curves
from edgewise.systems.twin_trading.equilibrium import StackelbergEquilibrium

COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)
STYLES = ("-", "--", ":", "-.")
LABELLED = 8
"""Most leaders that a legend names."""


@styled()
def plot_best_responses(equilibrium: StackelbergEquilibrium, curves: Curves, path: Path) -> None:
    """Write the figure: each leader's best price against the others', and its utility against its own price.

    In an equilibrium every dot lies on its leader's curve: on the left one, and at the top of the right one.

    Args:
        equilibrium: prices and utilities.
        curves: around them.
        path: PNG, PDF or SVG.
    """
    prices, utilities = np.asarray(equilibrium.prices), np.asarray(equilibrium.leader_utilities)
    leaders = len(prices)
    figure, grid = new_figure(9.0, 4.0, 1, 2)
    left, right = grid[0]
    for j in range(leaders):
        line = {"color": COLOURS[j % len(COLOURS)], "linestyle": STYLES[j // len(COLOURS) % len(STYLES)]}
        others = (prices.sum() - prices[j]) / max(leaders - 1, 1)
        left.plot(curves.others[j], curves.best[j], label=f"leader {j + 1}", **line)
        left.plot(others, prices[j], "o", color=line["color"])
        right.plot(curves.own[j], curves.utility[j], label=f"leader {j + 1}", **line)
        right.plot(prices[j], utilities[j], "o", color=line["color"])
    left.set_xlabel("mean price of the other leaders, who move together")
    left.set_ylabel("best price")
    left.set_title("best responses")
    right.set_xlabel("own price, the others' as they are")
    right.set_ylabel("utility")
    right.set_title("what a leader would gain by another price")
    if leaders <= LABELLED:
        right.legend()
    name = "Stackelberg equilibrium" if equilibrium.mode == "stackelberg" else "fixed point of the paper's conditions"
    figure.suptitle(f"{name} (dots), largest relative gain by deviating {float(equilibrium.certificate):.1e}")
    save_figure(figure, path)
