"""PPO and REINFORCE on problems whose answer is known, with both kinds of action."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.ppo import PPOConfig
from edgewise.algorithms.registry import find_algorithm
from edgewise.algorithms.reinforce import REINFORCEConfig
from edgewise.training.choose_loop import build_loop
from edgewise.training.on_policy import OnPolicyConfig
from first_chunk import learned
from probes import Probe

pytestmark = pytest.mark.slow

DISCOUNT = 0.9
CONFIGS = {
    "ppo": PPOConfig(hidden=(16, 16), discount=DISCOUNT, initial_deviation=0.2, actor_rate=5e-3, critic_rate=5e-3),
    "reinforce": REINFORCEConfig(
        hidden=(16, 16), discount=DISCOUNT, initial_deviation=0.2, actor_rate=1e-2, critic_rate=5e-3, critic_steps=10
    ),
}
TRAINING = OnPolicyConfig(steps=30_000, environments=32, rollout=8, evaluations=1)
SHOWN = jnp.concatenate([jnp.linspace(-0.9, -0.25, 10), jnp.linspace(0.25, 0.9, 10)])
LEARNERS = pytest.mark.parametrize("name", CONFIGS)
"""Names of the learners."""


def last_choice(step: jax.Array, shown: jax.Array, action: jax.Array) -> jax.Array:
    """At the second of two steps the action that fits the number is worth 1."""
    return ((step == 1) & (action == (shown > 0))).astype(float)


def near(step: jax.Array, shown: jax.Array, action: jax.Array) -> jax.Array:
    """An action near 0.7 times the number is worth up to 1, for ever."""
    return 1 - (action - 0.7 * shown) ** 2


PROBES = {
    "finite": Probe(last_choice, 2, True, 2),
    "endless": Probe(near, 2, False),
}


@cache
def learn(name: str, probe: str) -> tuple[Any, Any]:
    entry = find_algorithm(name)
    algorithm = entry.build(CONFIGS[name], PROBES[probe].spaces, TRAINING.total_updates)
    loop = build_loop(PROBES[probe], algorithm, TRAINING)
    state, _ = learned(loop, jax.random.key(0))
    return algorithm, state.train_state


def observations(step: float) -> jax.Array:
    return jnp.stack([jnp.full(len(SHOWN), step), SHOWN], axis=1)


def value(name: str, probe: str, step: float) -> np.ndarray:
    return np.asarray(learn(name, probe)[1].critic(observations(step)))[:, 0]


@LEARNERS
def test_best_of_finitely_many_actions_depends_on_the_observation(name: str) -> None:
    algorithm, state = learn(name, "finite")
    action = algorithm.policy(state)(observations(0.5), None)
    np.testing.assert_array_equal(action, SHOWN > 0)


@LEARNERS
def test_best_real_action_depends_on_the_observation(name: str) -> None:
    algorithm, state = learn(name, "endless")
    action = algorithm.policy(state)(observations(0.0), None)[:, 0]
    assert float(jnp.abs(action - 0.7 * SHOWN).mean()) < 0.1


@LEARNERS
def test_values_and_discounting(name: str) -> None:
    assert value(name, "finite", 0.5).mean() == pytest.approx(1.0, abs=0.05)
    assert value(name, "finite", 0.0).mean() == pytest.approx(DISCOUNT, abs=0.05)


@LEARNERS
def test_truncation_is_bootstrapped(name: str) -> None:
    """One reward each step for ever is worth 1 / (1 - gamma) when episodes are cut, not the few steps up to the cut.

    A little less, for actions drawn with a deviation of 0.2 or so.
    """
    assert value(name, "endless", 0.0).mean() == pytest.approx(1 / (1 - DISCOUNT), rel=0.1)
