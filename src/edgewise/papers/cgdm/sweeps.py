"""Figures 4 and 6 to 9 of the CGDM paper: latency against a parameter."""

from __future__ import annotations

import numpy as np
import pandas as pd

from edgewise.drawing.panels import Line
from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.claims import notes
from edgewise.experiments.results import Drawing, Results
from edgewise.experiments.sweep import Sweep, rows
from edgewise.experiments.training_time import TIMED, seconds_alone
from edgewise.papers.cgdm.names import LATENCY, OURS, RETURN, name
from edgewise.statistics.estimates import Estimate

DENOISING_STEPS = Sweep("denoising_steps", "denoising steps K")
SYSTEM_NOTE = (
    "The paper leaves much of the system open, so figures need not agree. It does not say what its percentages refer to; ours "
    "are of the baseline's latency."
)
RULE = (
    'That CGDM takes x% less latency "holds" where the interval of our reduction begins at x or above, "does not hold" where '
    "it ends below x."
)


@styled()
def latency(axis: Sweep, results: Results) -> Drawing:
    """One of Figs. 6 to 9: latency of all policies along an axis."""
    curves = axis.curves(results, LATENCY)
    lines = [
        Line(name(label), curve.places, curve.estimates(), label == OURS, curve.learned)
        for label, curve in curves.items()
    ]
    figure, grid = new_figure(7.2, 4.2)
    axis.plot(grid[0, 0], lines, "test latency (s per slot)")
    grid[0, 0].set_ylim(bottom=0)
    figure.legend(loc="outside right upper", handlelength=3)
    said = notes(
        results,
        SYSTEM_NOTE,
        RULE,
        "The paper does not say whether learners were trained at every point. Here they are trained once, in the default "
        "system, and the same policies are judged at all points.",
        "Reductions are of the mean over all points. A curve rises or falls by the change of each unit (seed or episode) "
        "from point to point.",
    )
    data = pd.concat([line.tidy(axis.name) for line in lines], ignore_index=True)
    return Drawing(figure, data, pd.DataFrame(rows(lines, 0)), said)


@styled()
def denoising_steps(results: Results) -> Drawing:
    """Fig. 4: latency and training time against the length of the reverse chain."""
    axis, seconds = DENOISING_STEPS, seconds_alone(results)
    found = axis.estimates(results, LATENCY)
    places = list(found)
    time = [Estimate(s, np.nan, np.nan) for s in seconds.values()]
    lines = {
        "test latency (s per slot)": Line("latency", places, list(found.values()), leading=True),
        "training time (s)": Line("training time", places, time),
    }
    figure, grid = new_figure(7.2, 3.2, 1, 2)
    for axes, (unit, line) in zip(grid[0], lines.items(), strict=True):
        axis.plot(axes, [line], unit)
    grid[0, 1].set_ylim(bottom=0)
    table = [
        {
            "denoising steps K": o.label,
            "latency, s per slot": found[axis.place(o)].text(1),
            "reward per episode": o.estimate(RETURN).text(1),
            "training, s": f"{seconds[o.label]:.0f}",
        }
        for o in results
    ]
    said = notes(
        results,
        SYSTEM_NOTE,
        "The paper shows reward and time as parts of their maxima; ours is latency, which is better when lower.",
        TIMED,
        "The paper explains its drop beyond ten steps by exploding gradients, which is what its printed (31) would do; here "
        "that equation is corrected.",
    )
    data = pd.concat([line.tidy(axis.name) for line in lines.values()], ignore_index=True)
    return Drawing(figure, data, pd.DataFrame(table), said)
