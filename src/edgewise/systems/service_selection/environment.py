"""The service-selection environment: each arriving task goes to one provider (D2SAC paper, sections 3 and 5.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.environments.environment import Environment, Late, TimeStep
from edgewise.environments.spaces import Box, Discrete
from edgewise.systems.service_selection.arrivals import Arrivals, PoissonArrivals
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.curves import Prior
from edgewise.systems.service_selection.market import Changes, Market
from edgewise.systems.service_selection.sampling import CAPACITY, Providers, draw_providers, running_time

NOISE, MARKET = 1, 2
"""Folded into the key of a step, so that what is drawn of them leaves the arrivals as they are."""


class Ended(eqx.Module):
    """Tasks that ended between the assignment before and this one, in the places where they ran.

    Attributes:
        size: T, denoising steps; 0 where none ended.
        score: the quality that was observed.
    """

    size: Float[Array, "i n"]
    score: Float[Array, "i n"]


class ServiceSelectionState(eqx.Module):
    """Tasks that run, and the one that waits for a provider.

    Attributes:
        size: T of each running task, denoising steps; 0 where nothing runs.
        left: seconds until it is done.
        score: its quality as it will be observed when it is done. Hidden until then.
        ended: what ended since the assignment before.
        task: T of the waiting task.
        gap: seconds between the arrival of the task before and its own; 0 for the first one.
        count: tasks assigned so far.
        source: state of the arrivals.
        market: the providers as they are now, where they change; else empty.
        assigned: tasks that had been assigned before each running one, where utilities are paid late; else empty.
    """

    size: Float[Array, "i n"]
    left: Float[Array, "i n"]
    score: Float[Array, "i n"]
    ended: Ended
    task: Float[Array, ""]
    gap: Float[Array, ""]
    count: Int[Array, ""]
    source: Any
    market: Market | tuple[()] = ()
    assigned: Int[Array, "i n"] | tuple[()] = ()


class Placed(eqx.Module):
    """Providers with the task that waited at one of them, before time passes.

    Attributes:
        fits: whether that provider has room for it; otherwise it crashes, or if it has left, the task alone is lost.
        utility: of the task, if it fits.
        observed: the same as it will be observed.
        penalty: (18), if the provider crashes.
        lost: utility of the tasks that ran there, if it crashes.
        crashed: tasks that a crash loses, the new one among them.
        taken: the place where the task runs.
        size, left, score: as in `ServiceSelectionState`.
    """

    fits: Bool[Array, ""]
    utility: Float[Array, ""]
    observed: Float[Array, ""]
    penalty: Float[Array, ""]
    lost: Float[Array, ""]
    crashed: Float[Array, ""]
    taken: Bool[Array, "i n"]
    size: Float[Array, "i n"]
    left: Float[Array, "i n"]
    score: Float[Array, "i n"]


class ServiceSelection(Environment[ServiceSelectionState]):
    """Assign arriving tasks to providers of unknown quality without crashing them.

    Attributes:
        providers: capacities and quality curves.
        arrivals: where tasks come from.
        arrival_rate: mean tasks per second.
        quality_baseline: subtracted from the utility of an accepted task.
        crash_penalty: unit of the penalty (18).
        noise: standard deviation of an observed score.
        changes: how providers change. None if they do not.
        prior: what is believed of any provider's quality before a task is done.
        config: sizes and options.
        places: most tasks that any provider can run at once.
    """

    providers: Providers
    arrivals: Arrivals
    arrival_rate: Float[Array, ""]
    quality_baseline: Float[Array, ""]
    crash_penalty: Float[Array, ""]
    noise: Float[Array, ""]
    changes: Changes | None
    prior: Prior
    config: ServiceSelectionConfig = eqx.field(static=True)
    places: int = eqx.field(static=True)

    def __init__(
        self,
        config: ServiceSelectionConfig,
        providers: Providers | None = None,
        arrivals: Arrivals | None = None,
        prior: Prior | None = None,
        places: int | None = None,
    ) -> None:
        """Build the system; `build.environment` does so from the files that a configuration names.

        Args:
            config: sizes, options and numbers.
            providers: If None, they are drawn with `config.instance_seed`.
            arrivals: If None, a Poisson process.
            prior: beliefs at the sizes of tasks. If None, at those of `config`.
            places: tasks that any provider can run at once. If None, as many as the smallest task allows.
        """
        kinds = (config.largest_task - config.smallest_task) // config.task_step + 1
        if providers is None:
            providers = draw_providers(jax.random.key(config.instance_seed), config.providers)
        if arrivals is None:
            arrivals = PoissonArrivals(config.smallest_task, config.task_step, kinds)
        self.providers = providers
        self.arrivals = arrivals
        self.arrival_rate = jnp.asarray(config.arrival_rate, dtype=float)
        self.quality_baseline = jnp.asarray(config.quality_baseline, dtype=float)
        self.crash_penalty = jnp.asarray(config.crash_penalty, dtype=float)
        self.noise = jnp.asarray(config.quality_noise, dtype=float)
        self.changes = None
        if config.quality_drift or config.provider_turnover:
            rates = config.quality_drift, config.drift_time, config.provider_turnover / config.tasks
            self.changes = Changes(*(jnp.asarray(rate, dtype=float) for rate in rates))
        self.config = config
        if prior is None:
            prior = Prior.of_sizes(config.smallest_task, config.task_step, kinds, config.with_offset)
        self.prior = prior
        if places is None:
            largest = max(np.max(providers.capacity), CAPACITY[1] if config.provider_turnover else 0)
            places = max(1, int(largest // config.smallest_task))
        self.places = places

    @property
    def observation_space(self) -> Box:
        """Size and running time of the task, for each provider capacity and free share, and the mask; see `observe`."""
        size = 2 + (3 if self.config.show_mask else 2) * len(self.providers.capacity)
        return Box(np.zeros(size, np.float32), np.ones(size, np.float32))

    @property
    def action_space(self) -> Discrete:
        """Index of the provider."""
        return Discrete(len(self.providers.capacity))

    @property
    def action_mask(self) -> bool:
        return self.config.show_mask

    @property
    def horizon(self) -> int:
        return self.config.tasks * (1 + self.config.earlier_episodes)

    def reset(self, key: PRNGKeyArray) -> tuple[ServiceSelectionState, Float[Array, " o"]]:
        """Idle providers and a first task."""
        idle = jnp.zeros((len(self.providers.capacity), self.places))
        source, size = self.arrivals.reset(key)
        market = () if self.changes is None else self.changes.begin(jax.random.fold_in(key, MARKET), self.providers)
        state = ServiceSelectionState(
            size=idle,
            left=idle,
            score=idle,
            ended=Ended(idle, idle),
            task=size,
            gap=jnp.zeros(()),
            count=jnp.zeros((), int),
            source=source,
            market=market,
            assigned=jnp.zeros(idle.shape, int) if self.config.quality_delay else (),
        )
        return state, self.observe(state)

    def step(
        self, key: PRNGKeyArray, state: ServiceSelectionState, action: Int[Array, ""]
    ) -> tuple[ServiceSelectionState, TimeStep]:
        """Assign the waiting task, then let time pass until the next arrival.

        If the task does not fit into what the provider has free, the provider crashes: its running tasks and the new one are
        lost, and the reward is minus the penalty (18) with the remaining progress of each lost task. (As printed, (18) grows
        with the progress made; the text around it describes the remaining one.) Who has left takes no task: the new one is lost
        alone.
        """
        source, gap, following = self.arrivals.advance(key, state.source)
        error: Float[Array, ""] | float = 0.0
        if self.config.quality_noise:
            error = self.noise * jax.random.normal(jax.random.fold_in(key, NOISE))
        seconds = gap / self.arrival_rate
        next_state, timestep = self.assign(state, action, seconds, following, error)
        next_state = replace(next_state, source=source)
        if self.changes is None or isinstance(state.market, tuple):
            return next_state, timestep
        idle = next_state.size.sum(axis=1) == 0
        market = self.changes.advance(jax.random.fold_in(key, MARKET), state.market, seconds, idle)
        next_state = replace(next_state, market=market)
        return next_state, replace(timestep, observation=self.observe(next_state))

    def assign(
        self,
        state: ServiceSelectionState,
        action: Int[Array, ""],
        gap: Float[Array, ""],
        following: Float[Array, ""],
        error: Float[Array, ""] | float = 0.0,
    ) -> tuple[ServiceSelectionState, TimeStep]:
        """`step` with what chance would draw, while providers stay as they are.

        Args:
            state: before the step.
            action: index of the provider.
            gap: seconds to the next arrival.
            following: size of the next task.
            error: of the score that will be observed.
        """
        placed = self._place(state, action, error)
        left, count = placed.left - gap, state.count + 1
        over = count % self.config.tasks == 0
        done = (placed.size > 0) & ((left <= 0) | (over & (count < self.horizon)))
        next_state = ServiceSelectionState(
            size=jnp.where(done, 0.0, placed.size),
            left=jnp.where(done, 0.0, jnp.maximum(left, 0.0)),
            score=placed.score,
            ended=Ended(jnp.where(done, placed.size, 0.0), jnp.where(done, placed.score, 0.0)),
            task=following,
            gap=gap,
            count=count,
            source=state.source,
            market=state.market,
            assigned=() if isinstance(state.assigned, tuple) else jnp.where(placed.taken, state.count, state.assigned),
        )
        return next_state, self._account(state, placed, done, next_state)

    def _place(self, state: ServiceSelectionState, action: Int[Array, ""], error: Float[Array, ""] | float) -> Placed:
        sizes, left = state.size[action], state.left[action]
        running = sizes > 0
        fits = state.task <= self.free(state)[action]
        utility = self.utility(state, state.task)[action]
        lasts = running & self.is_open(state)[action]
        remaining = jnp.where(lasts, left / jnp.where(running, running_time(sizes), 1.0), 0.0)
        lost = jax.vmap(lambda size: self.utility(state, size)[action])(sizes)
        place = jnp.arange(self.places) == jnp.argmin(running)
        chosen = (jnp.arange(len(self.providers.capacity)) == action)[:, None]
        duration = running_time(state.task)
        kept = jnp.where(lasts, 0.0, 1.0)
        taken = chosen & fits & place
        return Placed(
            fits=fits,
            utility=utility,
            observed=utility + error,
            penalty=self.crash_penalty * (1 + remaining.sum()),
            lost=(lost * lasts).sum(),
            crashed=1.0 + lasts.sum(),
            taken=taken,
            size=jnp.where(chosen, jnp.where(fits, jnp.where(place, state.task, sizes), kept * sizes), state.size),
            left=jnp.where(chosen, jnp.where(fits, jnp.where(place, duration, left), kept * left), state.left),
            score=jnp.where(taken, utility + error, state.score),
        )

    def _account(
        self, state: ServiceSelectionState, placed: Placed, done: Bool[Array, "i n"], after: ServiceSelectionState
    ) -> TimeStep:
        """What an assignment brings, in the state before and after it, with the tasks that are `done` since."""
        fits, truncated = placed.fits, after.count >= self.horizon
        utility_reward = jnp.where(fits, placed.observed - self.quality_baseline, 0.0)
        crash_reward = jnp.where(fits, 0.0, -placed.penalty)
        late: Late | tuple[()] = ()
        if not isinstance(after.assigned, tuple):
            paid = done | (truncated & (placed.size > 0))
            late = self._late(crash_reward, paid, state.count - after.assigned, placed.score)
            utility_reward = late.reward.sum()
        info = {
            "utility_reward": utility_reward,
            "crash_reward": crash_reward,
            "utility": jnp.where(fits, placed.utility, 0.0),
            "lost_utility": jnp.where(fits, 0.0, placed.lost),
            "finished": done.sum().astype(float),
            "crashed": jnp.where(fits, 0.0, placed.crashed),
            "crashes": jnp.where(fits, 0.0, 1.0),
            "unfinished": jnp.where(truncated, (after.size > 0).sum(), 0).astype(float),
        }
        reward = utility_reward + crash_reward
        if self.config.earlier_episodes:
            counts = self.counts(state)
            reward, info = jax.tree.map(lambda each: jnp.where(counts, each, 0.0), (reward, info))
            late = jax.tree.map(lambda each: jnp.where(counts, each, jnp.zeros_like(each)), late)
        return TimeStep(
            observation=self.observe(after),
            reward=reward,
            terminated=jnp.zeros((), bool),
            truncated=truncated,
            info=info,
            late=late,
        )

    def _late(
        self, own: Float[Array, ""], paid: Bool[Array, "i n"], age: Int[Array, "i n"], score: Float[Array, "i n"]
    ) -> Late:
        payment = jnp.where(paid, score - self.quality_baseline, 0.0)
        return Late(own, jnp.where(paid, age, 0).ravel(), payment.ravel())

    def counts(self, state: ServiceSelectionState) -> Bool[Array, ""]:
        """Whether what the next assignment brings counts, and is not of an earlier episode."""
        return state.count >= self.config.tasks * self.config.earlier_episodes

    def present(self, state: ServiceSelectionState) -> Providers:
        """The providers as they are now."""
        return self.providers if isinstance(state.market, tuple) else state.market.providers

    def is_open(self, state: ServiceSelectionState) -> Bool[Array, " i"]:
        """Who has not left."""
        return jnp.ones(self.providers.capacity.shape, bool) if isinstance(state.market, tuple) else state.market.open

    def utility(self, state: ServiceSelectionState, size: Float[Array, ""]) -> Float[Array, " i"]:
        """Utility u_i(T) of a task of `size` denoising steps at every provider now; with a drifting level within [0, 1]."""
        utility = self.present(state).utility(size, self.config.with_offset)
        return utility if isinstance(state.market, tuple) else jnp.clip(utility + state.market.level, 0.0, 1.0)

    def rewards(self, state: ServiceSelectionState) -> Float[Array, " i"]:
        """Reward of the waiting task at every provider, if it has room."""
        return self.utility(state, state.task) - self.quality_baseline

    def reward_of(self, size: Float[Array, ""]) -> Float[Array, " i"]:
        """Reward of a task of `size` denoising steps at every provider, if it has room."""
        return self.providers.utility(size, self.config.with_offset) - self.quality_baseline

    def free(self, state: ServiceSelectionState) -> Float[Array, " i"]:
        """Denoising steps that each provider can still take; none where one has left."""
        free = self.present(state).capacity - state.size.sum(axis=1)
        return free if isinstance(state.market, tuple) else jnp.where(state.market.open, free, 0.0)

    def observe(self, state: ServiceSelectionState) -> Float[Array, " o"]:
        """[T / T_max, running time / longest, capacity / largest ..., free / capacity ...], all in [0, 1].

        With `show_mask` one flag per provider follows, 1 where it has room for the task.
        """
        largest = jnp.asarray(float(self.config.largest_task))
        task = jnp.stack([state.task / largest, running_time(state.task) / running_time(largest)])
        capacity = self.present(state).capacity
        free = self.free(state)
        mask = [(state.task <= free).astype(free.dtype)] if self.config.show_mask else []
        return jnp.concatenate([task, capacity / capacity.max(), free / capacity, *mask])
