"""What policies did over episodes, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise.statistics.estimates import Centre, Estimate, estimate, interquartile_mean, mean


def of_seeds(means: Sequence[float]) -> float:
    """What stands for a learner, of the mean over episodes of each of its seeds: `Judgement.value`."""
    return float((interquartile_mean if len(means) > 1 else mean)([np.asarray(means, float)]))


@dataclass(frozen=True)
class Judgement:
    """What a policy, or several seeds of a learner, did over a set of episodes.

    Attributes:
        name: the name of the policy.
        values: metric to array [seeds, episodes].
        reference: whether it is a reference policy.
    """

    name: str
    values: dict[str, np.ndarray]
    reference: bool = False

    @property
    def _shape(self) -> tuple[int, int]:
        seeds, episodes = next(iter(self.values.values())).shape
        return seeds, episodes

    @property
    def source(self) -> str:
        """Over what the interval is taken: training seeds when there are several, else episodes."""
        seeds, episodes = self._shape
        return f"{seeds} seeds" if seeds > 1 else f"{episodes} episodes"

    @property
    def centre(self) -> Centre:
        """What stands for the units: the interquartile mean of several seeds, the mean of the episodes of one policy."""
        seeds, _ = next(iter(self.values.values())).shape
        return interquartile_mean if seeds > 1 else mean

    def units(self, metric: str) -> np.ndarray:
        """The independent values: each seed's mean over episodes when there are several seeds, else the episodes."""
        values = np.asarray(self.values[metric], float)
        return values.mean(1) if values.shape[0] > 1 else values[0]

    def estimate(self, metric: str) -> Estimate:
        """Centre of the units with its 95% interval, as experiments have it."""
        return estimate([self.units(metric)], self.centre)

    def value(self, metric: str) -> float:
        """Centre of the units."""
        return float(self.centre([self.units(metric)]))

    def mean(self, metric: str) -> float:
        """Mean over seeds and episodes: of parts, it adds up."""
        return float(np.asarray(self.values[metric], float).mean())

    def plain(self) -> dict[str, Any]:
        """Plain values for JSON: centre, its interval and the mean of every metric."""
        seeds, episodes = self._shape
        return {
            "policy": self.name,
            "reference": self.reference,
            "seeds": seeds,
            "episodes": episodes,
            "centre": "interquartile mean over seeds" if seeds > 1 else "mean over episodes",
            "metrics": {metric: self._plain(metric) for metric in self.values},
        }

    def _plain(self, metric: str) -> dict[str, Any]:
        e = self.estimate(metric)
        return {"value": e.value, "interval": [e.low, e.high], "mean": self.mean(metric)}
