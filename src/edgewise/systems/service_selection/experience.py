"""What an operator learns while serving: qualities from finished tasks, how much arrives, and prices on room."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from edgewise.systems.service_selection import prices
from edgewise.systems.service_selection.curves import Curves, Prior
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState
from edgewise.systems.service_selection.prices import Demand
from edgewise.systems.service_selection.sampling import running_time

FOLLOWED = 500.0
"""Tasks over which the rate of arrivals is averaged."""
SIZES_PRIOR = 4.0
"""Tasks of each size that count as seen beforehand."""


class Experience(eqx.Module):
    """What is remembered.

    Attributes:
        curves: beliefs on the quality curves.
        done: finished tasks of each size at each provider [I, K].
        scores: sum of their scores [I, K].
        price: lambda_i on the room of each provider, utility per mean task.
        gap: mean time between two arrivals, s.
        sizes: tasks of each size that have arrived, with those that count as seen beforehand.
        open: who took tasks at the last assignment.
    """

    curves: Curves
    done: Float[Array, "i k"]
    scores: Float[Array, "i k"]
    price: Float[Array, " i"]
    gap: Float[Array, ""]
    sizes: Float[Array, " k"]
    open: Bool[Array, " i"]


def begin(system: ServiceSelection) -> Experience:
    """Before the first task: the rate of arrivals is as planned, sizes are equally frequent, and no room has a price."""
    providers, kinds = len(system.providers.capacity), len(system.prior.mean)
    none = jnp.zeros((providers, kinds))
    return Experience(
        curves=Curves.unknown(providers),
        done=none,
        scores=none,
        price=jnp.zeros(providers),
        gap=1 / system.arrival_rate,
        sizes=jnp.full(kinds, SIZES_PRIOR),
        open=jnp.ones(providers, bool),
    )


def learn(system: ServiceSelection, before: Experience, state: ServiceSelectionState) -> Experience:
    """What is known when the next task has arrived.

    Args:
        system: whose operator learns.
        before: what was known at the last assignment.
        state: now.
    """
    prior, ended, now = system.prior, state.ended, system.is_open(state)
    curves, done, scores, price = before.curves, before.done, before.scores, before.price
    if system.changes is not None:
        curves = curves.loosen(prior, 2 * system.changes.drift**2 * state.gap / system.changes.drift_time)
    curves = curves.learn(prior, ended.size, ended.score, system.noise)
    kinds = jnp.arange(done.shape[1])
    place = (ended.size[..., None] > 0) & (size_class(prior, ended.size)[..., None] == kinds)
    done = done + place.sum(1)
    scores = scores + (place * ended.score[..., None]).sum(1)
    if system.changes is not None:
        new = now & ~before.open
        curves = curves.forget(new)
        done, scores = (jnp.where(new[:, None], 0.0, each) for each in (done, scores))
        price = jnp.where(new, 0.0, price)
    gap = jnp.where(state.count > 0, before.gap + (state.gap - before.gap) / FOLLOWED, before.gap)
    sizes = before.sizes + (size_class(prior, state.task) == kinds)
    after = Experience(curves, done, scores, price, gap, sizes, now)
    capacity = jnp.where(now, system.present(state).capacity, 0.0)
    followed = prices.follow(price, curves.table(prior), demand(system, after), capacity, system.crash_penalty)
    return eqx.tree_at(lambda each: each.price, after, followed)


def demand(system: ServiceSelection, experience: Experience) -> Demand:
    """What arrives, by what has arrived so far."""
    sizes = system.prior.sizes
    share = experience.sizes / experience.sizes.sum()
    return Demand(1 / experience.gap, share, sizes, sizes * running_time(sizes))


def size_class(prior: Prior, size: Float[Array, "*b"]) -> Float[Array, "*b"]:
    """Index of the nearest of the sizes of tasks."""
    return jnp.clip(jnp.round((size - prior.smallest) / prior.spacing), 0, len(prior.mean) - 1)
