"""Control tasks: step-by-step parity with Gymnasium's classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.environments.control.acrobot import Acrobot
from edgewise.environments.control.cartpole import CartPole
from edgewise.environments.control.configuration import ControlConfig, PendulumConfig
from edgewise.environments.control.pendulum import Pendulum

EPISODES = 3
TASKS = {"CartPole-v1": CartPole, "Acrobot-v1": Acrobot}


def lean(observation: np.ndarray) -> int:
    """Push to where the pole falls: keeps it up until the time limit cuts the episode."""
    return int(observation[2] + 0.5 * observation[3] + 0.02 * observation[0] + 0.05 * observation[1] > 0)


def pump(observation: np.ndarray) -> int:
    """Torque along the motion of the second link: swings the tip up."""
    return 2 if observation[5] > 0 else 0


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("clever", [False, True])
def test_every_step_is_gymnasiums(name: str, clever: bool) -> None:
    generator = np.random.default_rng(0)
    theirs = gymnasium.make(name)
    act = {"CartPole-v1": lean, "Acrobot-v1": pump}[name]
    ends = []
    with jax.enable_x64(True):
        ours = TASKS[name]()
        step = jax.jit(ours.step)
        for episode in range(EPISODES):
            expected, _ = theirs.reset(seed=episode)
            state, _ = ours.reset(jax.random.key(episode))
            over = cut = False
            while not (over or cut):
                # an unstable motion multiplies rounding errors, so every step starts from Gymnasium's state
                state = replace(state, motion=jnp.asarray(np.asarray(theirs.unwrapped.state, float)))
                np.testing.assert_allclose(ours.observe(state), expected, rtol=1e-6, atol=1e-7)
                action = act(expected) if clever else int(generator.integers(ours.action_space.n))
                expected, reward, over, cut, _ = theirs.step(action)
                state, timestep = step(jax.random.key(0), state, jnp.asarray(action))
                np.testing.assert_allclose(state.motion, theirs.unwrapped.state, rtol=1e-12, atol=1e-12)
                np.testing.assert_allclose(timestep.observation, expected, rtol=1e-6, atol=1e-6)
                assert (float(timestep.reward), bool(timestep.terminated), bool(timestep.truncated)) == (
                    reward, over, cut,
                )  # fmt: skip
            ends.append("terminated" if over else "truncated")
    assert set(ends) == {"terminated" if clever == (name == "Acrobot-v1") else "truncated"}


def test_every_step_of_the_pendulum_is_gymnasiums() -> None:
    generator = np.random.default_rng(0)
    theirs = gymnasium.make("Pendulum-v1")
    with jax.enable_x64(True):
        ours = Pendulum()
        step = jax.jit(ours.step)
        for episode in range(EPISODES):
            expected, _ = theirs.reset(seed=episode)
            state, _ = ours.reset(jax.random.key(episode))
            cut = False
            while not cut:
                state = replace(state, motion=jnp.asarray(theirs.unwrapped.state))
                np.testing.assert_allclose(ours.observe(state), expected, rtol=1e-6, atol=1e-7)
                action = generator.uniform(-1.2, 1.2, 1)
                expected, reward, over, cut, _ = theirs.step(2 * action)
                state, timestep = step(jax.random.key(0), state, jnp.asarray(action))
                np.testing.assert_allclose(state.motion, theirs.unwrapped.state, rtol=1e-12, atol=1e-12)
                np.testing.assert_allclose(timestep.reward, reward, rtol=1e-12, atol=1e-12)
                assert (bool(timestep.terminated), bool(timestep.truncated)) == (over, cut)
                assert np.abs(timestep.observation).max() <= 8


@pytest.mark.parametrize(("task", "bound"), [(CartPole, 0.05), (Acrobot, 0.1), (Pendulum, np.array([np.pi, 1.0]))])
def test_episodes_start_anywhere_in_the_box_of_gymnasium(task: type[Any], bound: Any) -> None:
    motion = np.asarray(jax.vmap(task().reset)(jax.random.split(jax.random.key(0), 500))[0].motion)
    assert (np.abs(motion) <= bound).all()
    assert (motion.min(0) < -0.97 * bound).all()
    assert (motion.max(0) > 0.97 * bound).all()


def test_bad_time_limit_is_named() -> None:
    with pytest.raises(ConfigurationError, match="time_limit = 0"):
        ControlConfig(time_limit=0)
    with pytest.raises(ConfigurationError, match="time_limit = -1"):
        PendulumConfig(time_limit=-1)
