"""Small decision problems whose values and best actions are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box, Discrete


class ProbeState(eqx.Module):
    """Steps done, and the number shown to the policy."""

    step: Int[Array, ""]
    shown: Float[Array, ""]


class Probe(Environment[ProbeState]):
    """Shows (step / horizon, a random number) and rewards by a function of step, number and action.

    A truncated episode does not show its time: the cut is no part of the problem.

    Attributes:
        reward: `reward(step, shown, action)`.
        steps: length of an episode.
        terminates: whether the end is a termination, or a truncation.
        actions: number of actions; none for one real number in [-1, 1].
    """

    reward: Callable[[Array, Array, Array], Array] = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    terminates: bool = eqx.field(static=True)
    actions: int | None = eqx.field(static=True, default=None)

    @property
    def observation_space(self) -> Box:
        return Box(np.full(2, -1, np.float32), np.full(2, 1, np.float32))

    @property
    def action_space(self) -> Box | Discrete:
        if self.actions is not None:
            return Discrete(self.actions)
        return Box(np.full(1, -1, np.float32), np.full(1, 1, np.float32))

    @property
    def horizon(self) -> int:
        return self.steps + 2  # later than the end, so that who counts on must stop there

    def reset(self, key: PRNGKeyArray) -> tuple[ProbeState, Array]:
        state = ProbeState(jnp.zeros((), int), jax.random.uniform(key, minval=-1, maxval=1))
        return state, self.observe(state)

    def step(self, key: PRNGKeyArray, state: ProbeState, action: Array) -> tuple[ProbeState, TimeStep]:
        after = ProbeState(state.step + 1, state.shown)
        ended = after.step >= self.steps
        never = jnp.zeros((), bool)
        timestep = TimeStep(
            observation=self.observe(after),
            reward=jnp.asarray(self.reward(state.step, state.shown, jnp.ravel(action)[0]), float),
            terminated=ended if self.terminates else never,
            truncated=never if self.terminates else ended,
            info={"step": after.step.astype(float)},
        )
        return after, timestep

    def observe(self, state: ProbeState) -> Array:
        time = state.step / self.steps if self.terminates else jnp.zeros(())
        return jnp.stack([time, state.shown])


class OneOf(Environment[ProbeState]):
    """One of several probes of real actions. Which one is data, so that one compiled program learns in any of them.

    Attributes:
        probes: all that there are.
        which: the one that is played.
    """

    probes: tuple[Probe, ...]
    which: Int[Array, ""]

    @property
    def observation_space(self) -> Box:
        return self.probes[0].observation_space

    @property
    def action_space(self) -> Box | Discrete:
        return self.probes[0].action_space

    @property
    def horizon(self) -> int:
        return max(probe.horizon for probe in self.probes)

    def reset(self, key: PRNGKeyArray) -> tuple[ProbeState, Array]:
        return self._chosen([probe.reset(key) for probe in self.probes])

    def step(self, key: PRNGKeyArray, state: ProbeState, action: Array) -> tuple[ProbeState, TimeStep]:
        return self._chosen([probe.step(key, state, action) for probe in self.probes])

    def _chosen(self, each: list[Any]) -> Any:
        return jax.tree.map(lambda *leaves: jnp.stack(leaves)[self.which], *each)


def all_of(**probes: Probe) -> dict[str, OneOf]:
    """Probes that share their programs, by name."""
    return {name: OneOf(tuple(probes.values()), jnp.asarray(place)) for place, name in enumerate(probes)}
