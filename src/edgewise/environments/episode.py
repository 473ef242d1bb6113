"""Whole episodes, with everything that happened in them."""

from __future__ import annotations

from typing import Any

import jax
from jaxtyping import Array, PRNGKeyArray, PyTree

from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.system import Policy, RememberingPolicy


def record_episode(
    environment: Environment[Any], policy: Policy | RememberingPolicy, key: PRNGKeyArray
) -> tuple[Any, TimeStep, PyTree[Array]]:
    """Play one episode of `environment.horizon` steps and keep everything.

    Returns:
        The state *before* each step, the time step, and the action, each with a leading axis of steps. Steps after the end
        of the episode continue from its final state; `evaluate` does not count them.
    """
    reset_key, steps_key = jax.random.split(key)
    state, observation = environment.reset(reset_key)
    memory = policy.initial_memory() if isinstance(policy, RememberingPolicy) else ()

    def play(carry: tuple[Any, Any, Any], step_key: PRNGKeyArray) -> tuple[Any, tuple[Any, TimeStep, PyTree[Array]]]:
        state, observation, memory = carry
        policy_key, environment_key = jax.random.split(step_key)
        if isinstance(policy, RememberingPolicy):
            action, memory = policy.step(policy_key, observation, memory)
        else:
            action = policy(policy_key, state, observation)
        next_state, timestep = environment.step(environment_key, state, action)
        return (next_state, timestep.observation, memory), (state, timestep, action)

    _, episode = jax.lax.scan(play, (state, observation, memory), jax.random.split(steps_key, environment.horizon))
    states, timesteps, actions = episode
    return states, timesteps, actions
