"""Runs a generator at several numbers of steps, and measures quality and cost of every picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from edgewise.common.errors import EdgewiseError
from edgewise.common.interrupt import Interrupted, interrupt_flag
from edgewise.systems.service_selection.quality.functions import one_line
from edgewise.systems.service_selection.quality.measurements import (
    DECIMALS,
    TABLE,
    Measurement,
    Settings,
    open_folder,
    save_table,
)
from edgewise.systems.service_selection.quality.meters import Energy, Usage, measured
from edgewise.systems.service_selection.quality.metrics import Metric
from edgewise.systems.service_selection.quality.pictures import to_picture

SAVED_EVERY = 5.0
"""Seconds between two writings of the table."""
Generator = Callable[[str, int, int], Any]
"""`generate(prompt, steps, seed) -> image`."""
Reference = Callable[[str], Float[np.ndarray, "h w *c"]]


@dataclass(frozen=True)
class Task:
    """What is measured, and by what.

    Attributes:
        settings: the numbers and names.
        generate: the generator.
        metrics: in the order of the settings.
        energy: source of energy figures.
        reference: gives the reference of a prompt, if there is one.
    """

    settings: Settings
    generate: Generator
    metrics: Sequence[Metric]
    energy: Energy
    reference: Reference | None = None


def measure_quality(folder: Path, task: Task, say: Callable[[str], None] = lambda text: None) -> list[Measurement]:
    """Measure every prompt at every seed and number of steps; what the folder holds already is not measured again.

    Before the first picture that is measured at a number of steps another one is made and thrown away: programs may be
    compiled then. The table in the folder is whole at any time.

    Args:
        folder: where measurements go.
        task: what is measured.
        say: told how far it is, at every tenth.

    Raises:
        EdgewiseError: if the generator or a metric fails.
        Interrupted: after Ctrl-C; the same call goes on.
    """
    settings = task.settings
    done = {row.key: row for row in open_folder(folder, settings)}
    wanted = [
        (prompt, seed, steps)
        for seed in range(settings.seeds)
        for prompt in settings.prompts
        for steps in settings.steps
    ]
    warm: set[int] = set()
    references: dict[str, Any] = {}
    saved, tenth = time.monotonic(), 0
    with interrupt_flag() as stopped:
        try:
            for count, (prompt, seed, steps) in enumerate(wanted, 1):
                if (prompt, seed, steps) in done:
                    continue
                if task.reference is not None and prompt not in references:
                    references[prompt] = task.reference(prompt)
                if steps not in warm:
                    _make(task, prompt, steps, seed)
                    warm.add(steps)
                row = _measurement(task, prompt, steps, seed, references.get(prompt))
                done[row.key] = row
                if time.monotonic() - saved > SAVED_EVERY:
                    save_table(folder / TABLE, done.values(), settings.metrics)
                    saved = time.monotonic()
                if stopped():
                    raise Interrupted("stopped; give the same command again to go on")
                if count * 10 // len(wanted) > tenth:
                    tenth = count * 10 // len(wanted)
                    say(f"{count} of {len(wanted)} pictures")
        finally:
            if done:
                save_table(folder / TABLE, done.values(), settings.metrics)
    return [done[key] for key in wanted]


def _make(task: Task, prompt: str, steps: int, seed: int) -> tuple[Any, Usage, str]:
    source = f"generator {task.settings.generator}: generate({prompt!r}, {steps}, {seed})"
    try:
        image, usage = measured(lambda: np.asarray(task.generate(prompt, steps, seed)), task.energy)
    except Exception as error:
        raise EdgewiseError(f"{source} failed: {one_line(error)}") from error
    return image, usage, source


def _measurement(task: Task, prompt: str, steps: int, seed: int, reference: Any) -> Measurement:
    image, usage, source = _make(task, prompt, steps, seed)
    picture = to_picture(image, source)
    scores = tuple(round(metric.score(picture, reference, source), DECIMALS) for metric in task.metrics)
    costs = (None if value is None else round(value, DECIMALS) for value in usage)
    return Measurement(prompt, seed, steps, scores, Usage._make(costs))


def as_arrays(
    rows: Sequence[Measurement], settings: Settings
) -> tuple[Float[np.ndarray, "m n s"], Float[np.ndarray, "3 n s"], Int[np.ndarray, " n"]]:
    """Measurements as arrays.

    Returns:
        Scores and costs (seconds, processor seconds, joules; NaN if not measured), one row for each seed and prompt, and the
        seed of each row.
    """
    shape = (len(settings.prompts) * settings.seeds, len(settings.steps))
    scores = np.array([row.scores for row in rows]).T.reshape(len(settings.metrics), *shape)
    costs = np.array([[np.nan if value is None else value for value in row.usage] for row in rows]).T.reshape(3, *shape)
    seeds = np.array([row.seed for row in rows]).reshape(shape)[:, 0]
    return scores, costs, seeds
