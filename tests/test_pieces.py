"""Batches worked on piece by piece give what the whole gives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms import pieces
from edgewise.algorithms.entity_ppo import EntityPPO, EntityPPOConfig, Sample
from edgewise.algorithms.pieces import PIECE, pieces_of, summed
from edgewise.policies.matching import Decisions, pack
from matching_task import MatchingTask


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
    task = MatchingTask()
    algorithm = EntityPPO(EntityPPOConfig(width=8, rounds=1, privileged=False), task.spaces, 10)
    seen = jax.vmap(task.observation_space.sample)(jax.random.split(jax.random.key(0), 16))
    action = jax.vmap(task.action_space.sample)(jax.random.split(jax.random.key(1), 16))
    x, rows, columns = pack(seen, algorithm.sets), jnp.linspace(-1, 1, 64).reshape(16, 4), jnp.ones((16, 3))
    sample = Sample(x, x, action, Decisions(rows - 1, -columns), Decisions(rows, columns), rows**2)
    state = jax.jit(algorithm.init)(jax.random.key(2))
    steps = []
    for size in (PIECE, 12 * 4):
        monkeypatch.setattr(pieces, "PIECE", size)
        learn = jax.jit(lambda state, sample: algorithm.learn(state, sample, jnp.array(0.01)))
        steps.append(learn(state, sample))
    for one, other in zip(*(jax.tree.leaves(step) for step in steps), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
