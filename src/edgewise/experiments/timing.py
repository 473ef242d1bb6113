"""How long a run takes on this machine, measured by a part of it.

Wall times of results are no comparison of runs: they were perhaps computed side by side, or on several machines.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import jax

from edgewise.experiments.cell import Learned
from edgewise.experiments.results import Results
from edgewise.training.run import RunConfig, make_trainer

TIMED = (
    "Training time: of one learner alone on the machine that draws the figure, extrapolated from a part of the run; without "
    "compilation, warm-up and evaluations."
)
LEAST_S = 3.0
FIRST_ITERATIONS = 4


def training_seconds(runs: Sequence[RunConfig]) -> list[float]:
    """Seconds that one learner of each run takes here, without compilation, warm-up and evaluations.

    All are compiled first, side by side, and then timed one after the other: iterations, twice as many each time until they take
    `LEAST_S`, and the whole run extrapolated from them.
    """
    with ExitStack() as stack, ThreadPoolExecutor(os.cpu_count()) as pool:
        ready = list(pool.map(lambda run: _compiled(run, stack), runs))
        return [
            _timed(trainer, state, run.training.iterations) for run, (trainer, state) in zip(runs, ready, strict=True)
        ]


def _compiled(run: RunConfig, stack: ExitStack) -> tuple[Any, Any]:
    alone = replace(run, training=replace(run.training, seeds=1))
    trainer = stack.enter_context(closing(make_trainer(alone)))
    state, _, _ = trainer.advance(trainer.start(jax.random.split(jax.random.key(run.training.seed), 1)), 1)
    return trainer, jax.block_until_ready(state)


def _timed(trainer: Any, state: Any, whole: int) -> float:
    iterations = FIRST_ITERATIONS
    while True:
        begin = time.perf_counter()
        state, _, _ = trainer.advance(state, iterations)
        jax.block_until_ready(state)
        taken = time.perf_counter() - begin
        if taken >= LEAST_S or iterations >= whole:
            return taken / iterations * whole
        iterations = min(2 * iterations, whole)


def each_alone(results: Results) -> dict[str, float]:
    """`training_seconds` of every learner, by label."""
    runs = {outcome.label: outcome.player.run for outcome in results if isinstance(outcome.player, Learned)}
    seconds = training_seconds(list(runs.values()))
    jax.clear_caches()
    return dict(zip(runs, seconds, strict=True))
