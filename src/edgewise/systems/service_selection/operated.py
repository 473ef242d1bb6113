"""The state of a session at work: who serves, what runs where, and what was learned of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from edgewise.common.errors import ConfigurationError
from edgewise.numerics.host_arrays import put
from edgewise.numerics.kept_programs import SizedProgram
from edgewise.systems.service_selection import tokens
from edgewise.systems.service_selection.arrivals import PoissonArrivals
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.curves import Curves, Prior
from edgewise.systems.service_selection.environment import Ended, ServiceSelection, ServiceSelectionState
from edgewise.systems.service_selection.experience import Experience, learn
from edgewise.systems.service_selection.experience import begin as nothing_known
from edgewise.systems.service_selection.market import Market
from edgewise.systems.service_selection.sampling import RUNNING_TIME, SECONDS_PER_UNIT, Providers
from edgewise.systems.service_selection.words import MOST_POINTS

MOST_TASKS = 128
"""Tasks that may run at one provider."""
USUAL_TASKS = 8
"""Tasks at one provider for which programs are ready beforehand, if it has room for as many."""


@dataclass(frozen=True)
class Provider:
    """Who serves.

    Attributes:
        name: of its own.
        capacity: denoising steps that may run at the same time.
        leaving: whether it takes no more tasks.
    """

    name: str
    capacity: float
    leaving: bool = False


@dataclass(frozen=True)
class Running:
    """A task that runs.

    Attributes:
        provider: where.
        place: among the tasks there.
        steps: T.
        started_s: when it was assigned.
    """

    provider: str
    place: int
    steps: float
    started_s: float


@dataclass(frozen=True)
class Finished:
    """A task that is done, until the next one arrives; attributes as of `Running`, and the quality that was observed."""

    provider: str
    place: int
    steps: float
    quality: float


@dataclass(frozen=True)
class Operated:
    """A session at work.

    Attributes:
        config: what is known of the tasks.
        providers: in the order in which they came.
        experience: what was learned, with a row for each provider.
        running: by task.
        finished: since a task was last asked for.
        waiting: tasks that have arrived and found no room.
        time_s: of the last request that told one.
        arrived_s: when the last task arrived; None before the first.
        count: tasks that have arrived.
    """

    config: ServiceSelectionConfig
    providers: tuple[Provider, ...]
    experience: Experience
    running: Mapping[str, Running] = field(default_factory=dict)
    finished: tuple[Finished, ...] = ()
    waiting: tuple[str, ...] = ()
    time_s: float | None = None
    arrived_s: float | None = None
    count: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Of the providers."""
        return tuple(each.name for each in self.providers)

    def of(self, provider: str) -> dict[str, Running]:
        """Tasks that run at a provider."""
        return {task: each for task, each in self.running.items() if each.provider == provider}

    def capacity(self, provider: Provider) -> float:
        """Steps that may run at a provider; no more than do, if it has `MOST_TASKS` tasks."""
        there = self.of(provider.name).values()
        return sum(each.steps for each in there) if len(there) >= MOST_TASKS else provider.capacity

    def free(self, provider: Provider) -> float:
        """Steps that a provider can still take."""
        used = sum(each.steps for each in self.of(provider.name).values())
        return 0.0 if provider.leaving else self.capacity(provider) - used

    def at(self, time_s: float | None) -> Operated:
        """The same at a later time; at the same if it is not told.

        Raises:
            ConfigurationError: if the time is earlier than one before.
        """
        if time_s is None:
            return self
        if self.time_s is not None and time_s < self.time_s:
            raise ConfigurationError("time_s", time_s, f"at least {self.time_s}, the time of a request before")
        return replace(self, time_s=time_s)


def opened(config: ServiceSelectionConfig, providers: Sequence[Provider]) -> Operated:
    """A session in which nothing has happened; nothing is known of any provider."""
    capacity = [each.capacity for each in providers]
    return Operated(config, tuple(providers), _nothing_known(_system(config, capacity, 1)))


def joined(state: Operated, provider: Provider) -> Operated:
    """A session with one more provider, of whom nothing is known."""
    own = _nothing_known(_system(state.config, [provider.capacity], 1))
    experience = _rows(state.experience, own, lambda mine, new: np.concatenate([mine, new]))
    return replace(state, providers=(*state.providers, provider), experience=experience)


def informed(state: Operated, provider: str, points: Sequence[tuple[float, float]], deviation: float) -> Operated:
    """A session that believes some points of the curve of a provider of whom nothing was known.

    Args:
        state: before.
        provider: whose curve it is.
        points: steps and quality.
        deviation: of the qualities.
    """
    told = np.zeros((2, 1, MOST_POINTS), np.float32)
    told[:, 0, : len(points)] = np.asarray(points, np.float32).T
    row, curves = state.names.index(provider), state.experience.curves
    size, score = put(told[0]), put(told[1])
    own = _learned(prior_of(state.config), size, score, jnp.asarray(deviation, dtype=float))
    rows = (np.array(each) for each in (curves.mean, curves.covariance))
    changed = []
    for mine, new in zip(rows, (own.mean, own.covariance), strict=True):
        mine[row] = new[0]
        changed.append(put(mine))
    return replace(state, experience=replace(state.experience, curves=Curves(*changed)))


def without(state: Operated, provider: str) -> Operated:
    """A session without one of its providers, and all that was known of it."""
    place = state.names.index(provider)
    return replace(
        state,
        providers=state.providers[:place] + state.providers[place + 1 :],
        experience=_rows(state.experience, state.experience, lambda mine, _: np.delete(mine, place, 0)),
        finished=tuple(each for each in state.finished if each.provider != provider),
    )


def arrived(state: Operated, task: str, steps: float) -> tuple[Operated, dict[str, Any]]:
    """A session that a task has reached, and what a policy sees.

    Args:
        state: at the time of the request, with what has finished.
        task: its name; one that waits already does not count as another one.
        steps: its size.
    """
    assert state.time_s is not None
    again = task in state.waiting
    gap = 0.0 if state.arrived_s is None or again else state.time_s - state.arrived_s
    count = max(state.count - again, 0)
    places = places_of(state)
    system = _system(state.config, [state.capacity(each) for each in state.providers], places)
    seen = _situation(state, places, system, steps, gap, count)
    experience, observation = _learn_and_see(system, state.experience, seen)
    if again:
        experience = replace(experience, sizes=state.experience.sizes, gap=state.experience.gap)
    following = replace(
        state,
        experience=experience,
        finished=(),
        arrived_s=state.arrived_s if again else state.time_s,
        count=state.count + (not again),
    )
    return following, jax.device_get(observation)


def running_s(steps: float) -> float:
    """Seconds that a task is expected to run, see `sampling.running_time`."""
    return float(np.polyval(RUNNING_TIME, steps)) * SECONDS_PER_UNIT


def places_of(state: Operated) -> int:
    """Tasks at one provider for which there is a place: more than run anywhere, a power of two, so that programs are few."""
    largest = max(each.capacity for each in state.providers)
    used = [each.place + 1 for each in state.running.values()] + [each.place + 1 for each in state.finished]
    wanted = max(min(int(largest // state.config.smallest_task), USUAL_TASKS), 1, *used)
    return 1 << (wanted - 1).bit_length()


def prior_of(config: ServiceSelectionConfig) -> Prior:
    """What is believed of any provider's curve."""
    kinds = (config.largest_task - config.smallest_task) // config.task_step + 1
    return Prior.of_sizes(config.smallest_task, config.task_step, kinds, config.with_offset)


def _system(config: ServiceSelectionConfig, capacity: Sequence[float], places: int) -> ServiceSelection:
    """The system whose operator the session is. Curves are of nobody: nothing that is asked of it reads them.

    Its numbers are data, so that sessions with other ones share programs.
    """
    plain = ServiceSelectionConfig(
        providers=len(capacity), observation="entities", quality_drift=float(config.quality_drift > 0)
    )
    prior = prior_of(config)
    none, one = (put(np.full(len(capacity), each), float) for each in (0.0, 1.0))
    providers = Providers(put(capacity, float), none, none, one, none)
    system = ServiceSelection(
        plain, providers, PoissonArrivals(prior.smallest, prior.spacing, len(prior.mean)), prior, places
    )
    system = eqx.tree_at(
        lambda each: (each.arrival_rate, each.crash_penalty, each.noise),
        system,
        tuple(
            jnp.asarray(each, dtype=float) for each in (config.arrival_rate, config.crash_penalty, config.quality_noise)
        ),
    )
    if system.changes is None:
        return system
    told = tuple(jnp.asarray(each, dtype=float) for each in (config.quality_drift, config.drift_time))
    drifting: ServiceSelection = eqx.tree_at(lambda each: (each.changes.drift, each.changes.drift_time), system, told)
    return drifting


def _situation(
    state: Operated, places: int, system: ServiceSelection, steps: float, gap: float, count: int
) -> ServiceSelectionState:
    """The state of the system as an operator knows it."""
    rows = {name: row for row, name in enumerate(state.names)}
    size, left, ended, score = np.zeros((4, len(rows), places), np.float32)
    now = state.time_s or 0.0
    for each in state.running.values():
        at = rows[each.provider], each.place
        size[at] = each.steps
        left[at] = max(running_s(each.steps) - (now - each.started_s), 0.0)
    for one in state.finished:
        at = rows[one.provider], one.place
        ended[at], score[at] = one.steps, one.quality
    there = np.asarray([not each.leaving for each in state.providers])
    nothing = np.zeros_like(size)
    market = Market(system.providers, put(nothing[:, 0]), put(there))
    return ServiceSelectionState(
        size=put(size),
        left=put(left),
        score=put(nothing),
        ended=Ended(put(ended), put(score)),
        task=jnp.asarray(steps, dtype=float),
        gap=jnp.asarray(gap, dtype=float),
        count=jnp.asarray(count),
        source=(),
        market=market,
    )


def _rows(one: Experience, other: Experience, change: Any) -> Experience:
    """An experience with other rows of providers."""

    def changed(mine: Any, others: Any, name: str) -> Array:
        return put(change(np.asarray(getattr(mine, name)), np.asarray(getattr(others, name))))

    curves = Curves(*(changed(one.curves, other.curves, name) for name in ("mean", "covariance")))
    rows = {name: changed(one, other, name) for name in ("done", "scores", "price", "open")}
    return replace(one, curves=curves, **rows)


_nothing_known = SizedProgram(nothing_known)


@SizedProgram
def _learn_and_see(
    system: ServiceSelection, before: Experience, state: ServiceSelectionState
) -> tuple[Experience, Any]:
    experience = learn(system, before, state)
    return experience, tokens.observe(system, state, experience)


@SizedProgram
def _learned(prior: Prior, size: Array, score: Array, deviation: Array) -> Curves:
    return Curves.unknown(1).learn(prior, size, score, deviation)
