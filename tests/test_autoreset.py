"""Auto-reset: in the compiled loops of the library and in the vector environment, with ends of both kinds."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from countdown import Countdown
from edgewise.common.errors import ConfigurationError
from edgewise.environments.adapters.gymnasium import GymnasiumEnvironment, GymnasiumVectorEnvironment
from edgewise.environments.environment import step_autoreset

COPIES = 3


@pytest.fixture(scope="module")
def countdown():
    return Countdown()


def test_ended_episode_keeps_its_final_observation_and_a_fresh_one_follows(countdown):
    state = (jnp.asarray(1), jnp.asarray(2))
    state, timestep, observation = step_autoreset(countdown, jax.random.key(0), state, jnp.asarray(1))
    assert bool(timestep.terminated)
    assert not bool(timestep.truncated)
    assert timestep.observation[0] == 0
    assert 3 <= int(observation[0]) <= 5
    assert (int(state[0]), int(state[1])) == (int(observation[0]), 0)


def test_truncation_restarts_too(countdown):
    state = (jnp.asarray(4), jnp.asarray(5))
    state, timestep, _ = step_autoreset(countdown, jax.random.key(0), state, jnp.asarray(0))
    assert bool(timestep.truncated)
    assert not bool(timestep.terminated)
    assert timestep.observation[0] == 4
    assert int(state[1]) == 0


def test_episode_that_goes_on_is_left_alone(countdown):
    state = (jnp.asarray(4), jnp.asarray(1))
    state, timestep, observation = step_autoreset(countdown, jax.random.key(0), state, jnp.asarray(1))
    assert (int(state[0]), int(state[1])) == (3, 2)
    np.testing.assert_array_equal(observation, timestep.observation)


def test_restarts_differ_from_each_other(countdown):
    step = jax.jit(lambda key: step_autoreset(countdown, key, (jnp.asarray(1), jnp.asarray(0)), jnp.asarray(1))[0][0])
    assert {int(step(key)) for key in jax.random.split(jax.random.key(0), 30)} == {3, 4, 5}


def play_singles(environment, actions, seed):
    """Observation after each step, and where an episode ended, of single environments reset by hand after each end."""
    singles = [GymnasiumEnvironment(environment) for _ in range(COPIES)]
    first = [single.reset(seed=seed + index)[0] for index, single in enumerate(singles)]
    history = []
    for row in actions:
        steps = []
        for single, action in zip(singles, row, strict=True):
            observation, reward, terminated, truncated, info = single.step(action)
            following = single.reset()[0] if terminated or truncated else observation
            steps.append((observation, reward, terminated, truncated, following, info))
        history.append(steps)
    return np.stack(first), history


@pytest.fixture(scope="module")
def actions():
    return np.random.default_rng(0).integers(0, 2, (40, COPIES))


def test_same_step_mode_equals_single_environments_reset_at_each_end(countdown, actions):
    vector = GymnasiumVectorEnvironment(countdown, COPIES, AutoresetMode.SAME_STEP)
    first, history = play_singles(countdown, actions, seed=5)
    observations, info = vector.reset(seed=5)
    np.testing.assert_array_equal(observations, first)
    assert info == {}
    ends = {"terminated": 0, "truncated": 0}
    for row, steps in zip(actions, history, strict=True):
        observations, rewards, terminated, truncated, info = vector.step(row)
        final, reward, over, cut, following, metrics = zip(*steps, strict=True)
        np.testing.assert_array_equal(observations, np.stack(following))
        np.testing.assert_array_equal(rewards, reward)
        np.testing.assert_array_equal(terminated, over)
        np.testing.assert_array_equal(truncated, cut)
        ended = terminated | truncated
        np.testing.assert_array_equal(info["_count"], ~ended)
        assert ("final_obs" in info) == ended.any()
        for index in range(COPIES):
            source = info["final_info"] if ended[index] else info
            assert source["count"][index] == metrics[index]["count"]
            if ended[index]:
                np.testing.assert_array_equal(info["final_obs"][index], final[index])
                assert info["_final_obs"][index]
                assert info["_final_info"][index]
            elif ended.any():
                assert info["final_obs"][index] is None
                assert not info["_final_obs"][index]
        ends["terminated"] += terminated.sum()
        ends["truncated"] += truncated.sum()
    assert min(ends.values()) > 2


def test_next_step_mode_returns_the_final_observation_and_then_resets(countdown, actions):
    vector = GymnasiumVectorEnvironment(countdown, COPIES, "NextStep")
    assert vector.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    singles = [GymnasiumEnvironment(countdown) for _ in range(COPIES)]
    np.testing.assert_array_equal(
        vector.reset(seed=[7, 1, 3])[0],
        np.stack([single.reset(seed=seed)[0] for single, seed in zip(singles, (7, 1, 3), strict=True)]),
    )
    over = np.zeros(COPIES, dtype=bool)
    resets = 0
    for row in actions:
        observations, rewards, terminated, truncated, info = vector.step(row)
        for index, (single, action) in enumerate(zip(singles, row, strict=True)):
            if over[index]:
                expected = (single.reset()[0], 0.0, False, False)
                resets += 1
                assert not info["_count"][index]
            else:
                *expected, metrics = single.step(action)
                assert info["_count"][index]
                assert info["count"][index] == metrics["count"]
            np.testing.assert_array_equal(observations[index], expected[0])
            assert (rewards[index], terminated[index], truncated[index]) == tuple(expected[1:])
        over = terminated | truncated
    assert resets > 5


def test_reset_mask_leaves_the_other_copies_where_they_are(countdown):
    vector = GymnasiumVectorEnvironment(countdown, COPIES)
    vector.reset(seed=0)
    for _ in range(2):
        before = vector.step(np.ones(COPIES, dtype=int))[0]
    after, _ = vector.reset(options={"reset_mask": np.array([True, False, True])})
    assert after[1] == before[1]
    assert (after[[0, 2]] >= 3).all()
    assert (before[[0, 2]] <= 3).all()


def test_vector_environment_refuses_what_it_cannot_do(countdown):
    with pytest.raises(ConfigurationError, match="num_envs = 0"):
        GymnasiumVectorEnvironment(countdown, 0)
    with pytest.raises(ConfigurationError, match="autoreset_mode = 'Disabled': must be one of NextStep, SameStep"):
        GymnasiumVectorEnvironment(countdown, 2, AutoresetMode.DISABLED)
    vector = GymnasiumVectorEnvironment(countdown, 2)
    with pytest.raises(ConfigurationError, match=r"seed = \[1, 2, 3\]: must be one integer or 2"):
        vector.reset(seed=[1, 2, 3])
    vector.reset(seed=0)
    with pytest.raises(ConfigurationError, match=r"actions: shape = \(3,\): must be that of the space, \(2,\)"):
        vector.step(np.zeros(3, dtype=int))
    with pytest.raises(ConfigurationError, match="reset_mask"):
        vector.reset(options={"reset_mask": [True, False]})
