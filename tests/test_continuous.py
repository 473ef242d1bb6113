"""SAC, TD3 and DDPG against slow NumPy readings, and on problems whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from edgewise.algorithms.base import Transition
from edgewise.algorithms.critic import critic_objective
from edgewise.algorithms.ddpg import DDPGConfig
from edgewise.algorithms.sac import SAC, SACConfig, actor_objective
from edgewise.algorithms.td3 import TD3, TD3Config
from edgewise.common.errors import ConfigurationError
from edgewise.environments.spaces import Box, Spaces
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from value_probes import SMALL, check_last_choice, check_truncation

OBS, A, B = 4, 3, 8
SPACES = Spaces(
    Box(np.full(OBS, -1, np.float32), np.full(OBS, 1, np.float32)),
    Box(np.full(A, -1, np.float32), np.full(A, 1, np.float32)),
)
KEY = jax.random.key(5)
SAC_CONFIG = SACConfig(hidden=(16, 16), batch_size=B)
TD3_CONFIG = TD3Config(hidden=(16, 16), batch_size=B)


def make(learner: type[Any], config: Any) -> tuple[Any, Any, Transition]:
    algorithm = learner(config, SPACES, 1000)
    keys = jax.random.split(KEY, 5)
    batch = Transition(
        jax.random.normal(keys[0], (B, OBS)),
        jax.random.uniform(keys[1], (B, A), minval=-1, maxval=1),
        jax.random.normal(keys[2], (B,)),
        jnp.array([0.8] * (B - 1) + [0.0]),
        jax.random.normal(keys[3], (B, OBS)),
    )
    state, other = algorithm.init(keys[4]), algorithm.init(jax.random.key(99))
    return algorithm, eqx.tree_at(lambda s: s.target_critic, state, other.critic), batch


def np_network(network: Any, x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, float)
    for i, layer in enumerate(network.layers):
        x = x @ np.asarray(layer.weight, float).T + np.asarray(layer.bias, float)
        if i < len(network.layers) - 1:
            x = x * np.tanh(np.logaddexp(0, x))
    return x


def np_values(critic: Any, observation: np.ndarray, action: np.ndarray) -> np.ndarray:
    joint = np.concatenate([observation, action], axis=-1)
    return np.stack([np_network(network, joint)[:, 0] for network in critic.networks])


def test_density_of_a_squashed_action() -> None:
    """Against the density of the normal distribution and the change of variables, component by component."""
    _, state, batch = make(SAC, SAC_CONFIG)
    policy = state.actor
    action, log_density = policy.sample_with_density(batch.observation, KEY)
    mean, log_deviation = np.split(np_network(policy.network, np.asarray(batch.observation)), 2, axis=-1)
    deviation = np.exp(-5 + 3.5 * (np.tanh(log_deviation) + 1))
    noise = np.asarray(jax.random.normal(KEY, (B, A)))
    np.testing.assert_allclose(action, np.tanh(mean + deviation * noise), rtol=1e-4, atol=1e-5)
    u = np.arctanh(np.asarray(action, float))
    expected = [sum(stats.norm.logpdf(u[i], mean[i], deviation[i]) - np.log(1 - np.tanh(u[i]) ** 2)) for i in range(B)]
    np.testing.assert_allclose(log_density, expected, rtol=1e-2, atol=1e-2)
    np.testing.assert_allclose(policy(batch.observation, None), np.tanh(mean), rtol=1e-4, atol=1e-5)


def test_a_squashed_density_integrates_to_one() -> None:
    """In one dimension: the mean of 1 / p over samples of p is the length of the box, 2."""
    algorithm = SAC(SAC_CONFIG, Spaces(SPACES.observation, Box(-np.ones(1, np.float32), np.ones(1, np.float32))), 1)
    policy = algorithm.init(KEY).actor
    wide = eqx.tree_at(lambda p: p.network.layers[-1].bias, policy, jnp.array([0.1, 0.35]))
    _, log_density = wide.sample_with_density(jnp.zeros((200_000, OBS)), KEY)
    assert float(jnp.exp(-log_density).mean()) == pytest.approx(2.0, rel=0.03)


def test_soft_target() -> None:
    algorithm, state, batch = make(SAC, SAC_CONFIG)
    action, log_density = state.actor.sample_with_density(batch.next_observation, KEY)
    value = np_values(state.target_critic, np.asarray(batch.next_observation), np.asarray(action)).min(0)
    soft = value - SAC_CONFIG.temperature * np.asarray(log_density)
    expected = np.asarray(batch.reward) + np.asarray(batch.discount) * soft
    np.testing.assert_allclose(algorithm.value_target(state, batch, KEY), expected, rtol=1e-4)


def test_soft_actor_objective() -> None:
    _, state, batch = make(SAC, SAC_CONFIG)
    action, log_density = state.actor.sample_with_density(batch.observation, KEY)
    value = np_values(state.critic, np.asarray(batch.observation), np.asarray(action)).min(0)
    loss, (mean, entropy) = actor_objective(state.actor, state.critic, jnp.asarray(0.3), batch.observation, KEY)
    np.testing.assert_allclose(loss, (0.3 * np.asarray(log_density) - value).mean(), rtol=1e-4)
    np.testing.assert_allclose([mean, entropy], [value.mean(), -np.asarray(log_density).mean()], rtol=1e-4)


@pytest.mark.parametrize(("target", "direction"), [(-50.0, -1), (50.0, 1)])
def test_temperature_follows_the_entropy(target: float, direction: int) -> None:
    algorithm, state, batch = make(SAC, replace(SAC_CONFIG, target_entropy=target))
    after, _ = algorithm.update(state, batch, KEY)
    assert np.sign(after.log_temperature - state.log_temperature) == direction


@pytest.mark.parametrize("config", [TD3_CONFIG, DDPGConfig(hidden=(16, 16), batch_size=B)])
def test_smoothed_target(config: TD3Config) -> None:
    algorithm, state, batch = make(TD3, config)
    noise = np.asarray(jax.random.normal(KEY, (B, A)))
    action = np.tanh(np_network(state.target_actor.network, np.asarray(batch.next_observation)))
    blurred = np.clip(action + np.clip(config.smoothing * noise, -0.5, 0.5), -1, 1)
    values = np_values(state.target_critic, np.asarray(batch.next_observation), blurred)
    assert len(values) == config.critics
    expected = np.asarray(batch.reward) + np.asarray(batch.discount) * values.min(0)
    np.testing.assert_allclose(algorithm.value_target(state, batch, KEY), expected, rtol=1e-4, atol=1e-6)


def test_the_actor_waits_for_its_turn() -> None:
    """With a delay of 2 the first update leaves the actor and the slow copies, and the second moves them."""
    algorithm, state, batch = make(TD3, TD3_CONFIG)

    def moved(old: Any, new: Any) -> bool:
        return any(bool((a != b).any()) for a, b in zip(jax.tree.leaves(old), jax.tree.leaves(new), strict=True))

    once, _ = algorithm.update(state, batch, KEY)
    assert moved(state.critic, once.critic)
    assert not moved((state.actor, state.target_critic), (once.actor, once.target_critic))
    twice, _ = algorithm.update(once, batch, KEY)
    assert moved(state.actor, twice.actor)
    for slow, old, new in zip(
        *map(jax.tree.leaves, (twice.target_critic, state.target_critic, twice.critic)), strict=True
    ):
        np.testing.assert_allclose(slow, old + TD3_CONFIG.target_rate * (new - old), atol=1e-7)


@pytest.mark.parametrize(("learner", "config"), [(SAC, SAC_CONFIG), (TD3, TD3_CONFIG)])
def test_updates_fit_the_critics(learner: type[Any], config: Any) -> None:
    algorithm, state, batch = make(learner, replace(config, critic_rate=3e-3))
    goal = algorithm.value_target(state, batch, KEY)
    before = critic_objective(state.critic, batch, goal)
    update = eqx.filter_jit(algorithm.update)
    for key in jax.random.split(KEY, 60):
        state, _ = update(state, batch, key)
    assert critic_objective(state.critic, batch, goal) < 0.5 * before


@pytest.mark.parametrize(("learner", "config"), [(SAC, SAC_CONFIG), (TD3, TD3_CONFIG)])
def test_saved_policy_acts_the_same(learner: type[Any], config: Any, tmp_path: Path) -> None:
    algorithm, state, batch = make(learner, config)
    policy = algorithm.policy(state)
    save_policy(tmp_path, PolicyArtefact(policy, "agent-migration", {}, "x", 1))
    loaded = load_policy(tmp_path).policy
    for key in (None, KEY):
        action = loaded(batch.observation, key)
        np.testing.assert_array_equal(action, policy(batch.observation, key))
        assert (jnp.abs(action) <= 1).all()


@pytest.mark.parametrize(
    ("config", "field", "value"),
    [
        (SACConfig, "temperature", 0.0), (SACConfig, "discount", 1.0), (TD3Config, "critics", 0),
        (TD3Config, "delay", 0), (TD3Config, "smoothing", -0.1), (DDPGConfig, "exploration", -1.0),
    ],
)  # fmt: skip
def test_bad_configuration_is_named(config: type[Any], field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=field):
        config(**{field: value})


LEARNERS = {
    "sac": {**SMALL, "target_entropy": -3.0, "temperature": 0.02, "temperature_rate": 3e-3},
    "td3": {**SMALL, "smoothing": 0.05},
    "ddpg": SMALL,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_terminal_values_and_the_best_action(name: str) -> None:
    check_last_choice(name, LEARNERS[name], near=0.12, first=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["td3", "ddpg"])
def test_truncation_is_bootstrapped(name: str) -> None:
    check_truncation(name, LEARNERS[name])
