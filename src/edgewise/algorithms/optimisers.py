"""The optimiser of every learner."""

from __future__ import annotations

import optax


def falling_adam(rate: float, final_rate: float, updates: int, epsilon: float = 1e-8) -> optax.GradientTransformation:
    """Adam whose learning rate falls along a cosine to a share of its start over the run's updates."""
    return optax.adam(optax.cosine_decay_schedule(rate, max(updates, 1), final_rate), eps=epsilon)
