"""CGDM learns problems whose answer is known: value, discount, bootstrap, action, and a choice between two optima."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.cgdm import CGDM, CGDMConfig, CGDMState
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop
from first_chunk import learned
from probes import Probe, all_of

pytestmark = pytest.mark.slow

CONFIG = CGDMConfig(
    hidden=(32, 32), batch_size=64, discount=0.9, actor_rate=2e-3, critic_rate=3e-3, target_rate=0.05, denoising_steps=3,
    consistency_weight=1.0,
)  # fmt: skip
TRAINING = OffPolicyConfig(
    steps=26_000, environments=16, updates=1, warmup_steps=1_000, evaluations=1, replay_capacity=30_000
)


def last_choice(step: jax.Array, shown: jax.Array, action: jax.Array) -> jax.Array:
    """At the second of two steps an action near 0.7 times the number is worth up to 1."""
    return (step == 1) * (1 - (action - 0.7 * shown) ** 2)


def always(step: jax.Array, shown: jax.Array, action: jax.Array) -> float:
    return 1.0


def two_peaks(step: jax.Array, shown: jax.Array, action: jax.Array) -> jax.Array:
    """Peaks at -0.7 and 0.7 with a valley between: the mean of both, 0, is the worst choice inside."""
    return -jnp.minimum((action - 0.7) ** 2, (action + 0.7) ** 2)


PROBES = all_of(choice=Probe(last_choice, 2, True), endless=Probe(always, 2, False), peaks=Probe(two_peaks, 1, True))


@cache
def learn(name: str, config: CGDMConfig = CONFIG) -> tuple[CGDM, CGDMState]:
    probe = PROBES[name]
    algorithm = CGDM(config, probe.spaces, TRAINING.total_updates)
    state, _ = learned(OffPolicyLoop(probe, algorithm, TRAINING), jax.random.key(0))
    return algorithm, state.train_state


def observations(step: float) -> jax.Array:
    return jnp.stack([jnp.full(21, step), jnp.linspace(-0.9, 0.9, 21)], axis=1)


def value(name: str, step: float) -> float:
    algorithm, state = learn(name)
    action = algorithm.act(state, observations(step), jax.random.key(0), explore=False)
    return float(state.critic(observations(step), action).mean())


def test_values_and_discounting() -> None:
    assert value("choice", 0.5) == pytest.approx(1.0, abs=0.05)
    assert value("choice", 0.0) == pytest.approx(0.9, abs=0.05)


def test_truncation_is_bootstrapped() -> None:
    """One reward each step for ever is worth 1 / (1 - gamma) when episodes are cut, not the few steps up to the cut."""
    assert value("endless", 0.0) == pytest.approx(10.0, rel=0.1)


@pytest.mark.parametrize("change", [{}, {"confidence_sensitivity": 0.0}, {"squash": True}], ids=str)
def test_best_action_depends_on_the_observation(change: dict[str, Any]) -> None:
    algorithm, state = learn("choice", replace(CONFIG, **change))
    action = algorithm.act(state, observations(0.5), jax.random.key(0), explore=False)
    assert float(jnp.abs(action[:, 0] - 0.7 * observations(0.5)[:, 1]).mean()) < 0.1


def test_two_optima_are_not_averaged() -> None:
    algorithm, state = learn("peaks")
    action = np.asarray(algorithm.policy(state)(observations(0.0), jax.random.key(0)))[:, 0]
    assert (np.abs(action) > 0.45).all()
    assert float(two_peaks(jnp.zeros(()), jnp.zeros(()), action).mean()) > -0.1  # at 0 it is -0.49
