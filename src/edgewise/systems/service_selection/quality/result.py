"""What a measured generator comes to: fits, coverage, and the provider that it makes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from edgewise.statistics.estimates import Estimate
from edgewise.systems.service_selection.files import FIELDS
from edgewise.systems.service_selection.quality.fitting import (
    LINEAR,
    QUADRATIC,
    Coverage,
    QualityFit,
    fit_cost,
    fit_quality,
    held_out,
    judge,
    remarks,
)
from edgewise.systems.service_selection.quality.measure import as_arrays
from edgewise.systems.service_selection.quality.measurements import Measurement, Settings, save

DIGITS = {"capacity": 0, "start_steps": 2, "end_steps": 2, "start_score": 4, "end_score": 4}
"""Decimals in a providers file; not three, which could be thousands."""


@dataclass(frozen=True, eq=False)
class Result:
    """All that was found.

    Attributes:
        settings: what was measured.
        scores: by metric, prompt and seed, number of steps.
        costs: seconds, processor seconds, joules, by prompt and seed, number of steps.
        fits, coverage: by metric; coverage is None where no seed is held out.
        time_fit: seconds as a quadratic, from the highest power.
        energy_fit: joules as a line; empty if they were not measured.
        remarks: what a reader must know.
    """

    settings: Settings
    scores: Float[np.ndarray, "m n s"]
    costs: Float[np.ndarray, "3 n s"]
    fits: list[QualityFit]
    coverage: list[Coverage | None]
    time_fit: list[Estimate]
    energy_fit: list[Estimate]
    remarks: list[str]


def evaluate_measurements(rows: Sequence[Measurement], settings: Settings) -> Result:
    """Fit the curves of all metrics to two thirds of the seeds, hold them against the others, and fit the costs."""
    steps = np.asarray(settings.steps, dtype=float)
    scores, costs, seeds = as_arrays(rows, settings)
    away = held_out(settings.seeds)[seeds]
    fits = [fit_quality(steps, each[~away]) for each in scores]
    coverage = [judge(fit, steps, each[away]) if away.any() else None for fit, each in zip(fits, scores, strict=True)]
    said = [
        f"{name}: {text}"
        for name, fit, each in zip(settings.metrics, fits, scores, strict=True)
        for text in remarks(fit, steps, each[~away])
    ]
    energy = fit_cost(steps, costs[2], LINEAR) if np.isfinite(costs[2]).all() else []
    return Result(settings, scores, costs, fits, coverage, fit_cost(steps, costs[0], QUADRATIC), energy, said)


def save_provider(path: Path, result: Result, capacity: float) -> None:
    """Write the first metric's curve as a providers file of one row, which `load_providers` reads."""
    values = {"capacity": capacity, **asdict(result.fits[0].curve)}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FIELDS, "generator"])
    writer.writerow([*(f"{values[name]:.{DIGITS[name]}f}" for name in FIELDS), result.settings.generator])
    save(path, text.getvalue().encode())


def save_fits(path: Path, result: Result) -> None:
    """Write everything that was fitted as JSON."""
    save(path, (json.dumps(plain(result), indent=1) + "\n").encode())


def plain(result: Result) -> dict[str, object]:
    """Everything that was fitted, for JSON."""
    return {
        "settings": result.settings.plain(),
        "curves": {
            name: _curve(fit, coverage)
            for name, fit, coverage in zip(result.settings.metrics, result.fits, result.coverage, strict=True)
        },
        "seconds": dict(zip(("a", "b", "c"), map(_estimate, result.time_fit), strict=True)),
        "joules": dict(zip(("per_step", "at_once"), map(_estimate, result.energy_fit), strict=False)),
        "remarks": result.remarks,
    }


def _curve(fit: QualityFit, coverage: Coverage | None) -> dict[str, object]:
    judged = coverage and {
        "pictures_per_number_of_steps": coverage.pictures,
        "pictures_inside": round(coverage.single, 4),
        "means_inside": coverage.means_inside,
        "numbers_of_steps": coverage.numbers,
        "error_of_means": round(coverage.error, 5),
    }
    return {name: _estimate(each) for name, each in fit.intervals.items()} | {"held_out": judged}


def _estimate(each: Estimate) -> dict[str, float | None]:
    """NaN, where there is no interval, as null."""
    return {name: float(f"{value:.6g}") if np.isfinite(value) else None for name, value in asdict(each).items()}
