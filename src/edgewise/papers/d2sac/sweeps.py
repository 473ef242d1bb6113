"""Figures 6, 7 and 9 of the D2SAC paper: reward against a parameter."""

from __future__ import annotations

import numpy as np
import pandas as pd

from edgewise.drawing.panels import Line
from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.claims import notes
from edgewise.experiments.results import Drawing, Results
from edgewise.experiments.sweep import Sweep, rows
from edgewise.experiments.training_time import TIMED, seconds_alone
from edgewise.papers.d2sac.names import OURS, RETURN, name
from edgewise.papers.d2sac.tables import INSTANCE
from edgewise.statistics.estimates import Estimate


@styled()
def arrival_rates(axis: Sweep, results: Results) -> Drawing:
    """Fig. 6: policies trained at the default rate, judged at others; negative rewards are not displayed."""
    lines = [
        Line(name(label), curve.places, curve.estimates(), label == OURS, curve.learned)
        for label, curve in axis.curves(results, RETURN).items()
    ]
    figure, grid = new_figure(7.2, 4.2)
    axis.plot(grid[0, 0], lines, "test reward per episode")
    grid[0, 0].set_ylim(bottom=0)
    figure.legend(loc="outside right upper", handlelength=3)
    said = notes(
        results,
        INSTANCE,
        "The paper does not say whether learners were trained at each rate. Here they are trained at 0.001 and judged at all.",
        "The rates are ours; the paper gives them in its figure only.",
    )
    data = pd.concat([line.tidy(axis.name) for line in lines], ignore_index=True)
    return Drawing(figure, data, pd.DataFrame(rows(lines, 0)), said)


@styled()
def shares(axis: Sweep, with_time: bool, results: Results) -> Drawing:
    """Figs. 7 and 9: reward, and perhaps training time, normalised to their maxima, against a parameter of the learners."""
    raw = axis.estimates(results, RETURN)
    places = list(raw)
    most = max(e.value for e in raw.values())
    if most <= 0:
        most = max(abs(e.value) for e in raw.values())
    scaled = [Estimate(e.value / most, e.low / most, e.high / most) for e in raw.values()]
    lines = [Line("reward", places, scaled, leading=True)]
    seconds = seconds_alone(results) if with_time else {}
    if with_time:
        longest = max(seconds.values())
        time = [Estimate(s / longest, np.nan, np.nan) for s in seconds.values()]
        lines.append(Line("training time", places, time))
    figure, grid = new_figure(6.0, 3.6)
    axis.plot(grid[0, 0], lines, "share of the maximum")
    grid[0, 0].legend(loc="best")
    table = [
        {axis.name: o.label, "test reward": raw[axis.place(o)].text(0)}
        | ({"training, s": f"{seconds[o.label]:.0f}"} if with_time else {})
        for o in results
    ]
    data = pd.concat([line.tidy(axis.name) for line in lines], ignore_index=True)
    return Drawing(figure, data, pd.DataFrame(table), notes(results, INSTANCE, TIMED if with_time else ""))
