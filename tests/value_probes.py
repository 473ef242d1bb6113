"""What learners of one real action, and the values that they learn, must come to on probes; shared by their tests."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

from edgewise.algorithms.registry import find_algorithm
from edgewise.training.choose_loop import build_loop
from edgewise.training.off_policy import OffPolicyConfig
from first_chunk import learned
from probes import Probe, all_of

TRAINING = OffPolicyConfig(
    steps=17_000, environments=16, updates=1, warmup_steps=1_000, evaluations=1, replay_capacity=17_000
)
SMALL: dict[str, Any] = {
    "hidden": (32, 32), "batch_size": 64, "discount": 0.9, "actor_rate": 2e-3, "critic_rate": 3e-3, "target_rate": 0.05
}  # fmt: skip
"""Settings of every learner."""


def last_choice(step: jax.Array, shown: jax.Array, action: jax.Array) -> jax.Array:
    """The second action alone is rewarded, by its distance from 0.7 times the number shown."""
    return (step == 1) * (1 - (action - 0.7 * shown) ** 2)


PROBES = all_of(choice=Probe(last_choice, 2, True), endless=Probe(lambda step, shown, action: 1.0, 2, False))
SHOWN = jnp.linspace(-0.9, 0.9, 13)


def learn(name: str, settings: dict[str, Any], probe: str) -> tuple[Any, Any]:
    """A learner and what it has learned."""
    entry = find_algorithm(name)
    algorithm = entry.build(entry.config(**settings), PROBES[probe].spaces, TRAINING.total_updates)
    state, _ = learned(build_loop(PROBES[probe], algorithm, TRAINING), jax.random.key(0))
    return algorithm, state.train_state


def check_last_choice(name: str, settings: dict[str, Any], near: float, first: float) -> None:
    """The second action is worth 1 and the first gamma of it.

    Args:
        name, settings: of the learner.
        near: how near the action is on the average to the best one, and the value of the second step to 1.
        first: how near the value of the first step is to 0.9.
    """
    algorithm, state = learn(name, settings, "choice")
    second, begin = (jnp.stack([jnp.full(13, step), SHOWN], axis=1) for step in (0.5, 0.0))
    action = algorithm.act(state, second, jax.random.key(0), explore=False)
    assert float(jnp.abs(action[:, 0] - 0.7 * SHOWN).mean()) < near
    assert float(state.critic(second, action).mean()) == pytest.approx(1.0, abs=near)
    anywhere = algorithm.act(state, begin, jax.random.key(0), explore=False)
    assert float(state.critic(begin, anywhere).mean()) == pytest.approx(0.9, abs=first)


def check_truncation(name: str, settings: dict[str, Any]) -> None:
    """One reward each step for ever is worth 1 / (1 - gamma) when episodes are cut; a little entropy may come on top."""
    algorithm, state = learn(name, settings, "endless")
    observation = jnp.stack([jnp.zeros(13), SHOWN], axis=1)
    action = algorithm.act(state, observation, jax.random.key(0), explore=False)
    assert float(state.critic(observation, action).mean()) == pytest.approx(10.0, rel=0.15)
