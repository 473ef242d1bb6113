"""Generalised advantage estimation (Schulman et al., 2016)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def advantages(
    reward: Float[Array, "t ..."],
    terminated: Bool[Array, "t ..."],
    ended: Bool[Array, "t ..."],
    value: Float[Array, "t ..."],
    next_value: Float[Array, "t ..."],
    discount: float,
    trace: float,
) -> Float[Array, "t ..."]:
    """How much better than expected it went from each step on.

    With delta_t = r_t + gamma V(s'_t) - V(s_t), where V(s'_t) counts as 0 if the episode *terminated*, the estimate is
    A_t = delta_t + gamma lambda A_{t+1} within an episode. Where an episode was cut, and at the last step, it is delta_t: what
    would have followed is worth V(s'_t).

    Args:
        reward: r_t.
        terminated: the episode ended inside the decision problem at this step.
        ended: it ended for any reason.
        value: V(s_t), of the observation before the step.
        next_value: V(s'_t), of the observation after it; of the final observation where the episode ended.
        discount: gamma.
        trace: lambda; at 1, A_t + V(s_t) is the Monte-Carlo return.
    """
    delta = reward + discount * jnp.where(terminated, 0.0, next_value) - value

    def accumulate(
        following: Float[Array, ...], step: tuple[Float[Array, ...], Bool[Array, ...]]
    ) -> tuple[Float[Array, ...], Float[Array, ...]]:
        delta, ended = step
        advantage = delta + discount * trace * jnp.where(ended, 0.0, following)
        return advantage, advantage

    _, advantage = jax.lax.scan(accumulate, jnp.zeros_like(delta[0]), (delta, ended), reverse=True)
    return advantage
