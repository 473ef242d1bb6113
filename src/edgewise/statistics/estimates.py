"""Statistics of few runs, after Agarwal et al. (2021): interquartile means with stratified bootstrap intervals.

A task is one setting; its units are what is independent in it: seeds of a learner, or episodes of a fixed policy. An interval
is a percentile bootstrap that draws units within every task (stratified).

A seed's value is its mean over episodes. So a fixed policy is compared by its mean over the same episodes: without the extreme
episodes, which every seed has, it would be another figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

Centre = Callable[..., "np.ndarray | float"]
"""Of the values of several tasks along an axis: `interquartile_mean` or `mean`."""
CONFIDENCE = 0.95
"""Probability of every interval."""
RESAMPLES = 5_000
"""Samples of a bootstrap: the ends of an interval vary by about a fiftieth of its width with the random numbers."""
FEW = 5
"""Seeds below which an interval is too narrow to be trusted."""


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95% interval; both ends are NaN where there is a single unit."""

    value: float
    low: float
    high: float

    def text(self, digits: int) -> str:
        """The figure and its interval as tables print them."""
        value, low, high = (f"{round(part, digits) + 0.0:.{digits}f}" for part in (self.value, self.low, self.high))
        return value if np.isnan(self.low) else f"{value} [{low}, {high}]"


def interquartile_mean(
    tasks: Sequence[Float[np.ndarray, "*more _"]], axis: int = -1
) -> Float[np.ndarray, "*more"] | float:
    """Mean of the middle half of all values: a quarter is cut off at each end, rounded down to whole values."""
    return stats.trim_mean(np.concatenate(tasks, axis=axis), 0.25, axis=axis)


def mean(tasks: Sequence[Float[np.ndarray, "*more _"]], axis: int = -1) -> Float[np.ndarray, "*more"] | float:
    """Mean of all values."""
    return np.concatenate(tasks, axis=axis).mean(axis=axis)


def estimate(tasks: Sequence[Float[np.ndarray, " _"]], centre: Centre = interquartile_mean) -> Estimate:
    """Interquartile mean, or another centre, of the units of all tasks, with its interval."""
    return _bootstrap(lambda *drawn, axis=-1: centre(drawn, axis), tasks)


def probability_of_improvement(
    better: Sequence[Float[np.ndarray, " _"]], than: Sequence[Float[np.ndarray, " _"]]
) -> Estimate:
    """Probability that a unit of `better` exceeds one of `than`, ties counting half, averaged over tasks; with its interval."""
    tasks = len(better)

    def statistic(*drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        pairs = zip(drawn[:tasks], drawn[tasks:], strict=True)
        shares = [_dominance(np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)) for x, y in pairs]
        return np.asarray(np.mean(shares, axis=0))

    return _bootstrap(statistic, [*better, *than])


def _dominance(x: Float[np.ndarray, "*more u"], y: Float[np.ndarray, "*more w"]) -> Float[np.ndarray, "*more"]:
    return np.asarray((np.sign(x[..., :, None] - y[..., None, :]).mean(axis=(-2, -1)) + 1) / 2)


def reduction(
    ours: Float[np.ndarray, " u"], than: Float[np.ndarray, " w"], centre: Centre = interquartile_mean
) -> Estimate:
    """Part by which the interquartile mean of `ours` is below that, or another centre, of `than`, with its interval."""

    def statistic(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(1 - interquartile_mean([x], axis) / centre([y], axis))

    return _bootstrap(statistic, [ours, than])


def gain(ours: Float[np.ndarray, " u"], than: Float[np.ndarray, " w"], centre: Centre = interquartile_mean) -> Estimate:
    """Part by which the interquartile mean of `ours` is above that, or another centre, of `than`, with its interval."""
    less = reduction(ours, than, centre)
    return Estimate(-less.value, -less.high, -less.low)


def ratio(parts: Float[np.ndarray, " u"], wholes: Float[np.ndarray, " u"]) -> Estimate:
    """Sum of `parts` over the sum of `wholes` of the same units, with its interval; NaN if there is no whole."""
    if not len(wholes) or wholes.sum() == 0:
        return Estimate(np.nan, np.nan, np.nan)

    def statistic(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(x.sum(axis=axis) / np.maximum(y.sum(axis=axis), np.finfo(float).tiny))

    return _bootstrap(statistic, [parts, wholes], paired=True)


def performance_profile(tasks: Sequence[Float[np.ndarray, " _"]], levels: Float[np.ndarray, " l"]) -> list[Estimate]:
    """Share of the units that exceed each level, averaged over tasks, with its interval (Agarwal et al., score distribution)."""

    def above(level: float) -> Estimate:
        return _bootstrap(
            lambda *drawn, axis=-1: np.mean([(values > level).mean(axis=axis) for values in drawn], axis=0), tasks
        )

    return [above(float(level)) for level in levels]


def sample_efficiency(curves: Float[np.ndarray, "u t"]) -> list[Estimate]:
    """Interquartile mean over units at every point of their learning curves, with its interval."""
    return [estimate([values]) for values in curves.T]


def caution(seeds: int) -> str:
    """What a reader must know of results from so few seeds; empty if there are enough."""
    if seeds == 1:
        return "One seed: no interval can be given, and nothing is said about other seeds."
    if seeds < FEW:
        return (
            f"Only {seeds} seeds: a bootstrap interval over so few is too narrow"
            + (", and the interquartile mean is the mean" if seeds < 4 else "")
            + ". Read differences as hints."
        )
    return ""


def _bootstrap(
    statistic: Callable[..., np.ndarray | float], samples: Sequence[np.ndarray], paired: bool = False
) -> Estimate:
    value = float(statistic(*samples))
    if any(len(sample) < 2 for sample in samples):
        return Estimate(value, np.nan, np.nan)
    if all(np.ptp(sample) == 0 for sample in samples) or (paired and np.ptp(samples[0] - value * samples[1]) == 0):
        return Estimate(value, value, value)
    interval = stats.bootstrap(
        samples, statistic, n_resamples=RESAMPLES, vectorized=True, confidence_level=CONFIDENCE, method="percentile",
        rng=np.random.default_rng(0), paired=paired,
    ).confidence_interval  # fmt: skip
    return Estimate(value, float(interval.low), float(interval.high))
