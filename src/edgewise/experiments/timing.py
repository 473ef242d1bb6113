"""How long a run takes on one machine, measured by a part of it.

Wall times of results are no comparison of runs: they were perhaps computed side by side, or on several machines.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import pandas as pd

from edgewise.experiments.cell import Learned, Planned
from edgewise.experiments.probe import Probe, Probes
from edgewise.experiments.training_time import TRAINING_TIME
from edgewise.training.build import make_trainer
from edgewise.training.run_folder import RunConfig

LEAST_S = 3.0
"""Seconds that what is timed takes at least, so that a clock and the machine's moods hardly matter."""
FIRST_ITERATIONS = 4
"""Iterations that are timed first; twice as many follow as long as they take less than `LEAST_S`."""


@dataclass(frozen=True)
class TrainingTimes(Probe):
    """Seconds that one learner of each run takes, one after the other on one machine.

    Attributes:
        runs: by the learner's label.
    """

    name = TRAINING_TIME
    alone = True
    runs: Mapping[str, RunConfig]

    def compute(self, folder: Path | None) -> pd.DataFrame:
        """One row per run."""
        rows = []
        for label, run in self.runs.items():
            rows.append({"policy": label, "seconds": training_seconds(run)})
            jax.clear_caches()
        return pd.DataFrame(rows)


def training_times(cells: Sequence[Planned]) -> Probes:
    """The probe on all learners of an experiment."""
    runs = {each.label: each.cell.player.run for each in cells if isinstance(each.cell.player, Learned)}
    return {(TRAINING_TIME, ""): TrainingTimes(runs)} if runs else {}


def training_seconds(run: RunConfig) -> float:
    """Seconds that one learner of a run takes here, without compilation, warm-up and evaluations.

    Iterations are timed, twice as many each time until they take `LEAST_S`, and the whole run extrapolated from them.
    """
    training = replace(run.training, seeds=1)
    with closing(make_trainer(replace(run, training=training))) as trainer:
        state, _, _ = trainer.advance(trainer.start(jax.random.split(jax.random.key(training.seed), 1)), 1)
        jax.block_until_ready(state)
        iterations = FIRST_ITERATIONS
        while True:
            begin = time.perf_counter()
            state, _, _ = trainer.advance(state, iterations)
            jax.block_until_ready(state)
            taken = time.perf_counter() - begin
            if taken >= LEAST_S or iterations >= training.iterations:
                return taken / iterations * training.iterations
            iterations = min(2 * iterations, training.iterations)
