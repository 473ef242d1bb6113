"""D2SAC and discrete SAC: chain, targets, losses and updates against slow NumPy readings, and what the switches do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.base import Transition
from edgewise.algorithms.categorical_actor_critic import (
    CategoricalActorCritic,
    CategoricalActorCriticConfig,
    CategoricalActorCriticState,
    critic_objective,
)
from edgewise.algorithms.d2sac import D2SAC, D2SACConfig
from edgewise.algorithms.discrete_sac import DiscreteSAC, DiscreteSACConfig
from edgewise.common.errors import ConfigurationError
from edgewise.environments.spaces import Box, Discrete, Spaces
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.categorical_diffusion import CategoricalDiffusionPolicy

OBS, A, B = 6, 4, 8
SPACES = Spaces(Box(np.zeros(OBS, np.float32), np.full(OBS, 3, np.float32)), Discrete(A))
MASKED = Spaces(SPACES.observation, SPACES.action, action_mask=True)
SIZES = {"hidden": (16, 16), "batch_size": B}
D2SAC_CONFIG = D2SACConfig(**SIZES, time_embedding=8, denoising_steps=4)
SAC_CONFIG = DiscreteSACConfig(**SIZES)
KEY = jax.random.key(5)
Configs = D2SACConfig | DiscreteSACConfig


def make(
    config: Configs, spaces: Spaces = SPACES
) -> tuple[CategoricalActorCritic, CategoricalActorCriticState, Transition]:
    learner = D2SAC if isinstance(config, D2SACConfig) else DiscreteSAC
    algorithm = learner(config, spaces, 1000)
    keys = jax.random.split(KEY, 5)
    batch = Transition(
        jax.random.uniform(keys[0], (B, OBS), maxval=3),
        jax.random.randint(keys[1], (B,), 0, A),
        3 * jax.random.normal(keys[2], (B,)),
        jnp.array([0.8] * (B - 1) + [0.0]),
        jax.random.uniform(keys[3], (B, OBS), maxval=3),
    )
    return algorithm, algorithm.init(keys[4]), batch


def np_layers(x: np.ndarray, layers: tuple[eqx.nn.Linear, ...]) -> np.ndarray:
    for i, layer in enumerate(layers):
        x = x @ np.asarray(layer.weight, float).T + np.asarray(layer.bias, float)
        if i < len(layers) - 1:
            x = x * np.tanh(np.logaddexp(0, x))
    return x


def np_values(critic: object, observation: np.ndarray) -> np.ndarray:
    return np.stack([np_layers(np.asarray(observation, float), network.layers) for network in critic.networks])


def np_softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def np_reverse_chain(
    policy: CategoricalDiffusionPolicy, observation: np.ndarray, noise: np.ndarray
) -> list[np.ndarray]:
    """Softmax of x_K, ..., x_0, one sample after the other; `noise` [K, b, a] holds x_K last, then what enters x_{k-1}."""
    net, steps = policy.denoiser, policy.schedule.steps
    beta = [1 - np.exp(-0.1 / steps - 0.5 * 9.9 * (2 * k - 1) / steps**2) for k in range(1, steps + 1)]
    alpha = 1 - np.array(beta)
    chain = np.zeros((steps + 1, *noise.shape[1:]))
    for i, o in enumerate(np.asarray(observation, float)):
        x = noise[-1, i].astype(float)
        chain[0, i] = x
        for k in range(steps, 0, -1):
            level, before = np.prod(alpha[:k]), np.prod(alpha[: k - 1])
            half = net.embedding // 2
            angle = k * np.exp(-np.log(10_000) * np.arange(half) / (half - 1))
            first = net.observation.weight @ o + net.observation.bias + net.action.weight @ x
            first = np.asarray(
                first + np_layers(np.concatenate([np.sin(angle), np.cos(angle)]), net.time.layers), float
            )
            out = np_layers(first * np.tanh(np.logaddexp(0, first)), net.body.layers)
            if policy.predicts == "noise":
                mean = (x - beta[k - 1] / np.sqrt(1 - level) * np.tanh(out)) / np.sqrt(alpha[k - 1])
            else:
                mean = (np.sqrt(before) * beta[k - 1] * out + np.sqrt(alpha[k - 1]) * (1 - before) * x) / (1 - level)
            x = mean
            if k > 1:
                x = x + np.sqrt((1 - before) / (1 - level) * beta[k - 1]) * noise[k - 2, i]
            chain[steps - k + 1, i] = x
    return [np_softmax(x) for x in chain]


@pytest.mark.parametrize("predicts", ["noise", "clean"])
def test_reverse_chain(predicts: str) -> None:
    algorithm, state, batch = make(replace(D2SAC_CONFIG, predicts=predicts))
    policy = algorithm.policy(state)
    noise = np.asarray(jax.random.normal(KEY, (4, B, A)))
    expected = np_reverse_chain(policy, np.asarray(batch.observation), noise)
    np.testing.assert_allclose(policy.distributions(batch.observation, KEY), expected, rtol=2e-4, atol=1e-6)
    quiet = np_reverse_chain(policy, np.asarray(batch.observation), np.zeros_like(noise))
    np.testing.assert_array_equal(policy(batch.observation, None), quiet[-1].argmax(-1))
    assert policy.distributions(batch.observation[0], None).shape == (5, A)


@pytest.mark.parametrize("config", [D2SAC_CONFIG, SAC_CONFIG, replace(D2SAC_CONFIG, soft_target=True)])
def test_value_target(config: Configs) -> None:
    algorithm, state, batch = make(config)
    other = algorithm.init(jax.random.key(99))
    state = eqx.tree_at(lambda s: (s.target_actor, s.target_critic), state, (other.actor, other.critic))
    log_probability = np.asarray(algorithm.log_probabilities(other.actor, batch.next_observation, KEY))
    value = np_values(other.critic, np.asarray(batch.next_observation)).min(0)
    if config.soft_target:
        value = value - config.temperature * log_probability
    expected = [
        float(batch.reward[i]) + float(batch.discount[i]) * sum(np.exp(log_probability[i]) * value[i]) for i in range(B)
    ]
    np.testing.assert_allclose(algorithm.value_target(state, batch, KEY), expected, rtol=1e-4)


@pytest.mark.parametrize("huber", [None, 1.0])
def test_critic_objective(huber: float | None) -> None:
    _, state, batch = make(SAC_CONFIG)
    goal = np.asarray(batch.reward)
    total = 0.0
    for values in np_values(state.critic, np.asarray(batch.observation)):
        for i, a in enumerate(np.asarray(batch.action)):
            error = abs(values[i, a] - goal[i])
            total += error**2 if huber is None or error < huber else 2 * huber * (error - huber / 2)
    loss = critic_objective(state.critic, batch, jnp.asarray(goal), huber)
    np.testing.assert_allclose(loss, total / B, rtol=1e-5)


@pytest.mark.parametrize("config", [D2SAC_CONFIG, SAC_CONFIG])
def test_actor_objective(config: Configs) -> None:
    algorithm, state, batch = make(config)
    loss, (value, entropy) = algorithm.actor_objective(
        state.actor, state.critic, jnp.asarray(0.3), batch.observation, KEY
    )
    probability = np.exp(np.asarray(algorithm.log_probabilities(state.actor, batch.observation, KEY), float))
    expected_value = (probability * np_values(state.critic, np.asarray(batch.observation)).min(0)).sum(-1).mean()
    expected_entropy = -(probability * np.log(probability)).sum(-1).mean()
    np.testing.assert_allclose([value, entropy], [expected_value, expected_entropy], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(loss, -expected_value - 0.3 * expected_entropy, rtol=1e-4)


@pytest.mark.parametrize("config", [D2SAC_CONFIG, SAC_CONFIG])
def test_update_moves_targets_slowly_and_improves_the_fit(config: Configs) -> None:
    algorithm, state, batch = make(replace(config, critic_rate=3e-3))
    goal = algorithm.value_target(state, batch, KEY)
    before = critic_objective(state.critic, batch, goal, None)
    after = state
    for key in jax.random.split(KEY, 30):
        after, metrics = eqx.filter_jit(algorithm.update)(after, batch, key)
    assert critic_objective(after.critic, batch, goal, None) < 0.8 * before
    assert set(metrics) == {"critic_loss", "value", "entropy", "temperature"}
    one, _ = algorithm.update(state, batch, KEY)
    for slow, old, new in zip(*map(jax.tree.leaves, (one.target_actor, state.target_actor, one.actor)), strict=True):
        np.testing.assert_allclose(slow, old + config.target_rate * (new - old), atol=1e-7)


@pytest.mark.parametrize(("share", "direction"), [(0.0, -1), (1.0, 1)])
def test_a_learned_temperature_follows_the_entropy(share: float, direction: int) -> None:
    """It falls while the policy is more random than asked for, and rises while it is less."""
    algorithm, state, batch = make(replace(SAC_CONFIG, target_entropy=share, temperature=0.2))
    after, _ = algorithm.update(state, batch, KEY)
    assert np.sign(after.log_temperature - state.log_temperature) == direction
    fixed, _ = make(SAC_CONFIG)[0].update(state, batch, KEY)
    assert fixed.log_temperature == state.log_temperature


@pytest.mark.parametrize("config", [D2SAC_CONFIG, SAC_CONFIG])
def test_mask(config: Configs) -> None:
    """What the mask forbids is never chosen; a mask that forbids everything is no mask."""
    algorithm, state, _ = make(replace(config, masking=True), MASKED)
    policy = algorithm.policy(state)
    observation = jax.random.uniform(KEY, (500, OBS)).at[:, -A:].set(jnp.array([0.0, 1.0, 0.0, 1.0]))
    for key in (None, KEY):
        chosen = np.asarray(policy(observation, key))
        assert set(chosen.tolist()) <= {1, 3}
    explored = np.asarray(algorithm.act(state, observation, KEY, explore=True))
    assert set(explored.tolist()) == {1, 3}
    nothing = observation.at[:, -A:].set(0.0)
    assert set(np.asarray(policy(nothing, KEY)).tolist()) == {0, 1, 2, 3}
    gradient = jax.grad(lambda a: algorithm.actor_objective(a, state.critic, jnp.asarray(0.1), nothing, KEY)[0])(
        state.actor
    )
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_masking_needs_an_environment_with_a_mask() -> None:
    with pytest.raises(ConfigurationError, match="masking"):
        make(replace(SAC_CONFIG, masking=True))


@pytest.mark.parametrize(
    "config",
    [
        D2SAC_CONFIG,
        replace(D2SAC_CONFIG, predicts="noise"),
        SAC_CONFIG,
        replace(SAC_CONFIG, masking=True),
    ],
)
def test_saved_policy_acts_the_same(config: Configs, tmp_path: Path) -> None:
    algorithm, state, batch = make(config, MASKED)
    policy = algorithm.policy(state)
    save_policy(tmp_path, PolicyArtefact(policy, "service-selection", {}, "x", 1))
    loaded = load_policy(tmp_path).policy
    for key in (None, KEY):
        np.testing.assert_array_equal(loaded(batch.observation, key), policy(batch.observation, key))
    assert jax.tree.structure(loaded) == jax.tree.structure(policy)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", -0.1), ("target_entropy", 1.5), ("discount", 1.0), ("n_step", 0), ("huber", 0.0),
        ("hidden", (0,)), ("target_rate", 0.0), ("weight_decay", -1.0),
    ],
)  # fmt: skip
def test_bad_configuration_is_named(field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=field):
        CategoricalActorCriticConfig(**{field: value})


@pytest.mark.parametrize(("field", "value"), [("denoising_steps", 0), ("time_embedding", 1)])
def test_bad_diffusion_configuration_is_named(field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=field):
        D2SACConfig(**{field: value})
