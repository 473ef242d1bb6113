"""Batches worked on piece by piece give what the whole gives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms import pieces
from edgewise.algorithms.entity_ppo import EntityPPO, EntityPPOConfig
from edgewise.algorithms.pieces import PIECE, pieces_of, summed
from edgewise.environments import registry
from edgewise.training.on_policy import OnPolicyConfig, OnPolicyLoop


@pytest.mark.parametrize(("length", "pairs"), [(1280, 32), (640, 128), (1280, 1024), (7, 10), (12, 10_000), (1279, 32)])
def test_pieces_divide_the_batch_and_fit_if_they_can(length, pairs):
    n = pieces_of(length, pairs)
    assert length % n == 0
    assert n == 1 or length // n * pairs <= PIECE or length == n


def test_a_batch_of_one_piece_stays_whole():
    assert pieces_of(PIECE // 32, 32) == 1


def test_the_sum_over_pieces_is_that_over_the_whole():
    x = {"a": jnp.arange(12.0), "b": jnp.arange(24).reshape(12, 2)}

    def total(part):
        return part["a"].sum(), (part["b"] ** 2).sum(0)

    for n in (1, 3, 12):
        for one, other in zip(summed(total, x, n), total(x), strict=True):
            np.testing.assert_allclose(one, other)


@pytest.mark.slow
def test_a_gradient_step_in_pieces_is_that_on_the_whole(monkeypatch):
    environment = registry.make("agent-migration", observation="entities", slots=4)
    algorithm = EntityPPO(EntityPPOConfig(width=8, rounds=1, minibatches=1), environment.spaces, 10)
    loop = OnPolicyLoop(environment, algorithm, OnPolicyConfig(steps=64, environments=8, rollout=4, evaluations=1))
    state = loop.start(jax.random.key(0))
    _, _, rollout = loop.roll_out(state, jax.random.key(1))
    _, sample = algorithm.samples(state.train_state, rollout)
    steps = []
    for size in (PIECE, 8 * 4 * 8):
        monkeypatch.setattr(pieces, "PIECE", size)
        learn = jax.jit(lambda train_state, sample: algorithm.learn(train_state, sample, jnp.array(0.01)))
        steps.append(learn(state.train_state, sample))
    for one, other in zip(*(jax.tree.leaves(step) for step in steps), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
