"""Whether providers can serve a workload at all: how full it keeps them, and what part of it the best reference finishes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from edgewise.environments.episode import record_episode
from edgewise.systems.service_selection import references
from edgewise.systems.service_selection.arrivals import RecordedArrivals
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.systems.service_selection.sampling import Providers, running_time
from edgewise.systems.service_selection.workload import Workload

ENOUGH = 0.95
"""Share of tasks from which on a workload counts as one that can be served."""
HALVINGS = 6
"""Lower arrival rates that are tried, each half of the one before."""


@dataclass(frozen=True)
class Load:
    """What a workload asks of providers.

    Attributes:
        mean: share of all providers' capacity that it would fill on average, were no task lost.
        busiest: the same at its busiest moment.
        finished: share of tasks that prophet does not lose in crashes.
        servable_rate: an arrival rate, 1/s, at which prophet finishes nearly all. None if it does so already, or at no rate
            that was tried.
    """

    mean: float
    busiest: float
    finished: float
    servable_rate: float | None

    def remarks(self) -> list[str]:
        """What the load means, in lines of words."""
        lines = [
            f"providers: filled to {self.mean:.0%} on average, to {self.busiest:.0%} at the busiest moment; prophet, which knows "
            f"every provider, finishes {self.finished:.1%} of the tasks"
        ]
        if self.finished < ENOUGH:
            rate = "no rate that was tried would do; more providers are needed"
            if self.servable_rate is not None:
                rate = f"they could at --arrival-rate {self.servable_rate:.3g}, or with more providers"
            lines.append(f"too much load: the providers cannot serve this workload, whatever the policy; {rate}")
        return lines


def measure_load(workload: Workload, config: ServiceSelectionConfig, providers: Providers | None = None) -> Load:
    """Hold a workload against the providers.

    Args:
        workload: all of its requests are played, in order.
        config: the system; its number of tasks does not count.
        providers: If None, those that `config` draws.
    """
    tasks = workload.requests - 1
    arrivals = RecordedArrivals.build(workload, workload.mean_gap, tasks)
    environment = ServiceSelection(replace(config, tasks=tasks), providers, arrivals)
    size = workload.size_steps
    time = workload.time_s / (workload.mean_gap * config.arrival_rate)
    duration = np.asarray(running_time(jnp.asarray(size)), dtype=float)
    capacity = float(np.asarray(environment.providers.capacity, dtype=float).sum())
    finished = _prophet_finishes(environment)
    return Load(
        mean=float((size * duration).sum() / (time[-1] - time[0]) / capacity),
        busiest=_busiest(time, duration, size) / capacity,
        finished=finished,
        servable_rate=None if finished >= ENOUGH else _servable_rate(environment),
    )


def _busiest(time: Float[np.ndarray, " n"], duration: Float[np.ndarray, " n"], size: Float[np.ndarray, " n"]) -> float:
    """Most steps that would run at once, right after an arrival."""
    order = np.argsort(time + duration)
    done = np.concatenate([[0.0], np.cumsum(size[order])])
    return float((np.cumsum(size) - done[np.searchsorted((time + duration)[order], time, side="right")]).max())


def _prophet_finishes(environment: ServiceSelection) -> float:
    return float(1 - _lost(environment) / environment.config.tasks)


@eqx.filter_jit
def _lost(environment: ServiceSelection) -> Float[Array, ""]:
    _, timesteps, _ = record_episode(environment, references.build(environment)["prophet"], jax.random.key(0))
    return timesteps.info["crashed"].sum()


def _servable_rate(environment: ServiceSelection) -> float | None:
    for halvings in range(1, HALVINGS + 1):
        slower = eqx.tree_at(lambda e: e.arrival_rate, environment, environment.arrival_rate * 0.5**halvings)
        if _prophet_finishes(slower) >= ENOUGH:
            return float(slower.arrival_rate)
    return None
