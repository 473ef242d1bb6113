"""What measurements say: the curve with its intervals, and whether it predicts pictures that it was not fitted to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float

from edgewise.statistics.estimates import CONFIDENCE, Estimate
from edgewise.systems.service_selection.quality.curve import Curve, fit_curve

RESAMPLES = 500
"""Samples of the bootstrap, each of which is fitted by a search: the ends of an interval vary by about a tenth of its width."""
TAIL = (1 - CONFIDENCE) / 2
LINEAR, QUADRATIC = 1, 2
FLAT = 0.02
"""A rise below it, in scores, is called none."""
HOLD_OUT = 3
"""Every third seed is held out."""


@dataclass(frozen=True)
class QualityFit:
    """A fitted curve.

    Attributes:
        curve: of the mean scores.
        intervals: of its four parameters, by their names.
        curve_low, curve_high: 95% interval of the curve at each number of steps.
        picture_low, picture_high: where 95% of further pictures are expected.
        deviation: standard deviation of scores at each number of steps.
        curve_deviation: standard deviation of the curve there, over the bootstrap.
        pictures: pictures for each number of steps.
    """

    curve: Curve
    intervals: dict[str, Estimate]
    curve_low: Float[np.ndarray, " s"]
    curve_high: Float[np.ndarray, " s"]
    picture_low: Float[np.ndarray, " s"]
    picture_high: Float[np.ndarray, " s"]
    deviation: Float[np.ndarray, " s"]
    curve_deviation: Float[np.ndarray, " s"]
    pictures: int


@dataclass(frozen=True)
class Coverage:
    """How well a curve predicts pictures that it was not fitted to.

    Attributes:
        pictures: held-out pictures for each number of steps.
        single: share of all held-out pictures that are in the 95% interval of a single picture.
        means_inside: numbers of steps at which their mean is in its 95% interval.
        numbers: numbers of steps.
        error: root mean square of mean score minus curve.
        low, high: intervals of the means.
        means: the means.
    """

    pictures: int
    single: float
    means_inside: int
    numbers: int
    error: float
    low: Float[np.ndarray, " s"]
    high: Float[np.ndarray, " s"]
    means: Float[np.ndarray, " s"]


def held_out(seeds: int) -> Bool[np.ndarray, " n"]:
    """Whether each seed is held out: every third one."""
    return np.arange(seeds) % HOLD_OUT == HOLD_OUT - 1


def fit_quality(steps: Float[np.ndarray, " s"], scores: Float[np.ndarray, "n s"]) -> QualityFit:
    """Fit the curve to the mean scores; intervals by a bootstrap over rows, percentiles.

    The interval of a further picture is the curve plus and minus t times the deviation, Student's t with n - 1 degrees of
    freedom, and the deviation that of scores around their mean at the same number of steps and of the curve together. It is
    centred at the curve: where the curve does not fit, it misses.

    Args:
        steps: numbers of steps, rising.
        scores: one row for each prompt and seed, two or more.
    """
    curve = fit_curve(steps, scores.mean(axis=0))
    drawn = [fit_curve(steps, scores[rows].mean(axis=0)) for rows in _resampled(len(scores))]
    values = {field.name: np.array([getattr(each, field.name) for each in drawn]) for field in fields(Curve)}
    ends = {name: np.quantile(each, (TAIL, 1 - TAIL)) for name, each in values.items()}
    along = np.stack([each.at(steps) for each in drawn])
    low, high = np.quantile(along, (TAIL, 1 - TAIL), axis=0)
    deviation, curve_deviation = scores.std(axis=0, ddof=1), along.std(axis=0, ddof=1)
    picture_low, picture_high = _interval(curve.at(steps), deviation, curve_deviation, len(scores), 1)
    intervals = {name: Estimate(getattr(curve, name), *map(float, ends[name])) for name in values}
    return QualityFit(
        curve, intervals, low, high, picture_low, picture_high, deviation, curve_deviation, len(scores)
    )  # fmt: skip


def judge(fit: QualityFit, steps: Float[np.ndarray, " s"], scores: Float[np.ndarray, "m s"]) -> Coverage:
    """Hold a curve against pictures that it was not fitted to.

    Args:
        fit: the curve.
        steps: numbers of steps, those of the fit.
        scores: one row for each held-out prompt and seed.
    """
    inside = (scores >= fit.picture_low) & (scores <= fit.picture_high)
    low, high = _interval(fit.curve.at(steps), fit.deviation, fit.curve_deviation, fit.pictures, len(scores))
    means = scores.mean(axis=0)
    good = (means >= low) & (means <= high)
    error = float(np.sqrt(np.square(means - fit.curve.at(steps)).mean()))
    return Coverage(len(scores), float(inside.mean()), int(good.sum()), len(steps), error, low, high, means)


def _interval(
    centre: np.ndarray, deviation: np.ndarray, curve_deviation: np.ndarray, fitted: int, pictures: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where the mean of so many further pictures is expected, within [0, 1]."""
    from scipy import stats

    half = stats.t.ppf(1 - TAIL, fitted - 1) * np.sqrt(np.square(deviation) / pictures + np.square(curve_deviation))
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)


def fit_cost(steps: Float[np.ndarray, " s"], costs: Float[np.ndarray, "n s"], degree: int) -> list[Estimate]:
    """A polynomial in the number of steps through the median costs, with bootstrap intervals over rows.

    Medians, since other work on the machine makes a few pictures slow.

    Args:
        steps: numbers of steps, more than `degree`.
        costs: one row for each prompt and seed.
        degree: 2 as the running time of the system (authors' code of the D2SAC paper), 1 for energy (its Fig. 2).

    Returns:
        Coefficients, that of the highest power first.
    """
    found = np.polyfit(steps, np.median(costs, axis=0), degree)
    if len(costs) < 2:
        return [Estimate(float(value), np.nan, np.nan) for value in found]
    medians = np.stack([np.median(costs[rows], axis=0) for rows in _resampled(len(costs))])
    low, high = np.quantile(np.polyfit(steps, medians.T, degree), (TAIL, 1 - TAIL), axis=1)
    return [Estimate(*map(float, each)) for each in zip(found, low, high, strict=True)]


def remarks(fit: QualityFit, steps: Float[np.ndarray, " s"], scores: Float[np.ndarray, "n s"]) -> list[str]:
    """What a reader must know of a curve."""
    curve, found = fit.curve, []
    fall = scores.mean(axis=0)[0] - scores.mean(axis=0)[-1]
    if curve.end_score - curve.start_score < FLAT:
        falls = f"; it falls by {fall:.3f} between the fewest and the most steps" if fall > FLAT else ""
        found.append(f"quality does not rise with the number of steps{falls}: the curve is level")
    elif fit.intervals["end_steps"].high > steps[-1] - SHORTEST_LEVEL * (steps[-1] - steps[0]):
        found.append(f"quality may still rise at {steps[-1]:g} steps: measure more to see where it levels off")
    return found


SHORTEST_LEVEL = 0.02
"""Part of the range of steps that a level part must have to count as seen."""


def _resampled(count: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    return (rng.integers(0, count, count) for _ in range(RESAMPLES))
