"""Quality over rounds: the fit of (1) finds its constant, and honest modules keep what their rounds promise."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.plain import to_plain
from edgewise.construction.curve import Curve, epsilon_of, fit, load_curves, measure, plot_curves, shipped
from edgewise.construction.judging import curves_of
from edgewise.construction.kind import MODULES
from edgewise.construction.terms import Terms
from edgewise.drawing.style import save_figure

ROUNDS = (0, 2, 5, 10, 20, 40, 80)


def noisy(rate: float, runs: int, deviation: float, seed: int = 0) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    exact = 1 - np.exp(-rate * np.array(ROUNDS))
    return np.clip(exact + deviation * rng.standard_normal((runs, len(ROUNDS))), 0, 1).tolist()


@pytest.mark.parametrize("rate", [0.003, 0.03, 0.3])
def test_the_constant_is_found(rate: float) -> None:
    exact = fit("k", ROUNDS, noisy(rate, 2, 0))
    assert exact.rate == pytest.approx(rate, rel=1e-3)
    assert exact.r2 == pytest.approx(1)
    about = fit("k", ROUNDS, noisy(rate, 6, 0.02))
    assert about.low < about.rate < about.high
    assert about.low * 0.97 < rate < about.high * 1.03


def test_the_fit_is_the_best_of_a_fine_grid() -> None:
    curve = fit("k", ROUNDS, noisy(0.05, 4, 0.1))
    mean = np.mean(curve.qualities, axis=0)
    grid = np.geomspace(0.01, 0.2, 4001)
    wrong = [sum((q - (1 - math.exp(-a * t))) ** 2 for t, q in zip(ROUNDS, mean, strict=True)) for a in grid]
    assert curve.rate == pytest.approx(grid[int(np.argmin(wrong))], rel=2e-3)
    residual = sum(
        (q - (1 - math.exp(-curve.rate * t))) ** 2 for run in curve.qualities for t, q in zip(ROUNDS, run, strict=True)
    )
    flat = np.ravel(curve.qualities)
    assert curve.r2 == pytest.approx(1 - residual / ((flat - flat.mean()) ** 2).sum())


def test_a_constant_becomes_that_of_the_paper() -> None:
    epsilon = epsilon_of(0.05, delta=0.02, lipschitz=8.0)
    assert 2 ** (-3 * (2 - 8 * 0.02) * 0.02 * epsilon / 2) == pytest.approx(math.exp(-0.05 * 3))


@pytest.mark.parametrize(
    ("rounds", "qualities", "told"),
    [
        ((1, 2), [[0, 1], [0, 1]], "rounds"),
        ((0, 2, 2), [[0, 1, 1], [0, 1, 1]], "rounds"),
        ((0, 1), [[0, 1]], "qualities"),
        ((0, 1), [[0, 2], [0, 1]], "qualities"),
    ],
)
def test_what_is_no_curve_is_told(rounds: tuple[int, ...], qualities: list[list[float]], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        fit("k", rounds, qualities)


def test_a_promise_asks_for_less_than_the_mean_of_honest_runs() -> None:
    curve = Curve("k", (0, 10), ((0.0, 0.84), (0.0, 0.85), (0.0, 0.86)), 0.2, 0.1, 0.3, 0.9)
    assert curve.expected(5) == pytest.approx(0.425)
    runs = 6.9646 * 0.01 * math.sqrt(4 / 3)  # Student's t with 2 degrees of freedom, 99%
    sample = 2.3263 * math.sqrt(0.85 * 0.15 / 100)
    assert curve.least(10, 100) == pytest.approx(0.85 - math.sqrt(runs**2 + sample**2), abs=1e-4)
    assert curve.least(10, 1000) > curve.least(10, 100)
    assert curve.expected(50) == pytest.approx(0.85)


def test_a_curve_says_nothing_of_rounds_of_another_size() -> None:
    assert shipped(777) == {}
    assert curves_of(Terms(("action",), round_examples=777)) == {}
    own = fit("action", ROUNDS, noisy(0.05, 2, 0), examples=200)
    assert curves_of(Terms(("action",), round_examples=777, curves=(own,))) == {"action": own}
    assert curves_of(Terms(("action",)))["action"].examples == 1024


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "no JSON"),
        ("[]", "curves"),
        ('{"k": {"kind": "k"}}', "rounds"),
        (json.dumps({"k": to_plain(fit("k", ROUNDS, noisy(0.1, 2, 0))) | {"rounds": [1, 2]}}), "rounds"),
    ],
)
def test_a_file_of_curves_that_cannot_be_read_is_named(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "curves.json"
    path.write_text(content)
    with pytest.raises(EdgewiseError, match=told) as caught:
        load_curves(path)
    assert str(path) in str(caught.value)


def test_curves_that_are_shipped_rise_and_are_drawn(tmp_path: Path) -> None:
    curves = shipped()
    assert {each.kind for each in curves.values()} == set(curves) <= set(MODULES.names())
    assert len(curves) >= 4
    for curve in curves.values():
        mean = np.mean(curve.qualities, axis=0)
        assert mean[-1] > mean[len(mean) // 2] > mean[0]
        assert curve.low <= curve.rate <= curve.high
    figure, data = plot_curves(curves, 0.0255)
    save_figure(figure, tmp_path / "curves.png")
    assert set(data.kind) == set(curves)
    assert (tmp_path / "curves.png").stat().st_size > 10_000


@pytest.mark.slow
def test_an_honest_module_passes_and_half_of_the_rounds_do_not() -> None:
    servers = [(("mail",), "en"), (("post",), "de"), (("posta",), "it")]
    curve = measure("action", servers, rounds=(0, 10, 20, 40), examples=500, hidden=500)
    kind = MODULES.find("action")
    hidden = kind.draw_data(("hidden",), 500, 77, "mixed")
    weights, data = kind.initial(0), kind.draw_data(("radio",), 500, 31, "fr")
    for number in range(20):
        weights, _ = kind.train_round(weights, data, number)
    assert kind.evaluate(weights, hidden) >= curve.least(20, 500)
    assert kind.evaluate(weights, hidden) < curve.least(40, 500)
    assert curve.rate == pytest.approx(fit("action", curve.rounds, curve.qualities).rate)
