"""CGDM learns problems whose answer is known: value, discount, bootstrap, action, and a choice between two optima."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.cgdm import CGDM, CGDMConfig, CGDMState
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop
from first_chunk import first_chunk
from probes import Probe

pytestmark = pytest.mark.slow

CONFIG = CGDMConfig(
    hidden=(32, 32), batch_size=64, discount=0.9, actor_rate=2e-3, critic_rate=3e-3, target_rate=0.05, denoising_steps=3,
    consistency_weight=1.0,
)  # fmt: skip
TRAINING = OffPolicyConfig(
    steps=26_000, environments=16, updates=1, warmup_steps=1_000, evaluations=1, replay_capacity=30_000
)


def learn(
    reward: Callable[..., Any], steps: int, terminates: bool, config: CGDMConfig = CONFIG
) -> tuple[CGDM, CGDMState]:
    probe = Probe(reward, steps, terminates)
    algorithm = CGDM(config, probe.spaces, TRAINING.total_updates)
    loop = OffPolicyLoop(probe, algorithm, TRAINING)
    state, _ = first_chunk(loop, jax.random.key(0))
    return algorithm, state.train_state


def value(algorithm: CGDM, state: CGDMState, step: float) -> float:
    observation = jnp.stack([jnp.full(21, step), jnp.linspace(-1, 1, 21)], axis=1)
    action = algorithm.act(state, observation, jax.random.key(0), explore=False)
    return float(state.critic(observation, action).mean())


def test_value_of_a_terminal_reward() -> None:
    assert value(*learn(lambda step, shown, action: 1.0, 1, True), 0.0) == pytest.approx(1.0, abs=0.05)


def test_discounting() -> None:
    algorithm, state = learn(lambda step, shown, action: (step == 1).astype(float), 2, True)
    assert value(algorithm, state, 0.5) == pytest.approx(1.0, abs=0.05)
    assert value(algorithm, state, 0.0) == pytest.approx(0.9, abs=0.05)


def test_truncation_is_bootstrapped() -> None:
    """One reward each step for ever is worth 1 / (1 - gamma) when episodes are cut, not the few steps up to the cut."""
    algorithm, state = learn(lambda step, shown, action: 1.0, 2, False)
    assert value(algorithm, state, 0.0) == pytest.approx(10.0, rel=0.1)


def test_best_action_depends_on_the_observation() -> None:
    algorithm, state = learn(lambda step, shown, action: -((action - 0.7 * shown) ** 2), 1, True)
    shown = jnp.linspace(-0.9, 0.9, 13)
    action = algorithm.act(state, jnp.stack([jnp.zeros(13), shown], axis=1), jax.random.key(0), explore=False)
    assert float(jnp.abs(action[:, 0] - 0.7 * shown).mean()) < 0.1


def test_two_optima_are_not_averaged() -> None:
    """Peaks at -0.7 and 0.7 with a valley between: the mean of both, 0, is the worst choice inside."""

    def reward(step: jax.Array, shown: jax.Array, action: jax.Array) -> jax.Array:
        return -jnp.minimum((action - 0.7) ** 2, (action + 0.7) ** 2)

    algorithm, state = learn(reward, 1, True)
    observation = jnp.stack([jnp.zeros(21), jnp.linspace(-1, 1, 21)], axis=1)
    action = np.asarray(algorithm.policy(state)(observation, jax.random.key(0)))[:, 0]
    assert (np.abs(action) > 0.45).all()
    assert float(reward(0, 0, action).mean()) > -0.1  # at 0 it is -0.49


@pytest.mark.parametrize("variant", ["without confidence", "squash"])
def test_variants_learn_too(variant: str) -> None:
    changes = {
        "without confidence": {"confidence_sensitivity": 0.0},
        "squash": {"squash": True},
    }[variant]
    config = CGDMConfig(**{**vars(CONFIG), **changes})
    algorithm, state = learn(lambda step, shown, action: -((action - 0.4) ** 2), 1, True, config)
    action = algorithm.act(state, jnp.zeros((1, 2)), jax.random.key(0), explore=False)
    assert float(action[0, 0]) == pytest.approx(0.4, abs=0.15)
