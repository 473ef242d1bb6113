"""What tables and claims read from results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgewise.experiments.results import Outcome
from edgewise.papers.d2sac.names import RETURN
from edgewise.statistics.estimates import Estimate, interquartile_mean

TASK_FIGURES = ("finished, %", "obtained utility", "crashed, %", "lost utility")
"""Columns of Table 5."""


def reached(outcome: Outcome, level: float) -> tuple[float, float] | None:
    """Environment steps per seed and wall time, s, at the first evaluation whose interquartile mean is at the level."""
    curve = outcome.curve(RETURN)
    above = np.asarray(interquartile_mean([curve.to_numpy()])) >= level
    if not above.any():
        return None
    steps = float(curve.index[int(np.argmax(above))])
    rows = outcome.result.curve
    return steps, float(rows.loc[rows["steps"] == steps, "wall_s"].max())


def task_figures(outcome: Outcome) -> dict[str, Estimate]:
    """Finished rate, obtained utility, crashed rate and lost utility; the environment gives means per task."""
    count = outcome.setting.build().tasks
    table = outcome.result.episodes
    kept = table.assign(obtained=table["utility"] - table["lost_utility"])
    outcome = replace(outcome, result=replace(outcome.result, episodes=kept))
    scales = {"finished": 100, "obtained": count, "crashed": 100, "lost_utility": count}
    estimates = [outcome.estimate(metric, scale) for metric, scale in scales.items()]
    return dict(zip(TASK_FIGURES, estimates, strict=True))
