"""The optimiser of every learner, and one step of it."""

from __future__ import annotations

from typing import Any, TypeVar

import equinox as eqx
import jax.numpy as jnp
import optax

Module = TypeVar("Module")


def falling_adam(
    rate: float,
    final_rate: float,
    updates: int,
    *,
    epsilon: float = 1e-8,
    decay: float = 0.0,
    decoupled_decay: float = 0.0,
    clip: float | None = None,
    idle: int = 0,
) -> optax.GradientTransformation:
    """Adam whose learning rate falls along a cosine over the updates of the run (Kingma and Ba, 2015).

    Args:
        rate: learning rate at the start.
        final_rate: share of it that is left at the end; 1 keeps it.
        updates: calls of `descend` in the whole run.
        epsilon: added to the root of the second moment.
        decay: that part of every parameter is added to its gradient (L2 regularisation).
        decoupled_decay: weight decay beside the gradient (Loshchilov and Hutter, 2019).
        clip: a gradient of larger norm is shortened to it. If None, no gradient is.
        idle: first updates in which the learning rate is 0.
    """
    falling = optax.cosine_decay_schedule(rate, max(updates, 1), final_rate)
    schedule = (lambda count: jnp.where(count < idle, 0.0, falling(count))) if idle else falling
    if decoupled_decay:
        optimiser = optax.adamw(schedule, eps=epsilon, weight_decay=decoupled_decay)
    else:
        optimiser = optax.adam(schedule, eps=epsilon)
    first = [] if clip is None else [optax.clip_by_global_norm(clip)]
    if decay:
        first.append(optax.add_decayed_weights(decay))
    return optax.chain(*first, optimiser) if first else optimiser


def begin(optimiser: optax.GradientTransformation, module: Any) -> optax.OptState:
    """State of the optimiser before its first step."""
    return optimiser.init(eqx.filter(module, eqx.is_inexact_array))


def descend(
    optimiser: optax.GradientTransformation, module: Module, gradient: Any, state: optax.OptState
) -> tuple[Module, optax.OptState]:
    """One step against a gradient.

    Args:
        optimiser: how far to go.
        module: whose parameters are moved; a network, a policy, or a single array.
        gradient: the gradient of a loss with respect to them.
        state: the state of the optimiser, from `begin` or the step before.

    Returns:
        The module after the step, and the state of the optimiser to go on with.
    """
    step, state = optimiser.update(gradient, state, eqx.filter(module, eqx.is_inexact_array))
    moved: Module = eqx.apply_updates(module, step)
    return moved, state
