"""Observations scaled for the learner; a deployed policy takes them as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.drqn import DRQNConfig
from edgewise.algorithms.registry import find_algorithm
from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.scaled import ScaledObservations
from edgewise.environments.spaces import Box
from edgewise.numerics.scaling import Scaling
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.scaled import ScaledPolicy
from edgewise.training.build import build
from edgewise.training.off_policy import OffPolicyConfig
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig
from probes import Probe


def test_bounds_become_the_span_and_the_unbounded_stays() -> None:
    low, high = np.array([0.0, -1.0, -np.inf, 2.0]), np.array([1.0, 3.0, np.inf, 2.0])
    scaling = Scaling.of_box(low, high, 4.0)
    values = jnp.array([[0.0, -1.0, 7.0, 2.0], [1.0, 3.0, -7.0, 5.0], [0.5, 1.0, 0.0, 0.0]])
    expected = [[-4.0, -4.0, 7.0, 2.0], [4.0, 4.0, -7.0, 5.0], [0.0, 0.0, 0.0, 0.0]]
    np.testing.assert_allclose(scaling(values), expected, atol=1e-6)


def test_everything_but_the_observation_is_as_before() -> None:
    inside = Probe(lambda step, shown, action: shown, 3, True, 2)
    seen = ScaledObservations(inside, 2.0)
    assert isinstance(seen.observation_space, Box)
    np.testing.assert_array_equal(seen.observation_space.high, np.full(2, 2.0))
    assert (seen.action_space, seen.horizon, seen.action_mask) == (inside.action_space, inside.horizon, False)
    key = jax.random.key(3)
    (raw_state, raw), (state, observation) = inside.reset(key), seen.reset(key)
    np.testing.assert_allclose(observation, 2 * raw)
    _, expected = inside.step(key, raw_state, jnp.asarray(1))
    _, timestep = seen.step(key, state, jnp.asarray(1))
    np.testing.assert_allclose(timestep.observation, 2 * expected.observation)
    assert timestep.reward == expected.reward
    assert timestep.terminated == expected.terminated


@pytest.mark.slow
def test_a_trained_policy_takes_raw_observations(tmp_path: Path) -> None:
    """Its decisions are those of the learner's policy on scaled observations, before and after it is saved."""
    entry = registry.find("service-selection")
    training = OffPolicyConfig(
        steps=200, environments=8, updates=1, warmup_steps=80, evaluations=1, evaluation_episodes=2, input_span=3.0
    )
    dqn = find_algorithm("dqn").config(hidden=(8,), batch_size=8)
    run = RunConfig(entry.name, entry.config(tasks=10, providers=3), "dqn", dqn, training)
    train(tmp_path / "run", run, lambda done, text: None)
    artefact = load_policy(tmp_path / "run" / "policy" / "last" / "seed-0")
    assert [field.name for field in artefact.fields] == ["task", "running_time", "capacity", "free"]
    assert artefact.decode(np.asarray(2)) == {"provider": 2}
    loaded = artefact.policy
    assert isinstance(loaded, ScaledPolicy)
    observations = jax.random.uniform(jax.random.key(0), (50, loaded.observation_size))
    np.testing.assert_array_equal(loaded(observations, None), loaded.policy(6 * observations - 3, None))


def test_a_policy_with_a_memory_keeps_it(tmp_path: Path) -> None:
    entry = registry.find("service-selection")
    training = OffPolicyConfig(steps=20_000, input_span=2.0)
    config = DRQNConfig(hidden=(8,), memory=4)
    _, loop = build(RunConfig(entry.name, entry.config(tasks=10, providers=3), "drqn", config, training))
    policy = loop.policy(loop.algorithm.init(jax.random.key(1)))
    save_policy(tmp_path, PolicyArtefact(policy, entry.name, {}, "drqn", 1))
    artefact = load_policy(tmp_path)
    observation = np.linspace(0, 1, policy.observation_size, dtype=np.float32)
    action, memory = artefact.step(observation, artefact.initial_memory())
    expected, after = policy.policy.step(jnp.asarray(4 * observation - 2), policy.initial_memory(()), None)
    np.testing.assert_array_equal(action, expected)
    for ours, theirs in zip(jax.tree.leaves(memory), jax.tree.leaves(after), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_bad_span_is_named() -> None:
    with pytest.raises(ConfigurationError, match="input_span"):
        replace(OffPolicyConfig(), input_span=0.0)
