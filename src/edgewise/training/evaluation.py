"""Evaluation: whole episodes of a fixed policy, with randomness of their own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.environments.environment import Environment
from edgewise.environments.episode import record_episode
from edgewise.environments.game import Game
from edgewise.environments.system import Policy
from edgewise.policies.learned import LearnedPolicy
from edgewise.training.game_evaluation import Mover, record_game


def mover(policy: Policy | LearnedPolicy) -> Mover:
    """How a policy for all agents of a game moves them."""
    if isinstance(policy, LearnedPolicy):
        module, stochastic = policy.module, policy.stochastic
        return lambda key, movers, state, observations, memory: module.move(
            movers, observations, memory, key, stochastic
        )
    return lambda key, movers, state, observations, memory: (policy(key, state, observations), memory)


def evaluate(
    environment: Environment[Any] | Game[Any],
    policy: Policy | LearnedPolicy,
    key: PRNGKeyArray,
    episodes: int,
) -> dict[str, Float[Array, " e"]]:
    """Play episodes and summarise each.

    Args:
        environment: what to play.
        policy: the policy that chooses the actions.
        key: randomness; the same key gives every policy the same episodes.
        episodes: number of episodes.

    Returns:
        For each episode: `return` (sum of rewards), `length` (steps), and the mean over its steps of every entry of `info`.
        In a game the reward is the sum over agents, and what agents could gain at the end is there too.
    """

    def summarise(episode_key: PRNGKeyArray) -> dict[str, Array]:
        gains: dict[str, Array] = {}
        if isinstance(environment, Game):
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
