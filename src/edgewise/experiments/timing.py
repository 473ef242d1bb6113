"""How long a run takes on this machine, measured by a part of it.

Wall times of results are no comparison of runs: they were perhaps computed side by side, or on several machines.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace

import jax

from edgewise.experiments.cell import Learned
from edgewise.experiments.results import Results
from edgewise.training.build import make_trainer
from edgewise.training.run_folder import RunConfig

TIMED = (
    "Training time: of one learner alone on the machine that draws the figure, extrapolated from a part of the run; without "
    "compilation, warm-up and evaluations."
)
LEAST_S = 3.0
FIRST_ITERATIONS = 4


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


def each_alone(results: Results) -> dict[str, float]:
    """`training_seconds` of every learner, one after the other, by label."""
    seconds = {}
    for outcome in results:
        if isinstance(outcome.player, Learned):
            seconds[outcome.label] = training_seconds(outcome.player.run)
            jax.clear_caches()
    return seconds
