"""Structured pruning against a slow NumPy reading of (57)-(58), and compaction: smaller, with equal outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.diffusion.chain import noise_mean
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.pruning import compact, importance, kept_rows, prune
from edgewise.diffusion.schedule import make_schedule
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.squashed_diffusion import SquashedDiffusionPolicy

OBS, A, B = 5, 3, 7
HIDDEN = (12, 10, 8)
KEY = jax.random.key(3)
DENOISER = Denoiser(OBS, A, HIDDEN, 8, KEY)
OBSERVATION = jax.random.normal(KEY, (B, OBS))


def rows_of(layer: Any) -> list[np.ndarray]:
    return [np.asarray(leaf, float) for leaf in jax.tree.leaves(layer)]


def np_importance(denoiser: Denoiser) -> list[list[float]]:
    first = [
        np.asarray(part.weight, float) for part in (denoiser.observation, denoiser.action, denoiser.time.layers[-1])
    ]
    matrices = [first, *([np.asarray(layer.weight, float)] for layer in denoiser.body.layers[:-1])]
    return [
        [sum(float(w) ** 2 for matrix in group for w in matrix[i]) ** 0.5 for i in range(len(group[0]))]
        for group in matrices
    ]


def test_importance_is_the_norm_of_a_row() -> None:
    for ours, theirs in zip(importance(DENOISER), np_importance(DENOISER), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("rate", [0.3, 0.99])
def test_the_least_important_rows_go(rate: float) -> None:
    pruned = eqx.filter_jit(prune)(DENOISER, rate)
    kept = kept_rows(DENOISER, rate)
    groups = [(0, "observation"), (0, "action")]
    for place, norms in enumerate(np_importance(DENOISER)):
        width = len(norms)
        gone = sorted(range(width), key=lambda i, norms=norms: norms[i])[: min(int(rate * width), width - 1)]
        layers = [(getattr(DENOISER, name), getattr(pruned, name)) for index, name in groups if index == place]
        if place == 0:
            layers.append((DENOISER.time.layers[-1], pruned.time.layers[-1]))
        else:
            layers.append((DENOISER.body.layers[place - 1], pruned.body.layers[place - 1]))
        for before, after in layers:
            for old, new in zip(rows_of(before), rows_of(after), strict=True):
                expected = old.copy()
                expected[gone] = 0
                np.testing.assert_array_equal(new, expected)
        assert sorted(set(range(width)) - set(gone)) == kept[place].tolist()
    for old, new in zip(rows_of(DENOISER.body.layers[-1]), rows_of(pruned.body.layers[-1]), strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("rate", [0.5, 0.7, 0.99])
def test_the_compact_network_gives_the_same(rate: float) -> None:
    noisy, step = jax.random.normal(jax.random.key(1), (B, A)), jnp.arange(B) % 5 + 1
    pruned, small = eqx.filter_jit(prune)(DENOISER, rate), eqx.filter_jit(compact)(DENOISER, rate)
    predict = eqx.filter_jit(lambda denoiser: denoiser(noisy, step, OBSERVATION))
    np.testing.assert_allclose(predict(small), predict(pruned), atol=1e-6)
    widths = [max(width - int(rate * width), 1) for width in HIDDEN]
    assert small.architecture == {**DENOISER.architecture, "hidden": widths}
    assert jax.tree.structure(small) == jax.tree.structure(Denoiser.blank(small.architecture))


def test_compaction_of_several_learners_at_once() -> None:
    other = jax.tree.map(lambda leaf: -leaf[::-1], DENOISER)
    denoisers = jax.tree.map(lambda *leaves: jnp.stack(leaves), DENOISER, other)
    together = eqx.filter_jit(eqx.filter_vmap(lambda d: compact(d, 0.5)))(denoisers)
    for i, one in enumerate((DENOISER, other)):
        alone = eqx.filter_jit(compact)(one, 0.5)
        for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(together), strict=True):
            np.testing.assert_array_equal(a, b[i])


@pytest.mark.parametrize(
    ("predicts", "chain_noise", "last_noise"), [("noise", "posterior", True), ("clean", "forward", False)]
)
def test_a_compact_policy_is_saved_and_acts_the_same(
    predicts: Any, chain_noise: Any, last_noise: bool, tmp_path: Path
) -> None:
    deviation = jnp.log(jnp.array([0.1, 0.2, 0.4])) if last_noise else None
    schedule = make_schedule("vp", 4)
    whole, small = (
        SquashedDiffusionPolicy(denoiser, schedule, deviation, predicts, chain_noise)
        for denoiser in (eqx.filter_jit(prune)(DENOISER, 0.5), eqx.filter_jit(compact)(DENOISER, 0.5))
    )
    save_policy(tmp_path, PolicyArtefact(small, "dynamic-contract", {}, "edmsac", 1))
    loaded = load_policy(tmp_path).policy
    for key in (None, KEY):
        np.testing.assert_array_equal(loaded(OBSERVATION, key), small(OBSERVATION, key))
        np.testing.assert_allclose(small(OBSERVATION, key), whole(OBSERVATION, key), atol=1e-6)


def np_chain(denoiser: Denoiser, predicts: str, variance: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """(53), (54) step by step; with "clean" the posterior mean by Bayes' rule."""
    schedule = make_schedule("vp", len(variance))
    beta = np.asarray(schedule.beta, float)
    level = np.cumprod(1 - beta)
    x = noise[-1]
    for m in range(len(beta), 0, -1):
        out = np.asarray(denoiser(jnp.asarray(x, jnp.float32), jnp.asarray(m), OBSERVATION), float)
        b, bar, before = beta[m - 1], level[m - 1], level[m - 2] if m > 1 else 1.0
        if predicts == "noise":
            x = x / np.sqrt(1 - b) - b / np.sqrt((1 - b) * (1 - bar)) * out
        else:
            x = (np.sqrt(before) * b * out + np.sqrt(1 - b) * (1 - before) * x) / (1 - bar)
        if m > 1:
            x = x + np.sqrt(variance[m - 1]) * noise[m - 2]
    return x


@pytest.mark.parametrize(("predicts", "chain_noise"), [("noise", "forward"), ("clean", "posterior")])
def test_the_reverse_chain(predicts: Any, chain_noise: Any) -> None:
    schedule = make_schedule("vp", 4)
    policy = SquashedDiffusionPolicy(DENOISER, schedule, None, predicts, chain_noise)
    variance = schedule.beta if chain_noise == "forward" else schedule.posterior_variance
    noise = np.asarray(jax.random.normal(KEY, (4, B, A)), float)
    expected = np_chain(DENOISER, predicts, np.asarray(variance, float), noise)
    np.testing.assert_allclose(policy.centre(OBSERVATION, KEY), expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(policy(OBSERVATION, KEY), np.tanh(expected), rtol=1e-3, atol=1e-4)


def test_noise_mean_and_posterior_mean_are_one_step_in_two_ways() -> None:
    """The noise that leads from x_0 to x_m, put into (53), gives the posterior mean of x_0."""
    schedule = make_schedule("vp", 4)
    clean, noise = jax.random.normal(KEY, (2, B, A))
    for m in range(1, 5):
        level = schedule.alpha_bar[m - 1]
        noisy = jnp.sqrt(level) * clean + jnp.sqrt(1 - level) * noise
        mean = noise_mean(schedule, noisy, m, noise)
        if m == 1:
            np.testing.assert_allclose(mean, clean, atol=1e-5)
        before = level / schedule.alpha[m - 1]
        expected = jnp.sqrt(before) * schedule.beta[m - 1] * clean
        expected += jnp.sqrt(schedule.alpha[m - 1]) * (1 - before) * noisy
        np.testing.assert_allclose(mean, expected / (1 - level), rtol=1e-3, atol=1e-5)
