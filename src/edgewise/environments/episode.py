"""Whole episodes, with everything that happened in them."""

from __future__ import annotations

from typing import Any

import jax
from jaxtyping import Array, PRNGKeyArray, PyTree

from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.remembering import RememberingPolicy, RememberingReference
from edgewise.environments.system import Policy

AnyPolicy = Policy | RememberingPolicy | RememberingReference


def begin(policy: AnyPolicy, state: Any) -> Any:
    """What a policy remembers at the start of an episode; an empty tuple for one without a memory."""
    if isinstance(policy, RememberingPolicy):
        return policy.initial_memory()
    return policy.begin(state) if isinstance(policy, RememberingReference) else ()


def act(policy: AnyPolicy, key: PRNGKeyArray, state: Any, observation: Any, memory: Any) -> tuple[Any, Any]:
    """The action of any kind of policy, and its memory to go on with."""
    if isinstance(policy, RememberingPolicy):
        return policy.step(key, observation, memory)
    if isinstance(policy, RememberingReference):
        return policy.step(key, state, observation, memory)
    return policy(key, state, observation), memory


def record_episode(
    environment: Environment[Any], policy: AnyPolicy, key: PRNGKeyArray
) -> tuple[Any, TimeStep, PyTree[Array]]:
    """Play one episode of `environment.horizon` steps and keep everything.

    Returns:
        The state *before* each step, the time step, and the action, each with a leading axis of steps. Steps after the end
        of the episode continue from its final state; `evaluate` does not count them.
    """
    reset_key, steps_key = jax.random.split(key)
    state, observation = environment.reset(reset_key)

    def play(carry: tuple[Any, Any, Any], step_key: PRNGKeyArray) -> tuple[Any, tuple[Any, TimeStep, PyTree[Array]]]:
        state, observation, memory = carry
        policy_key, environment_key = jax.random.split(step_key)
        action, memory = act(policy, policy_key, state, observation, memory)
        next_state, timestep = environment.step(environment_key, state, action)
        return (next_state, timestep.observation, memory), (state, timestep, action)

    start = (state, observation, begin(policy, state))
    _, episode = jax.lax.scan(play, start, jax.random.split(steps_key, environment.horizon))
    states, timesteps, actions = episode
    return states, timesteps, actions
