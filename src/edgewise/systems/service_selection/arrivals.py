"""When tasks arrive and how large they are: a Poisson process, or the requests of a recorded workload."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.common.errors import ConfigurationError
from edgewise.systems.service_selection.workload import Workload


class Arrivals(eqx.Module):
    """A source of tasks. It does not see what is done with them."""

    @abc.abstractmethod
    def reset(self, key: PRNGKeyArray) -> tuple[Any, Float[Array, ""]]:
        """State of the source, and T of an episode's first task."""

    @abc.abstractmethod
    def advance(self, key: PRNGKeyArray, state: Any) -> tuple[Any, Float[Array, ""], Float[Array, ""]]:
        """State, time to the next task as a multiple of the mean time between two, and T of that task."""


class PoissonArrivals(Arrivals):
    """Exponential gaps; sizes uniform on a grid.

    Attributes:
        smallest: smallest T, denoising steps.
        spacing: between two sizes, denoising steps.
        kinds: number of sizes.
    """

    smallest: Float[Array, ""] | int
    spacing: Float[Array, ""] | int
    kinds: int = eqx.field(static=True)

    def reset(self, key: PRNGKeyArray) -> tuple[tuple[()], Float[Array, ""]]:
        return (), self._draw_size(key)

    def advance(self, key: PRNGKeyArray, state: tuple[()]) -> tuple[tuple[()], Float[Array, ""], Float[Array, ""]]:
        gap_key, size_key = jax.random.split(key)
        return (), jax.random.exponential(gap_key), self._draw_size(size_key)

    def _draw_size(self, key: PRNGKeyArray) -> Float[Array, ""]:
        return (self.smallest + self.spacing * jax.random.randint(key, (), 0, self.kinds)).astype(float)


class RecordedArrivals(Arrivals):
    """Consecutive requests of a recording, from a random one on.

    Attributes:
        gaps: time from each request to the next, as a multiple of the recording's mean.
        sizes: T of each request, denoising steps.
        tasks: requests of an episode.
    """

    gaps: Float[Array, " m"]
    sizes: Float[Array, " n"]
    tasks: int = eqx.field(static=True)

    @classmethod
    def build(cls, workload: Workload, mean_gap: float, tasks: int) -> RecordedArrivals:
        """Replay a workload.

        Args:
            workload: the requests.
            mean_gap: mean time between two requests, of the recording that `workload` is a part of, s.
            tasks: requests of an episode.

        Raises:
            ConfigurationError: if the workload is shorter than an episode and the request after it.
        """
        if tasks >= workload.requests:
            allowed = f"at most {workload.requests - 1}, one less than the requests of this part of {workload.source}"
            raise ConfigurationError("tasks", tasks, allowed)
        return cls(
            gaps=jnp.asarray(np.diff(workload.time_s) / mean_gap, dtype=float),
            sizes=jnp.asarray(workload.size_steps, dtype=float),
            tasks=tasks,
        )

    def reset(self, key: PRNGKeyArray) -> tuple[Int[Array, ""], Float[Array, ""]]:
        first = jax.random.randint(key, (), 0, self.sizes.shape[0] - self.tasks)
        return first, self.sizes[first]

    def advance(
        self, key: PRNGKeyArray, state: Int[Array, ""]
    ) -> tuple[Int[Array, ""], Float[Array, ""], Float[Array, ""]]:
        following = jnp.minimum(state + 1, self.gaps.shape[0])
        return following, self.gaps[following - 1], self.sizes[following]
