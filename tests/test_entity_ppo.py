"""PPO over sets: what it learns, that padding teaches nothing, and that it can be repeated."""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.entity_ppo import EntityPPO, EntityPPOConfig
from edgewise.environments.environment import Environment
from edgewise.policies.learned import LearnedPolicy
from edgewise.training.evaluation import evaluate
from edgewise.training.on_policy import OnPolicyConfig, OnPolicyLoop
from matching_task import MatchingTask, best_reward

SMALL = EntityPPOConfig(width=8, rounds=1, rate=3e-3, discount=0.0)
SHORT = OnPolicyConfig(steps=4 * 64 * 16, environments=64, rollout=16, evaluations=1)


def trained(task: Environment, config: EntityPPOConfig = SMALL, training: OnPolicyConfig = SHORT, seed: int = 0):
    """The loop and its state at the end of a run."""
    loop = OnPolicyLoop(task, EntityPPO(config, task.spaces, training.total_updates), training)
    state = eqx.filter_jit(loop.start)(jax.random.key(seed))
    state, metrics = eqx.filter_jit(loop.chunk)(state, jnp.asarray(training.iterations))
    return loop, state, metrics


@pytest.fixture(scope="module")
def run():
    return trained(MatchingTask())


def weights(state) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(state.train_state, eqx.is_array))]


def test_the_same_seed_gives_the_same_weights(run):
    _, state, _ = run
    again = trained(MatchingTask())[1]
    assert all((a == b).all() for a, b in zip(weights(state), weights(again), strict=True))
    other = trained(MatchingTask(), seed=1)[1]
    assert any((a != b).any() for a, b in zip(weights(state), weights(other), strict=True))


def test_two_halves_of_a_run_are_the_whole(run):
    loop, state, _ = run
    chunk = eqx.filter_jit(loop.chunk)
    half = eqx.filter_jit(loop.start)(jax.random.key(0))
    for _ in range(2):
        half, _ = chunk(half, jnp.asarray(SHORT.iterations // 2))
    assert all((a == b).all() for a, b in zip(weights(state), weights(half), strict=True))


def test_metrics_are_finite(run):
    assert all(np.isfinite(value) for value in run[2].values())


def test_what_is_privileged_changes_the_critic_alone():
    task = MatchingTask(surcharge=0.5)
    shown, hidden = (
        EntityPPO(replace(SMALL, privileged=flag), task.spaces, 4).init(jax.random.key(0)) for flag in (True, False)
    )
    sizes = [state.critic.encoder.column.weight.shape[1] for state in (shown, hidden)]
    assert sizes[0] == sizes[1] + 1
    assert jax.tree.map(jnp.shape, shown.policy) == jax.tree.map(jnp.shape, hidden.policy)


@pytest.mark.exact
@pytest.mark.slow
@pytest.mark.parametrize("crowding", [0.0, 0.6])
def test_it_learns_a_matching_with_a_known_optimum(crowding):
    """Also where rows must coordinate, and with numbers of rows and columns that vary."""
    task = MatchingTask(crowding=crowding)
    training = OnPolicyConfig(steps=120 * 128 * 8, environments=128, rollout=8, evaluations=1)
    loop, state, _ = trained(
        task, EntityPPOConfig(16, 2, 3e-3, discount=0.0, credit="team" if crowding else "decomposed"), training
    )
    policy = LearnedPolicy(loop.policy(state.train_state), False)
    reached = float(evaluate(task, policy, jax.random.key(7), 200)["return"].mean()) / task.steps
    states = jax.vmap(lambda key: task.reset(key)[0])(jax.random.split(jax.random.key(8), 300))
    best = float(np.mean([best_reward(task, jax.tree.map(lambda leaf, i=i: leaf[i], states)) for i in range(300)]))
    random = LearnedPolicy(loop.policy(eqx.filter_jit(loop.start)(jax.random.key(0)).train_state), True)
    chance = float(evaluate(task, random, jax.random.key(7), 200)["return"].mean()) / task.steps
    assert reached > best - 0.15 * (best - chance)
