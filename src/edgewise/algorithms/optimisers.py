"""The optimiser of every learner."""

from __future__ import annotations

import jax.numpy as jnp
import optax


def falling_adam(
    rate: float, final_rate: float, updates: int, epsilon: float = 1e-8, decay: float = 0.0, idle: int = 0
) -> optax.GradientTransformation:
    """Adam whose learning rate falls along a cosine to a share of its start over the run's updates.

    With a decay, that part of every parameter is added to its gradient first (L2 regularisation). In the first `idle` updates
    the rate is 0.
    """
    falling = optax.cosine_decay_schedule(rate, max(updates, 1), final_rate)
    adam = optax.adam(
        lambda count: jnp.where(count < idle, 0.0, falling(count)) if idle else falling(count), eps=epsilon
    )
    return optax.chain(optax.add_decayed_weights(decay), adam) if decay else adam
