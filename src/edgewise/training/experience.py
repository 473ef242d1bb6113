"""From steps of an environment to transitions of several steps."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array

from edgewise.algorithms.base import Step, Transition


def n_step(window: Step, discount: float) -> Transition:
    """The transition that starts at the first of n successive steps and ends at the last, or where the episode ended.

    Args:
        window: n steps along the first axis, in their order, of any number of copies.
        discount: gamma per step.

    Returns:
        Reward sum_i gamma^i r_i over the m <= n steps of the episode, discount gamma^m (0 where it terminated), and the
        observation after the last of them.
    """
    n = window.reward.shape[0]
    over = jnp.cumsum(window.ended, axis=0) > 0
    alive = jnp.concatenate([jnp.ones_like(over[:1]), ~over[:-1]])
    power = discount ** jnp.arange(n).reshape(n, *([1] * (window.reward.ndim - 1)))
    last = alive.sum(axis=0) - 1

    def at_last(values: Array) -> Array:
        index = last.reshape(1, *last.shape, *([1] * (values.ndim - 1 - last.ndim)))
        return jnp.take_along_axis(values, index, axis=0)[0]

    return Transition(
        observation=jax.tree.map(lambda values: values[0], window.observation),
        action=window.action[0],
        reward=jnp.sum(jnp.where(alive, power * window.reward, 0.0), axis=0),
        discount=jnp.where(at_last(window.terminated), 0.0, discount ** (last + 1)),
        next_observation=jax.tree.map(at_last, window.next_observation),
    )
