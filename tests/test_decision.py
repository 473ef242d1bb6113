"""From the continuous vector to the hybrid decision and back."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgewise.systems.agent_migration.decision import Decision, decode, encode
from reference.agent_migration import System, read_action

V, S = 5, 3
SIZE = V * S + V + S
EXAMPLES = settings(max_examples=100, deadline=None, derandomize=True)
NUMBERS = st.floats(-1, 1, width=32, allow_subnormal=False)  # the compiler flushes subnormal numbers to zero
SERVING = arrays(np.int32, V, elements=st.integers(0, S - 1))
SHARPNESS = st.floats(0.125, 3.0, width=32)


@jax.jit
def read(action, serving, sharpness):
    return decode(action, serving, S, sharpness)


@jax.jit
def write(decision, serving, sharpness):
    return encode(decision.target, decision.share, decision.defence, S, sharpness, serving)


@EXAMPLES
@given(arrays(np.float32, SIZE, elements=NUMBERS), SERVING, SHARPNESS)
def test_decoding_agrees_with_the_reference(action, serving, sharpness):
    decision = read(jnp.asarray(action), jnp.asarray(serving), jnp.float32(sharpness))
    goal, share, defence = read_action(System(V=V, S=S, kappa=sharpness), action, serving.tolist())
    assert decision.target.tolist() == goal
    np.testing.assert_allclose(decision.share, share, rtol=1e-5)
    assert decision.defence.tolist() == defence


@EXAMPLES
@given(arrays(np.float32, SIZE, elements=NUMBERS), SERVING, SHARPNESS)
def test_shares_are_positive_and_add_up_to_one_on_every_used_rsu(action, serving, sharpness):
    share = np.asarray(read(jnp.asarray(action), jnp.asarray(serving), jnp.float32(sharpness)).share)
    assert (share > 0).all()
    for rsu in set(serving.tolist()):
        mine = share[serving == rsu]
        np.testing.assert_allclose(mine.sum(), 1, rtol=1e-6)
        if len(mine) == 1:
            assert mine[0] == 1


def test_ties_go_to_the_lowest_index_and_zero_is_no_defence():
    decision = read(jnp.zeros(SIZE), jnp.zeros(V, jnp.int32), jnp.float32(1))
    assert decision.target.tolist() == [0] * V
    assert decision.defence.tolist() == [False] * S
    np.testing.assert_allclose(decision.share, 1 / V)


@pytest.mark.parametrize(("x", "runs"), [(-1.0, False), (-1e-7, False), (0.0, False), (1e-7, True), (1.0, True)])
def test_defence_runs_where_positive(x, runs):
    action = jnp.zeros(SIZE).at[-2].set(x)
    assert read(action, jnp.zeros(V, jnp.int32), jnp.float32(1)).defence.tolist() == [False, runs, False]


def test_sharpness_sets_the_largest_ratio_of_shares():
    """x = 1 against x = -1 on one RSU: e^(2 kappa_alpha)."""
    action = jnp.zeros(SIZE).at[V * S].set(1.0).at[V * S + 1].set(-1.0)
    serving = jnp.asarray([0, 0, 1, 1, 2], jnp.int32)
    for kappa in (0.5, 1.0, 1.5):
        share = read(action, serving, jnp.float32(kappa)).share
        np.testing.assert_allclose(share[0] / share[1], np.exp(2 * kappa), rtol=1e-5)
        np.testing.assert_allclose(share[2:], [0.5, 0.5, 1.0])


@EXAMPLES
@given(arrays(np.float32, SIZE, elements=NUMBERS), SERVING, SHARPNESS)
def test_what_was_decoded_is_encoded_to_a_vector_that_decodes_to_the_same(action, serving, sharpness):
    serving, sharpness = jnp.asarray(serving), jnp.float32(sharpness)
    decision = read(jnp.asarray(action), serving, sharpness)
    written = write(decision, serving, sharpness)
    assert written.shape == (SIZE,)
    assert (jnp.abs(written) <= 1).all()
    again = read(written, serving, sharpness)
    assert again.target.tolist() == decision.target.tolist()
    assert again.defence.tolist() == decision.defence.tolist()
    np.testing.assert_allclose(again.share, decision.share, rtol=1e-4)


def test_shares_beyond_reach_become_the_most_unequal_ones():
    serving = jnp.asarray([0, 0, 1, 1, 2], jnp.int32)
    share = jnp.asarray([0.999, 0.001, 0.3, 0.7, 1.0])
    decision = Decision(jnp.zeros(V, jnp.int32), share, jnp.zeros(S, dtype=bool))
    again = read(write(decision, serving, jnp.float32(1)), serving, jnp.float32(1)).share
    np.testing.assert_allclose(again[0] / again[1], np.exp(2), rtol=1e-4)
    np.testing.assert_allclose(again[2:], share[2:], rtol=1e-4)
