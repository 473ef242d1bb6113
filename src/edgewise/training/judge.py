"""Judging policies on the same episodes, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
from scipy import stats

from edgewise.environments.base import Environment
from edgewise.environments.entry import Entry
from edgewise.policies import load_policy
from edgewise.training.evaluation import LearnedPolicy, evaluate
from edgewise.training.run import RunConfig

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


def judge_policies(
    config: RunConfig,
    folder: Path,
    environment: Environment[Any],
    which: str,
    episodes: int,
    seed: int,
    stochastic: bool = False,
) -> Judgement:
    """Play every seed's saved policy of a run.

    Args:
        config: of the run.
        folder: of the run.
        environment: to play in.
        which: "best" or "last".
        episodes: how many.
        seed: their randomness.
        stochastic: sample actions.
    """
    play = eqx.filter_jit(lambda environment, policy, key: evaluate(environment, policy, key, episodes))
    results = [
        play(
            environment,
            LearnedPolicy(load_policy(folder / "policy" / which / f"seed-{i}").policy, stochastic),
            jax.random.key(seed),
        )
        for i in range(config.training.seeds)
    ]
    return Judgement(config.algorithm, {name: np.stack([np.asarray(r[name]) for r in results]) for name in results[0]})


def judge_references(
    entry: Entry, environment: Environment[Any], names: Sequence[str], episodes: int, seed: int
) -> list[Judgement]:
    """Play reference policies on the episodes of the given seed."""
    judgements = []
    for name, policy in entry.references(environment, names).items():
        play = eqx.filter_jit(lambda environment, key, policy=policy: evaluate(environment, policy, key, episodes))
        result = play(environment, jax.random.key(seed))
        values = {metric: np.asarray(value)[None] for metric, value in result.items()}
        judgements.append(Judgement(name, values, reference=True))
    return judgements
