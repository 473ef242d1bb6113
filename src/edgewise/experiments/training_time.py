"""Training times that were measured for a figure."""

from __future__ import annotations

from edgewise.experiments.results import Results

TRAINING_TIME = "training time"
"""Name of the probe, `edgewise.experiments.timing.training_times`."""
TIMED = (
    "Training time: of one learner alone, all on one machine, extrapolated from a part of the run; without compilation, warm-up "
    "and evaluations."
)


def seconds_alone(results: Results) -> dict[str, float]:
    """Seconds that training takes every learner alone, by label."""
    table = results.table(TRAINING_TIME)
    return dict(zip(table["policy"], table["seconds"], strict=True))
