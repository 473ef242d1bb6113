"""What figures and claims read from results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from edgewise.drawing.panels import Line
from edgewise.experiments.curves import learning_line
from edgewise.experiments.results import Outcome, Results
from edgewise.papers.edmsac.names import OPTIMUM, PROFIT, SCHEME_PROFITS, TRAINING_OPTIMUM
from edgewise.statistics.estimates import Estimate

Profits = dict[str, pd.DataFrame]
"""Profits of all schemes [states], by the label of the setting."""


def overall(outcome: Outcome, metric: str, scale: float = 1.0) -> Estimate:
    """Over seeds of a learner; of any other policy the mean over the states, which are the same for all."""
    if outcome.learned:
        return outcome.estimate(metric, scale)
    return mean_of(scale * outcome.result.episodes[metric].to_numpy())


def mean_of(values: np.ndarray) -> Estimate:
    """The mean over all states, without an interval: every scheme gets the same states."""
    return Estimate(float(values.mean()), np.nan, np.nan)


def gap(outcome: Outcome, optimum: np.ndarray) -> Estimate:
    """Gap to the optimal profits of the same states, %."""
    profit = overall(outcome, PROFIT)
    value, low, high = (100 * (1 - part / optimum.mean()) for part in (profit.value, profit.high, profit.low))
    return Estimate(value, low, high)


def gaps(results: Results) -> dict[str, Estimate]:
    """The gap of every policy in the one setting of an experiment."""
    return {o.label: gap(o, results.table(OPTIMUM, o.setting.label)[PROFIT].to_numpy()) for o in results}


def share_line(outcome: Outcome, results: Results, leading: bool = False) -> Line:
    """Profit while learning in % of the optimum of the states in which the learner was evaluated."""
    optimum = float(results.table(TRAINING_OPTIMUM, outcome.label)[PROFIT].mean())
    line = learning_line(outcome, PROFIT, leading)
    scaled = [Estimate(*(100 * part / optimum for part in (e.value, e.low, e.high))) for e in line.y]
    return replace(line, y=scaled)


def profits(results: Results) -> Profits:
    """The profits of all schemes in all settings."""
    table = results.table(SCHEME_PROFITS)
    return {o.setting.label: table[table["setting"] == o.setting.label] for o in results}
