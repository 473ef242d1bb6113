"""From steps of an environment to transitions of several steps."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from edgewise.algorithms.base import Step, Transition
from edgewise.environments.environment import Environment, step_and_restart


def advance(
    environment: Environment[Any],
    keys: Key[Array, " c"],
    state: Any,
    observation: Any,
    action: Any,
    drawn: Any,
    privileged: bool = True,
    late: bool = False,
) -> tuple[Any, Any, Step]:
    """Step copies of an environment side by side, and start their next episodes.

    Args:
        environment: one for all copies.
        keys: randomness of every copy.
        state: of every copy.
        observation: of every copy.
        action: what every copy carries out.
        drawn: the actions to remember, which may lie outside of the bounds.
        privileged: whether to remember what only critics may see.
        late: whether to remember which decisions the rewards belong to.

    Returns:
        State and observation of every copy to go on from, and the step, [copies, ...].
    """
    step = jax.vmap(step_and_restart, in_axes=(None, 0, 0, 0))
    final, timestep, following, next_observation = step(environment, keys, state, action)
    taken = Step(
        observation=observation,
        action=drawn,
        reward=timestep.reward,
        terminated=timestep.terminated,
        ended=timestep.terminated | timestep.truncated,
        next_observation=timestep.observation,
        privileged=jax.vmap(environment.privileged)(state) if privileged else (),
        next_privileged=jax.vmap(environment.privileged)(final) if privileged else (),
        credit=timestep.credit,
        late=timestep.late if late else (),
    )
    return following, next_observation, taken


def blank_step(
    environment: Environment[Any], state: Any, observation: Any, action: Any, privileged: bool = True
) -> Step:
    """A step of a single copy, for the shapes and types that the steps of an environment have.

    Args:
        environment: whose steps.
        state: of every copy.
        observation: of every copy.
        action: any one of a single copy.
        privileged: whether it holds what only critics may see.
    """
    state, first = first_of(state), first_of(observation)
    _, timestep = eqx.filter_eval_shape(environment.step, jax.random.key(0), state, action)
    credit = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), timestep.credit)
    never, seen = jnp.zeros((), bool), environment.privileged(state) if privileged else ()
    return Step(first, action, jnp.zeros(()), never, never, first, seen, seen, credit)


def first_of(tree: Any) -> Any:
    """The first of what lies along the first axis of every array."""
    return jax.tree.map(lambda x: x[0], tree)


def n_step(window: Step, discount: float) -> Transition:
    """The transition that starts at the first of n successive steps and ends at the last, or where the episode ended.

    Args:
        window: n steps along the first axis, in their order, of any number of copies.
        discount: gamma per step.

    Returns:
        Reward sum_i gamma^i r_i over the m <= n steps of the episode, credit alike (its flags: whether they were set in any),
        discount gamma^m (0 where it terminated), and the observation after the last of them.
    """
    n = window.reward.shape[0]
    over = jnp.cumsum(window.ended, axis=0) > 0
    alive = jnp.concatenate([jnp.ones_like(over[:1]), ~over[:-1]])
    power = discount ** jnp.arange(n).reshape(n, *([1] * (window.reward.ndim - 1)))
    last = alive.sum(axis=0) - 1

    def at_last(values: Array) -> Array:
        index = last.reshape(1, *last.shape, *([1] * (values.ndim - 1 - last.ndim)))
        return jnp.take_along_axis(values, index, axis=0)[0]

    def summed(values: Array) -> Array:
        kept, weight = (each.reshape(*each.shape, *([1] * (values.ndim - each.ndim))) for each in (alive, power))
        if values.dtype == bool:
            return jnp.any(kept & values, axis=0)
        return jnp.sum(jnp.where(kept, weight * values, 0.0), axis=0)

    return Transition(
        observation=first_of(window.observation),
        action=first_of(window.action),
        reward=summed(window.reward),
        discount=jnp.where(at_last(window.terminated), 0.0, discount ** (last + 1)),
        next_observation=jax.tree.map(at_last, window.next_observation),
        privileged=first_of(window.privileged),
        next_privileged=jax.tree.map(at_last, window.next_privileged),
        credit=jax.tree.map(summed, window.credit),
    )
