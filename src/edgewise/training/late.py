"""Rewards that come late: steps wait in a line, and each gets the payments that belong to its own decision.

The D2SAC paper (section 5.2, "Experience Replay Memory") stores experiences and fills their missing rewards in later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from edgewise.algorithms.base import Step
from edgewise.common.errors import ConfigurationError
from edgewise.environments.environment import Environment, Late


class Line(eqx.Module):
    """The latest W steps of every copy, which wait for their rewards: a ring.

    Attributes:
        steps: [W, copies, ...], with the rewards that are known so far.
        oldest: place of the oldest step, where the next one goes.
        overdue: payments in the newest step, of each copy, that belong to steps that have left the line.
    """

    steps: Step
    oldest: Int[Array, ""]
    overdue: Int[Array, " copies"]


def empty_line(step: Step, wait: int) -> Line:
    """A line of as many copies as the step has; its first `wait` steps to leave are that step.

    Args:
        step: [copies, ...], for shapes and types.
        wait: steps W that wait.
    """
    steps = jax.tree.map(lambda x: jnp.broadcast_to(x, (wait, *x.shape)), step)
    return Line(steps, jnp.zeros((), int), jnp.zeros(step.reward.shape, int))


def settle(line: Line, newest: Step) -> tuple[Line, Step]:
    """Take the newest step of every copy in, pay what came with it to the steps that it belongs to, and let the oldest one go.

    Args:
        line: W steps.
        newest: [copies, ...] with `late`.

    Returns:
        The line, and the step of every copy that was made W steps before: its reward holds every payment for its decision
        that came within W steps, and what came too late for the steps before it. Nothing of `late` is left.
    """
    wait, copies = line.steps.reward.shape
    late: Late = newest.late
    in_time = late.age <= wait
    # The newest step stands behind the ring, where late payments count nothing.
    place = jnp.where(in_time & (late.age > 0), (line.oldest - late.age) % wait, wait)
    gains = jnp.zeros((wait + 1, copies))
    gains = gains.at[place, jnp.arange(copies)[:, None]].add(jnp.where(in_time, late.reward, 0.0))
    gains = gains.at[line.oldest].add(jnp.where(in_time, 0.0, late.reward).sum(axis=1))
    steps = _paid(line.steps, gains[:wait])
    newest = _paid(_at_once(newest), gains[wait])
    leaving = jax.tree.map(lambda ring: ring[line.oldest], steps)
    steps = jax.tree.map(lambda ring, step: ring.at[line.oldest].set(step), steps, newest)
    overdue = (~in_time & (late.reward != 0)).sum(axis=1)
    return Line(steps, (line.oldest + 1) % wait, overdue), leaving


def _at_once(step: Step) -> Step:
    """The step without its payments."""
    own = step.late.own
    return replace(step, reward=own, credit=_raised(step.credit, own - step.reward), late=())


def _paid(step: Step, gain: Float[Array, "*batch"]) -> Step:
    """The step with a further reward."""
    return replace(step, reward=step.reward + gain, credit=_raised(step.credit, gain))


def _raised(credit: Any, gain: Float[Array, "*batch"]) -> Any:
    """The credit with a further reward in its one row."""
    return credit | {"rows": credit["rows"] + gain[..., None]} if jax.tree.leaves(credit) else credit


def check_late(environment: Environment[Any], wait: int) -> None:
    """Require an environment whose rewards come late, if steps are to wait for them.

    Raises:
        ConfigurationError: if every decision is paid at once, or the credit has several rows.
    """
    if not wait:
        return

    def first(key: Array) -> Any:
        return environment.step(key, environment.reset(key)[0], environment.action_space.sample(key))[1]

    timestep = eqx.filter_eval_shape(first, jax.random.key(0))
    if not isinstance(timestep.late, Late):
        raise ConfigurationError("reward_delay", wait, "0 in an environment that pays every decision at once")
    if jax.tree.leaves(timestep.credit) and timestep.credit["rows"].shape != (1,):
        raise ConfigurationError("reward_delay", wait, "0 with a credit of several rows")
