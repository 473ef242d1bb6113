"""Statistics of few runs, against plain NumPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from edgewise.experiments.cell import CellResult, Learned, Reference
from edgewise.experiments.profile import Profile
from edgewise.experiments.results import Outcome
from edgewise.experiments.setting import Learner, Setting
from edgewise.statistics.estimates import (
    Estimate,
    caution,
    estimate,
    interquartile_mean,
    mean,
    performance_profile,
    probability_of_improvement,
    reduction,
    sample_efficiency,
)
from edgewise.statistics.judgement import Judgement

DRAW = np.random.default_rng(5)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 11, 40])
def test_interquartile_mean_is_that_of_the_middle_half(count: int) -> None:
    values = DRAW.normal(size=count)
    cut = count // 4
    assert interquartile_mean([values]) == pytest.approx(np.sort(values)[cut : count - cut].mean())


def test_interquartile_mean_ignores_outliers_and_joins_tasks() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1e9, -1e9])
    assert interquartile_mean([values]) == pytest.approx(3.5)
    assert interquartile_mean([values[:3], values[3:]]) == interquartile_mean([values])


def test_interval_contains_the_value_and_narrows_with_more_units() -> None:
    few, many = (estimate([DRAW.normal(10.0, 2.0, size=count)]) for count in (8, 200))
    for e in (few, many):
        assert e.low < e.value < e.high
    assert many.high - many.low < few.high - few.low
    assert many.low < 10 < many.high


def test_interval_is_the_percentile_bootstrap() -> None:
    values = DRAW.gamma(2.0, size=20)
    drawn = np.sort(np.random.default_rng(1).choice(values, (20_000, 20)), axis=1)[:, 5:15].mean(axis=1)
    e = estimate([values])
    assert [e.low, e.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.05 * values.std())


def test_the_centre_may_be_the_mean() -> None:
    values, few = DRAW.gamma(2.0, size=30), np.full(4, 1.0)
    drawn = np.random.default_rng(1).choice(values, (20_000, 30)).mean(axis=1)
    e = estimate([values], mean)
    assert e.value == pytest.approx(values.mean())
    assert [e.low, e.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.05 * values.std())
    part = reduction(few, values, mean)
    assert part.value == pytest.approx(1 - 1 / values.mean())
    assert part.value != pytest.approx(reduction(few, values).value, abs=1e-3)


def test_units_are_drawn_within_tasks() -> None:
    """Two tasks without spread leave nothing to chance, however far apart they are."""
    e = estimate([np.full(6, 1.0), np.full(6, 9.0)])
    assert (e.low, e.value, e.high) == pytest.approx((5.0, 5.0, 5.0))


def test_a_single_unit_allows_no_interval() -> None:
    e = estimate([np.array([4.0])])
    assert e.value == 4
    assert np.isnan([e.low, e.high]).all()
    assert e.text(1) == "4.0"
    assert Estimate(1.234, 1.0, 2.0).text(1) == "1.2 [1.0, 2.0]"


def test_equal_units_give_a_point() -> None:
    e = estimate([np.full(3, 7.0)])
    assert (e.low, e.value, e.high) == (7, 7, 7)


def test_probability_of_improvement_counts_pairs() -> None:
    better = [DRAW.integers(0, 6, size=7).astype(float), DRAW.normal(1.0, 1.0, size=5)]
    than = [DRAW.integers(0, 6, size=4).astype(float), DRAW.normal(size=9)]
    share = [np.mean([(x > y) + 0.5 * (x == y) for x in xs for y in ys]) for xs, ys in zip(better, than, strict=True)]
    e = probability_of_improvement(better, than)
    assert e.value == pytest.approx(np.mean(share))
    assert 0 <= e.low < e.value < e.high <= 1
    assert probability_of_improvement(than, better).value == pytest.approx(1 - e.value)


def test_sample_efficiency_estimates_every_point() -> None:
    curves = DRAW.normal(size=(6, 3))
    found = sample_efficiency(curves)
    assert [e.value for e in found] == pytest.approx([interquartile_mean([column]) for column in curves.T])


def test_few_seeds_are_said() -> None:
    assert "One seed" in caution(1)
    assert "Only 3 seeds" in caution(3)
    assert "is the mean" in caution(3)
    assert "is the mean" not in caution(4)
    assert caution(5) == ""


def test_performance_profile_is_the_share_above_each_level_averaged_over_tasks() -> None:
    tasks = [np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 6.0])]
    profile = performance_profile(tasks, np.array([0.0, 2.0, 5.0, 6.0]))
    assert [e.value for e in profile] == pytest.approx([1.0, (0.5 + 0.5) / 2, (0.0 + 0.5) / 2, 0.0])
    assert all(e.low <= e.value <= e.high for e in profile)
    assert (profile[1].low, profile[1].high) != (profile[1].value, profile[1].value)


class TestTwoDoors:
    """The same episodes through `edgewise evaluate` and through an experiment."""

    @pytest.mark.parametrize("seeds", [2, 3, 7, 10])
    def test_a_learner(self, seeds: int) -> None:
        values = DRAW.gamma(2.0, size=(seeds, 6))
        assert vars(figures_of_experiment(values, learned=True)) == pytest.approx(vars(figures_of_command(values)))

    def test_a_policy_that_was_not_trained(self) -> None:
        values = DRAW.gamma(2.0, size=(1, 20))
        assert vars(figures_of_experiment(values, learned=False)) == pytest.approx(vars(figures_of_command(values)))

    def test_a_bound_is_judged_in_its_one_metric(self) -> None:
        values = DRAW.normal(size=(1, 4))
        assert Judgement("bound", {"latency": values}).value("latency") == pytest.approx(values.mean())

    def test_the_centre_is_told(self) -> None:
        several, one = (Judgement("x", {"return": DRAW.normal(size=(n, 4))}).plain() for n in (8, 1))
        assert several["centre"] == "interquartile mean over seeds"
        assert several["metrics"]["return"]["value"] != pytest.approx(several["metrics"]["return"]["mean"])
        assert one["centre"] == "mean over episodes"
        assert one["metrics"]["return"]["value"] == pytest.approx(one["metrics"]["return"]["mean"])


def figures_of_command(values: np.ndarray) -> Estimate:
    return Judgement("x", {"return": values}).estimate("return")


def figures_of_experiment(values: np.ndarray, learned: bool) -> Estimate:
    seeds, episodes = values.shape
    index = {"seed": np.repeat(np.arange(seeds), episodes), "episode": np.tile(np.arange(episodes), seeds)}
    result = CellResult(pd.DataFrame(index | {"return": values.ravel()}), pd.DataFrame(), "code")
    setting = Setting("x", "cartpole")
    profile = Profile("tiny", steps=100_000, seeds=seeds, evaluations=1, episodes=episodes)
    player = Learned(Learner("x", "dqn").run(setting, profile)) if learned else Reference("random")
    return Outcome(setting, "x", player, result).estimate("return")
