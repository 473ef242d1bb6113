"""The entity observation of service selection: the waiting task, the providers that can take it, and what is believed of them.

A provider that has no room for the task, or has left, is not among those that are seen, so no policy sends a task where
it crashes; how full they all are is told with the task. If none has room, all that are there are seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from edgewise.environments.bipartite import ADVICE, PAIRS, Bipartite
from edgewise.environments.quantities import MOST, Quantity, bounded, entities
from edgewise.environments.spaces import MASK
from edgewise.systems.service_selection import prices
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState
from edgewise.systems.service_selection.experience import Experience, demand
from edgewise.systems.service_selection.sampling import running_time

TASKS, PROVIDERS = "tasks", "providers"
HORIZONS = (0.1, 0.3, 0.6)
"""Times in which room becomes free again, as parts of the longest running time."""
OPTIMISM = 0.5
"""Standard deviations that are added to an estimate, so that what is not known yet is tried."""
NEAR = 0.05
"""Utility that counts as one in differences between providers."""
SURE = 0.005
"""Utility by which a provider must be ahead to be e times as probable at first."""
LONGEST_ADVICE = 40.0
"""Lowest logit of a rule, with its sign changed."""
SHARE, STEPS, UTILITY, TIME, FLAG, NEARNESS = (
    Quantity("1", 0, 1),
    Quantity("largest task"),
    Quantity("utility", -MOST, MOST),
    Quantity("longest running time"),
    Quantity(None),
    Quantity("0.05 utility", -MOST, MOST),
)
TASK_FIELDS = {
    "size": SHARE,
    "work": Quantity("mean task"),
    "load": Quantity("1"),
    "full": SHARE,
    "room": SHARE,
    "freed": SHARE,
    "best": UTILITY,
    "unknown": SHARE,
}
"""T; step-seconds; steps that run at a time if all tasks are served, over all capacity; part of all capacity in use; providers
with room for it, of all; part of all capacity that is free again after `HORIZONS[1]`; the highest estimate among those with room;
providers at which no task was done yet."""
PROVIDER_FIELDS = {
    "capacity": STEPS,
    "free": STEPS,
    "full": SHARE,
    "after": SHARE,
    "idle": FLAG,
    "another": FLAG,
    "first_end": TIME,
    **{f"freed_{number}": SHARE for number in range(1, len(HORIZONS) + 1)},
    "backlog": SHARE,
    "price": UTILITY,
    "done": Quantity("logarithm of tasks"),
    "running": Quantity("logarithm of tasks"),
    "average": UTILITY,
}
"""Capacity and what is free of it; part in use, now and with the task; whether nothing runs, and whether a mean task
fits beside this one; time until its next task ends; part
of its capacity that is free again after each of `HORIZONS`; part of it that is in use in the longest running time to come, if no
task follows; lambda; tasks done and running; mean estimate over all sizes."""
PAIR_FIELDS = {
    "estimate": UTILITY,
    "deviation": SHARE,
    "certainty_to_come": SHARE,
    "charge": UTILITY,
    "net": UTILITY,
    "behind": NEARNESS,
    "quality_behind": NEARNESS,
    "optimistic_behind": NEARNESS,
    "rank": SHARE,
    ADVICE: Quantity("logit", -LONGEST_ADVICE, 0.0),
}
"""Estimated utility of the task, its standard deviation, and that when all running tasks are done; what room costs
(`prices.charge`); utility less that; how far this is behind the best with room, by the estimate less the charge, by the estimate
alone, and by the estimate with `OPTIMISM` less the charge; the part of those with room that is better by the latter; and the
latter in units of `SURE`, the logits of the rule "bid-price"."""


def space(providers: int) -> Bipartite:
    """The space of the observation; see `observe`."""
    sets = {
        TASKS: entities(TASK_FIELDS, 1),
        PROVIDERS: entities(PROVIDER_FIELDS, providers),
        PAIRS: entities(PAIR_FIELDS, 1, (providers,)),
    }
    return Bipartite(sets, rows=TASKS, columns=PROVIDERS)


@dataclass(frozen=True)
class Offers:
    """What the providers offer for the waiting task.

    Attributes:
        can: who is seen: those with room, or all that are there if none has room.
        estimate, deviation, to_come: utility, its standard deviation now and when running tasks are done.
        charge: what room costs.
    """

    can: Array
    estimate: Float[Array, " i"]
    deviation: Float[Array, " i"]
    to_come: Float[Array, " i"]
    charge: Float[Array, " i"]

    @property
    def optimistic(self) -> Float[Array, " i"]:
        """Estimate with a bonus for what is not known and is not about to be, less the charge."""
        return self.estimate + OPTIMISM * self.to_come - self.charge


def offers(system: ServiceSelection, state: ServiceSelectionState, experience: Experience) -> Offers:
    """What the providers offer for the waiting task."""
    prior, free = system.prior, system.free(state)
    fits, there = state.task <= free, system.is_open(state)
    estimate, deviation = experience.curves.estimate(prior, state.task)
    to_come = experience.curves.sharpened(prior, state.size, system.noise).estimate(prior, state.task)[1]
    can = jnp.where(fits.any(), fits & there, there | ~there.any())
    return Offers(can, estimate, deviation, to_come, charges(system, state, experience, experience.price))


def charges(
    system: ServiceSelection, state: ServiceSelectionState, experience: Experience, price: Float[Array, " i"]
) -> Float[Array, " i"]:
    """What room for the waiting task costs at prices lambda_i."""
    arriving, free = demand(system, experience), system.free(state)
    work = state.task * running_time(state.task) / arriving.mean_work
    full = 1 - free / system.present(state).capacity
    return prices.charge(price, work, full, free - state.task < arriving.mean_size)


def choose(system: ServiceSelection, state: ServiceSelectionState, merit: Float[Array, " i"]) -> Int[Array, ""]:
    """The provider with room that has most merit; with room nowhere, who is there and has most of it."""
    free = system.free(state)
    fits = state.task <= free
    best = jnp.argmax(jnp.where(fits, merit, -jnp.inf))
    return jnp.where(fits.any(), best, jnp.argmax(jnp.where(system.is_open(state), free, -1.0)))


def observe(system: ServiceSelection, state: ServiceSelectionState, experience: Experience) -> dict[str, Any]:
    """What a policy sees, an element of `space`."""
    offer = offers(system, state, experience)
    one = jnp.ones(1, bool)
    pairs = _seen(PAIR_FIELDS, _pair(offer), offer.can)
    return {
        TASKS: {MASK: one, **_seen(TASK_FIELDS, _task(system, state, experience, offer), one)},
        PROVIDERS: {MASK: offer.can, **_seen(PROVIDER_FIELDS, _provider(system, state, experience), offer.can)},
        PAIRS: {MASK: one, **{name: number[None] for name, number in pairs.items()}},
    }


def _seen(fields: dict[str, Quantity], numbers: dict[str, Array], there: Array) -> dict[str, Array]:
    """Numbers within their bounds; zero, as `padding` has it, for what is not there."""
    shown = bounded(fields, numbers)
    return {name: jnp.where(there, number, jnp.zeros_like(number)) for name, number in shown.items()}


def _task(
    system: ServiceSelection, state: ServiceSelectionState, experience: Experience, offer: Offers
) -> dict[str, Array]:
    capacity = jnp.where(system.is_open(state), system.present(state).capacity, 0.0)
    total, arriving, longest = capacity.sum(), demand(system, experience), running_time(system.prior.sizes[-1])
    later = jnp.where(state.left > HORIZONS[1] * longest, state.size, 0.0).sum()
    numbers = {
        "size": state.task / system.prior.sizes[-1],
        "work": state.task * running_time(state.task) / arriving.mean_work,
        "load": arriving.offered / total,
        "full": state.size.sum() / total,
        "room": offer.can.mean(),
        "freed": 1 - later / total,
        "best": jnp.where(offer.can, offer.estimate, -jnp.inf).max(),
        "unknown": (experience.done.sum(1) == 0).mean(),
    }
    return {name: number[None] for name, number in numbers.items()}


def _provider(system: ServiceSelection, state: ServiceSelectionState, experience: Experience) -> dict[str, Array]:
    capacity, largest = system.present(state).capacity, system.prior.sizes[-1]
    free, longest = system.free(state), running_time(largest)
    running = state.size > 0
    end = jnp.where(running, state.left, longest).min(1)
    later = [jnp.where(state.left > part * longest, state.size, 0.0).sum(1) for part in HORIZONS]
    return {
        "capacity": capacity / largest,
        "free": free / largest,
        "full": 1 - free / capacity,
        "after": 1 - (free - state.task) / capacity,
        "idle": ~running.any(1),
        "another": free - state.task >= demand(system, experience).mean_size,
        "first_end": end / longest,
        **{f"freed_{number}": 1 - each / capacity for number, each in enumerate(later, 1)},
        "backlog": (state.size * state.left).sum(1) / (capacity * longest),
        "price": experience.price,
        "done": jnp.log1p(experience.done.sum(1)),
        "running": jnp.log1p(running.sum(1)),
        "average": experience.curves.table(system.prior).mean(1),
    }


def _pair(offer: Offers) -> dict[str, Array]:
    net = offer.estimate - offer.charge
    return {
        "estimate": offer.estimate,
        "deviation": offer.deviation,
        "certainty_to_come": offer.to_come,
        "charge": offer.charge,
        "net": net,
        "behind": _behind(net, offer.can),
        "quality_behind": _behind(offer.estimate, offer.can),
        "optimistic_behind": _behind(offer.optimistic, offer.can),
        "rank": _rank(offer.optimistic, offer.can),
        ADVICE: _behind(offer.optimistic, offer.can) * (NEAR / SURE),
    }


def _behind(value: Float[Array, " i"], can: Array) -> Float[Array, " i"]:
    return (value - jnp.where(can, value, -jnp.inf).max()) / NEAR


def _rank(value: Float[Array, " i"], can: Array) -> Float[Array, " i"]:
    better = (value[None, :] > value[:, None]) & can[None, :]
    return better.sum(1) / jnp.maximum(can.sum(), 1)
