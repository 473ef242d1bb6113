"""The diffusion core against slow NumPy readings of its equations."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.common.errors import ConfigurationError
from edgewise.diffusion.chain import add_noise, clean_action, posterior_mean, squashed_mean
from edgewise.diffusion.denoiser import Denoiser, time_embedding
from edgewise.diffusion.schedule import make_schedule
from edgewise.networks.mlp import mish
from edgewise.policies.diffusion import DiffusionPolicy, consistency_loss

KEY = jax.random.key(3)
DENOISER = Denoiser(4, 3, (16, 16), 8, KEY)


def np_mish(x: np.ndarray) -> np.ndarray:
    return x * np.tanh(np.logaddexp(0, x))


def np_mlp(layers: tuple, x: np.ndarray) -> np.ndarray:
    for layer in layers[:-1]:
        x = np_mish(x @ np.asarray(layer.weight, float).T + np.asarray(layer.bias, float))
    return x @ np.asarray(layers[-1].weight, float).T + np.asarray(layers[-1].bias, float)


def np_denoise(net: Denoiser, noisy: np.ndarray, step: int, observation: np.ndarray) -> np.ndarray:
    half = net.embedding // 2
    angle = step * np.exp(-np.log(10_000) * np.arange(half) / (half - 1))
    time = np_mlp(net.time.layers, np.concatenate([np.sin(angle), np.cos(angle)]))
    weight = np.concatenate([np.asarray(net.observation.weight), np.asarray(net.action.weight)], axis=1)
    first = np.concatenate([observation, noisy], axis=-1) @ weight.T + np.asarray(net.observation.bias) + time
    return np_mlp(net.body.layers, np_mish(first))


def test_vp_schedule_has_the_published_values() -> None:
    schedule = make_schedule("vp", 5)
    np.testing.assert_allclose(schedule.beta, [0.19588, 0.45882, 0.63578, 0.75488, 0.83503], atol=1e-5)
    np.testing.assert_allclose(schedule.alpha_bar[-1], 6.41e-3, rtol=1e-3)


@pytest.mark.parametrize("name", ["vp", "linear", "cosine"])
@pytest.mark.parametrize("steps", [1, 2, 5, 20])
def test_schedules_are_consistent(name: str, steps: int) -> None:
    schedule = make_schedule(name, steps)
    beta = np.asarray(schedule.beta, float)
    assert schedule.steps == steps
    assert ((beta > 0) & (beta < 1)).all()
    np.testing.assert_allclose(schedule.alpha_bar, np.cumprod(1 - beta), rtol=1e-3)
    before = np.concatenate([[1.0], np.cumprod(1 - beta)[:-1]])
    variance = (1 - before) / (1 - before * (1 - beta)) * beta
    np.testing.assert_allclose(schedule.posterior_variance, variance, rtol=2e-3, atol=1e-6)
    assert schedule.posterior_variance[0] == 0


def test_bad_schedules_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="denoising_steps = 0"):
        make_schedule("vp", 0)


@pytest.mark.parametrize("step", [1, 2, 5])
def test_posterior_is_bayes_rule(step: int) -> None:
    """The density of x_{k-1} given x_k and x_0 is q(x_k | x_{k-1}) q(x_{k-1} | x_0), normalised on a fine grid."""
    schedule = make_schedule("vp", 5)
    beta, level = float(schedule.beta[step - 1]), float(schedule.alpha_bar[step - 1])
    before = level / (1 - beta)
    clean, noisy = 0.6, -0.3
    mean = float(posterior_mean(schedule, jnp.array([noisy]), step, jnp.array([clean]))[0])
    if step == 1:
        assert mean == pytest.approx(clean, abs=1e-6)
        return
    grid = np.linspace(-8, 8, 400_001)
    log_density = -((noisy - np.sqrt(1 - beta) * grid) ** 2) / (2 * beta) - (grid - np.sqrt(before) * clean) ** 2 / (
        2 * (1 - before)
    )
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    expected = (grid * density).sum()
    assert mean == pytest.approx(expected, abs=1e-5)
    assert float(schedule.posterior_variance[step - 1]) == pytest.approx(
        ((grid - expected) ** 2 * density).sum(), abs=1e-5
    )


def oracle_chain(squash: bool, samples: int = 4000) -> np.ndarray:
    """Run the chain with a noise predictor that knows the target 0.8."""
    schedule, target = make_schedule("vp", 5), 0.8
    noise = jax.random.normal(KEY, (6, samples, 1))
    x = noise[5]
    for k in range(5, 0, -1):
        level = schedule.alpha_bar[k - 1]
        predicted = (x - jnp.sqrt(level) * target) / jnp.sqrt(1 - level)
        if squash:
            mean = squashed_mean(schedule, x, k, predicted)
        else:
            mean = posterior_mean(schedule, x, k, clean_action(schedule, x, k, predicted))
        x = mean + jnp.sqrt(schedule.posterior_variance[k - 1]) * noise[k - 1]
    return np.asarray(jnp.clip(x, -1, 1))


def test_clean_chain_reaches_the_oracles_target_and_the_printed_one_does_not() -> None:
    np.testing.assert_allclose(oracle_chain(squash=False), 0.8, atol=1e-5)
    rms = np.sqrt(((oracle_chain(squash=True) - 0.8) ** 2).mean())
    assert rms == pytest.approx(0.80, abs=0.05)


def test_denoiser_is_one_network_on_the_joined_input() -> None:
    draw = np.random.default_rng(0)
    noisy, observation = draw.normal(size=(7, 3)), draw.normal(size=(7, 4))
    for step in (1, 4):
        ours = DENOISER(jnp.asarray(noisy, float), jnp.asarray(step), jnp.asarray(observation, float))
        np.testing.assert_allclose(ours, np_denoise(DENOISER, noisy, step, observation), rtol=2e-4, atol=2e-5)


def test_mish_and_its_gradient() -> None:
    x = np.linspace(-100, 100, 401)
    np.testing.assert_allclose(mish(jnp.asarray(x, float)), np_mish(x), rtol=1e-5, atol=1e-6)
    gradient = jax.vmap(jax.grad(mish))(jnp.asarray(x, float))
    assert np.isfinite(np.asarray(gradient)).all()
    numeric = (np_mish(x + 1e-4) - np_mish(x - 1e-4)) / 2e-4
    np.testing.assert_allclose(gradient, numeric, atol=1e-3)


def test_time_embedding_is_sinusoidal() -> None:
    embedding = np.asarray(time_embedding(jnp.array([1, 2]), 8))
    assert embedding.shape == (2, 8)
    np.testing.assert_allclose(embedding[:, 0], np.sin([1, 2]), rtol=1e-6)
    np.testing.assert_allclose(embedding[:, 4], np.cos([1, 2]), rtol=1e-6)


@pytest.mark.parametrize("squash", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_policy_is_the_slow_chain(squash: bool, steps: int) -> None:
    schedule = make_schedule("vp", steps)
    policy = DiffusionPolicy(DENOISER, schedule, squash)
    observation = np.random.default_rng(1).normal(size=(6, 4))
    noise = np.asarray(jax.random.normal(KEY, (steps, 6, 3)), float)
    beta = np.asarray(schedule.beta, float)
    level = np.cumprod(1 - beta)
    x = noise[-1]
    for k in range(steps, 0, -1):
        b, a = beta[k - 1], level[k - 1]
        before = 1.0 if k == 1 else level[k - 2]
        predicted = np_denoise(DENOISER, x, k, observation)
        if squash:
            mean = (x - b * np.tanh(predicted) / np.sqrt(1 - a)) / np.sqrt(1 - b)
        else:
            guess = np.clip((x - np.sqrt(1 - a) * predicted) / np.sqrt(a), -1, 1)
            mean = np.sqrt(before) * b / (1 - a) * guess + np.sqrt(1 - b) * (1 - before) / (1 - a) * x
        x = mean if k == 1 else mean + np.sqrt((1 - before) / (1 - a) * b) * noise[k - 2]
    ours = policy(jnp.asarray(observation, float), KEY)
    np.testing.assert_allclose(ours, np.clip(x, -1, 1), rtol=1e-3, atol=1e-4)


def test_policy_without_a_key_is_deterministic() -> None:
    policy = DiffusionPolicy(DENOISER, make_schedule("vp", 5), False)
    observation = jax.random.normal(KEY, (5, 4))
    np.testing.assert_array_equal(policy(observation, None), policy(observation, None))
    assert not np.array_equal(policy(observation, KEY), policy(observation, jax.random.key(4)))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4), st.integers(0, 100))
def test_actions_stay_in_the_box(observation: list[float], seed: int) -> None:
    for squash in (False, True):
        policy = DiffusionPolicy(DENOISER, make_schedule("vp", 3), squash)
        action = np.asarray(policy(jnp.asarray(observation, float), jax.random.key(seed)))
        assert (np.abs(action) <= 1).all()


def test_gradients_pass_through_the_chain() -> None:
    def objective(denoiser: Denoiser) -> jax.Array:
        return DiffusionPolicy(denoiser, make_schedule("vp", 5), False)(jnp.ones(4), KEY).sum()

    gradient = jax.grad(objective)(Denoiser(4, 3, (16, 16), 8, jax.random.key(8)))
    assert all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(gradient))
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(gradient)) > 0


def test_consistency_loss_is_the_mean_over_components() -> None:
    schedule = make_schedule("vp", 5)
    policy = DiffusionPolicy(DENOISER, schedule, False)
    draw = np.random.default_rng(2)
    observation, action = draw.normal(size=(9, 4)), draw.uniform(-1, 1, (9, 3))
    step_key, noise_key = jax.random.split(KEY)
    step = np.asarray(jax.random.randint(step_key, (9,), 1, 6))
    noise = np.asarray(jax.random.normal(noise_key, (9, 3)), float)
    expected = []
    for i in range(9):
        level = float(schedule.alpha_bar[step[i] - 1])
        noisy = np.sqrt(level) * action[i] + np.sqrt(1 - level) * noise[i]
        expected.append(((np_denoise(DENOISER, noisy, step[i], observation[i]) - noise[i]) ** 2).mean())
    ours = consistency_loss(policy, jnp.asarray(observation, float), jnp.asarray(action, float), KEY)
    np.testing.assert_allclose(ours, expected, rtol=1e-3)
    np.testing.assert_allclose(
        add_noise(schedule, jnp.ones((1, 2)), jnp.array([5]), jnp.zeros((1, 2))),
        np.sqrt(schedule.alpha_bar[4]) * np.ones((1, 2)),
    )
