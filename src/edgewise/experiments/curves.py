"""Learning curves of an experiment's learners."""

from __future__ import annotations

from edgewise.drawing.panels import Line
from edgewise.experiments.results import Outcome
from edgewise.statistics.estimates import sample_efficiency


def learning_line(outcome: Outcome, metric: str, leading: bool = False, *, scale: float = 1.0, label: str = "") -> Line:
    """Interquartile mean over seeds of the evaluations while learning, against environment steps."""
    curve = outcome.curve(metric)
    estimates = sample_efficiency(scale * curve.to_numpy().T)
    return Line(label or outcome.label, [float(step) for step in curve.index], estimates, leading)
