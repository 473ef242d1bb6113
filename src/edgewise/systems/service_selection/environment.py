"""The service-selection environment: each arriving task goes to one provider (D2SAC paper, sections 3 and 5.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box, Discrete
from edgewise.systems.service_selection.arrivals import Arrivals, PoissonArrivals
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.sampling import Providers, draw_providers, running_time


class ServiceSelectionState(eqx.Module):
    """Tasks that run, and the one that waits for a provider.

    Attributes:
        size: T of each running task, denoising steps; 0 where nothing runs.
        left: seconds until it is done.
        task: T of the waiting task.
        gap: seconds between the arrival of the task before and its own; 0 for the first one.
        count: tasks assigned so far.
        source: state of the arrivals.
    """

    size: Float[Array, "i n"]
    left: Float[Array, "i n"]
    task: Float[Array, ""]
    gap: Float[Array, ""]
    count: Int[Array, ""]
    source: Any


class ServiceSelection(Environment[ServiceSelectionState]):
    """Assign arriving tasks to providers of unknown quality without crashing them.

    Attributes:
        providers: capacities and quality curves.
        arrivals: where tasks come from.
        arrival_rate: mean tasks per second.
        quality_baseline: subtracted from the utility of an accepted task.
        crash_penalty: unit of the penalty (18).
        config: sizes and options.
        places: most tasks that any provider can run at once.
    """

    providers: Providers
    arrivals: Arrivals
    arrival_rate: Float[Array, ""]
    quality_baseline: Float[Array, ""]
    crash_penalty: Float[Array, ""]
    config: ServiceSelectionConfig = eqx.field(static=True)
    places: int = eqx.field(static=True)

    def __init__(
        self, config: ServiceSelectionConfig, providers: Providers | None = None, arrivals: Arrivals | None = None
    ) -> None:
        """Build the system; `build.environment` does so from the files that a configuration names.

        Args:
            config: sizes, options and numbers.
            providers: If None, they are drawn with `config.instance_seed`.
            arrivals: If None, a Poisson process.
        """
        if providers is None:
            providers = draw_providers(jax.random.key(config.instance_seed), config.providers)
        if arrivals is None:
            kinds = (config.largest_task - config.smallest_task) // config.task_step + 1
            arrivals = PoissonArrivals(config.smallest_task, config.task_step, kinds)
        self.providers = providers
        self.arrivals = arrivals
        self.arrival_rate = jnp.asarray(config.arrival_rate, dtype=float)
        self.quality_baseline = jnp.asarray(config.quality_baseline, dtype=float)
        self.crash_penalty = jnp.asarray(config.crash_penalty, dtype=float)
        self.config = config
        self.places = max(1, int(np.max(providers.capacity) // config.smallest_task))

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
        return self.config.tasks

    def reset(self, key: PRNGKeyArray) -> tuple[ServiceSelectionState, Float[Array, " o"]]:
        """Idle providers and a first task."""
        idle = jnp.zeros((len(self.providers.capacity), self.places))
        source, size = self.arrivals.reset(key)
        state = ServiceSelectionState(idle, idle, size, jnp.zeros(()), jnp.zeros((), int), source)
        return state, self.observe(state)

    def step(
        self, key: PRNGKeyArray, state: ServiceSelectionState, action: Int[Array, ""]
    ) -> tuple[ServiceSelectionState, TimeStep]:
        """Assign the waiting task, then let time pass until the next arrival.

        If the task does not fit into what the provider has free, the provider crashes: its running tasks and the new one are
        lost, and the reward is minus the penalty (18) with the remaining progress of each lost task. (As printed, (18) grows
        with the progress made; the text around it describes the remaining one.)
        """
        source, gap, following = self.arrivals.advance(key, state.source)
        next_state, timestep = self.assign(state, action, gap / self.arrival_rate, following)
        return replace(next_state, source=source), timestep

    def assign(
        self, state: ServiceSelectionState, action: Int[Array, ""], gap: Float[Array, ""], following: Float[Array, ""]
    ) -> tuple[ServiceSelectionState, TimeStep]:
        """`step` with what chance would draw: the seconds to the next arrival and the size of the next task."""
        sizes, left = state.size[action], state.left[action]
        running = sizes > 0
        fits = state.task <= self.providers.capacity[action] - sizes.sum()
        utility = self.providers.utility(state.task, self.config.with_offset)[action]
        remaining = jnp.where(running, left / jnp.where(running, running_time(sizes), 1.0), 0.0)
        penalty = self.crash_penalty * (1 + remaining.sum())
        lost = jax.vmap(lambda size: self.providers.utility(size, self.config.with_offset)[action])(sizes)
        place = jnp.arange(self.places) == jnp.argmin(running)
        chosen = (jnp.arange(len(self.providers.capacity)) == action)[:, None]
        duration = running_time(state.task)
        size = jnp.where(chosen, jnp.where(fits, jnp.where(place, state.task, sizes), 0.0), state.size)
        left_after = jnp.where(chosen, jnp.where(fits, jnp.where(place, duration, left), 0.0), state.left) - gap
        done = (size > 0) & (left_after <= 0)
        next_state = ServiceSelectionState(
            size=jnp.where(done, 0.0, size),
            left=jnp.maximum(left_after, 0.0),
            task=following,
            gap=gap,
            count=state.count + 1,
            source=state.source,
        )
        truncated = next_state.count >= self.config.tasks
        utility_reward = jnp.where(fits, self.reward_of(state.task)[action], 0.0)
        crash_reward = jnp.where(fits, 0.0, -penalty)
        info = {
            "utility_reward": utility_reward,
            "crash_reward": crash_reward,
            "utility": jnp.where(fits, utility, 0.0),
            "lost_utility": jnp.where(fits, 0.0, (lost * running).sum()),
            "finished": done.sum().astype(float),
            "crashed": jnp.where(fits, 0.0, 1.0 + running.sum()),
            "crashes": jnp.where(fits, 0.0, 1.0),
            "unfinished": jnp.where(truncated, (next_state.size > 0).sum(), 0).astype(float),
        }
        timestep = TimeStep(
            observation=self.observe(next_state),
            reward=utility_reward + crash_reward,
            terminated=jnp.zeros((), bool),
            truncated=truncated,
            info=info,
        )
        return next_state, timestep

    def reward_of(self, size: Float[Array, ""]) -> Float[Array, " i"]:
        """Reward of a task of `size` denoising steps at every provider, if it has room."""
        return self.providers.utility(size, self.config.with_offset) - self.quality_baseline

    def free(self, state: ServiceSelectionState) -> Float[Array, " i"]:
        """Denoising steps that each provider can still take."""
        return self.providers.capacity - state.size.sum(axis=1)

    def observe(self, state: ServiceSelectionState) -> Float[Array, " o"]:
        """[T / T_max, running time / longest, capacity / largest ..., free / capacity ...], all in [0, 1].

        With `show_mask` one flag per provider follows, 1 where it has room for the task.
        """
        largest = jnp.asarray(float(self.config.largest_task))
        task = jnp.stack([state.task / largest, running_time(state.task) / running_time(largest)])
        capacity = self.providers.capacity
        free = self.free(state)
        mask = [(state.task <= free).astype(free.dtype)] if self.config.show_mask else []
        return jnp.concatenate([task, capacity / capacity.max(), free / capacity, *mask])
