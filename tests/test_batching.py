"""Conditions that are the same for all members of a batch."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.numerics.batching import same_for_all


def branch(flag: jax.Array, x: jax.Array) -> jax.Array:
    return jax.lax.cond(same_for_all(flag), lambda x: 2 * x, lambda x: x, x)


@pytest.mark.parametrize("flag", [True, False])
def test_the_branch_taken_is_the_right_one(flag: bool) -> None:
    x = jnp.arange(6.0).reshape(2, 3)
    flags = jnp.full((2, 3), flag)
    expected = 2 * x if flag else x
    np.testing.assert_array_equal(branch(jnp.asarray(flag), x), expected)
    np.testing.assert_array_equal(jax.jit(jax.vmap(jax.vmap(branch)))(flags, x), expected)
    np.testing.assert_array_equal(jax.vmap(branch, in_axes=(None, 0))(jnp.asarray(flag), x), expected)


def test_a_batched_condition_stays_a_branch() -> None:
    """Also inside a loop, where learners use it."""

    def repeated(flag: jax.Array, x: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda x, _: (branch(flag, x), None), x, length=3)[0]

    flags, x = jnp.ones(4, bool), jnp.ones(4)
    text = str(jax.make_jaxpr(jax.vmap(repeated))(flags, x))
    assert "cond[" in text
    np.testing.assert_array_equal(jax.vmap(repeated)(flags, x), np.full(4, 8.0))
