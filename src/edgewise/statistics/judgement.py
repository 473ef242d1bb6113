"""What policies did over episodes, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 10_000


@dataclass(frozen=True)
class Judgement:
    """What a policy, or several seeds of a learner, did over a set of episodes.

    Attributes:
        name: of the policy.
        values: metric to array [seeds, episodes].
        reference: whether it is a reference policy.
    """

    name: str
    values: dict[str, np.ndarray]
    reference: bool = False

    @property
    def source(self) -> str:
        """Over what the interval is taken: training seeds when there are several, else episodes."""
        seeds, episodes = self.values["return"].shape
        return f"{seeds} seeds" if seeds > 1 else f"{episodes} episodes"

    def units(self, metric: str) -> np.ndarray:
        """The independent values behind the mean: one per seed when there are several, else one per episode."""
        values = self.values[metric]
        return values.mean(1) if values.shape[0] > 1 else values[0]

    def mean(self, metric: str) -> float:
        """Mean over seeds and episodes."""
        return float(self.values[metric].mean())

    def interval(self, metric: str) -> tuple[float, float]:
        """Bootstrap interval of the mean (BCa, 95%) over `units`; a point where they do not vary."""
        units = self.units(metric)
        if np.ptp(units) == 0:
            return float(units[0]), float(units[0])
        result = stats.bootstrap(
            (units,), np.mean, confidence_level=CONFIDENCE, n_resamples=RESAMPLES, rng=np.random.default_rng(0)
        )
        return float(result.confidence_interval.low), float(result.confidence_interval.high)

    def plain(self) -> dict[str, Any]:
        """For JSON: mean and interval of every metric."""
        metrics = {m: {"mean": self.mean(m), "interval": list(self.interval(m))} for m in self.values}
        seeds, episodes = self.values["return"].shape
        return {"policy": self.name, "seeds": seeds, "episodes": episodes, "metrics": metrics}
