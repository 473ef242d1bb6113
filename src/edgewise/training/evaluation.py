"""Evaluation: whole episodes of a fixed policy, with randomness of their own."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.environments.base import Environment, TimeStep
from edgewise.environments.entry import Policy
from edgewise.environments.multi_agent import MultiAgentEnvironment
from edgewise.policies.contract import initial_memory, step
from edgewise.training.game_evaluation import Mover, record_game


class LearnedPolicy(eqx.Module):
    """A learned module, to be played like a `Policy`.

    Attributes:
        module: a `DeployablePolicy` or a `RecurrentPolicy`; a `JointPolicy` in a game.
        stochastic: sample instead of acting deterministically.
    """

    module: Any
    stochastic: bool = eqx.field(static=True, default=False)

    def initial_memory(self) -> Any:
        """Memory at the start of an episode; an empty tuple for a module without one."""
        return initial_memory(self.module)

    def step(self, key: PRNGKeyArray, observation: Any, memory: Any) -> tuple[Array, Any]:
        """An action, and the memory to go on with."""
        return step(self.module, observation, memory, key if self.stochastic else None)


def record_episode(
    environment: Environment[Any], policy: Policy | LearnedPolicy, key: PRNGKeyArray
) -> tuple[Any, TimeStep, Array]:
    """Play one episode of `environment.horizon` steps and keep everything.

    Returns:
        The state *before* each step, the time step, and the action, each with a leading axis of steps. Steps after the end
        of the episode continue from its final state; `evaluate` does not count them.
    """
    reset_key, steps_key = jax.random.split(key)
    state, observation = environment.reset(reset_key)
    memory = policy.initial_memory() if isinstance(policy, LearnedPolicy) else ()

    def play(carry: tuple[Any, Any, Any], step_key: PRNGKeyArray) -> tuple[Any, tuple[Any, TimeStep, Array]]:
        state, observation, memory = carry
        policy_key, environment_key = jax.random.split(step_key)
        if isinstance(policy, LearnedPolicy):
            action, memory = policy.step(policy_key, observation, memory)
        else:
            action = policy(policy_key, state, observation)
        next_state, timestep = environment.step(environment_key, state, action)
        return (next_state, timestep.observation, memory), (state, timestep, action)

    _, episode = jax.lax.scan(play, (state, observation, memory), jax.random.split(steps_key, environment.horizon))
    states, timesteps, actions = episode
    return states, timesteps, actions


def mover(policy: Policy | LearnedPolicy) -> Mover:
    """How a policy for all agents of a game moves them."""
    if isinstance(policy, LearnedPolicy):
        module, stochastic = policy.module, policy.stochastic
        return lambda key, movers, state, observations, memory: module.move(
            movers, observations, memory, key, stochastic
        )
    return lambda key, movers, state, observations, memory: (policy(key, state, observations), memory)


def evaluate(
    environment: Environment[Any] | MultiAgentEnvironment[Any],
    policy: Policy | LearnedPolicy,
    key: PRNGKeyArray,
    episodes: int,
) -> dict[str, Float[Array, " e"]]:
    """Play episodes and summarise each.

    Args:
        environment: what to play.
        policy: how.
        key: randomness; the same key gives every policy the same episodes.
        episodes: how many.

    Returns:
        For each episode: `return` (sum of rewards), `length` (steps), and the mean over its steps of every entry of `info`.
        In a game the reward is the sum over agents, and what agents could gain at the end is there too.
    """

    def summarise(episode_key: PRNGKeyArray) -> dict[str, Array]:
        gains: dict[str, Array] = {}
        if isinstance(environment, MultiAgentEnvironment):
            memory = policy.module.initial_memory() if isinstance(policy, LearnedPolicy) else ()
            timesteps, gains = record_game(environment, mover(policy), memory, episode_key)
        else:
            _, timesteps, _ = record_episode(environment, policy, episode_key)
        ended = timesteps.terminated | timesteps.truncated
        alive = jnp.cumsum(ended) - ended == 0
        length = alive.sum()
        summary = {name: jnp.sum(values * alive) / length for name, values in timesteps.info.items()}
        return summary | gains | {"return": jnp.sum(timesteps.reward * alive), "length": length.astype(float)}

    return jax.vmap(summarise)(jax.random.split(key, episodes))
