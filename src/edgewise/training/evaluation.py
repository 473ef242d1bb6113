"""Evaluation: whole episodes of a fixed policy, with randomness of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.environments.environment import Environment
from edgewise.environments.episode import act, begin, record_episode
from edgewise.environments.game import Game
from edgewise.environments.instances import DrawnInstances, GroupPolicy, InstanceGroups
from edgewise.environments.system import Reference
from edgewise.policies.learned import LearnedPolicy
from edgewise.training.game_evaluation import Mover, record_game


def mover(policy: Reference | LearnedPolicy) -> Mover:
    """How a policy for all agents of a game moves them."""
    if isinstance(policy, LearnedPolicy):
        module, stochastic = policy.module, policy.stochastic
        return lambda key, movers, state, observations, memory: module.move(
            movers, observations, memory, key, stochastic
        )
    return lambda key, movers, state, observations, memory: act(policy, key, state, observations, memory)


def beginner(policy: Reference | LearnedPolicy) -> Callable[[Any], Any]:
    """What a policy for all agents of a game remembers at the start of an episode, from the first state."""
    if isinstance(policy, LearnedPolicy):
        return lambda state: policy.module.initial_memory()
    return partial(begin, policy)


def evaluate(
    environment: Environment[Any] | Game[Any] | InstanceGroups,
    policy: Reference | LearnedPolicy | GroupPolicy,
    key: PRNGKeyArray,
    episodes: int,
) -> dict[str, Float[Array, " e"]]:
    """Play episodes and summarise each.

    Args:
        environment: what to play; many instances are played in turn, and groups of them share the episodes evenly.
        policy: the policy that chooses the actions.
        key: randomness; the same key gives every policy the same episodes.
        episodes: number of episodes.

    Returns:
        For each episode: `return` (sum of rewards), `length` (steps), and the mean over its steps of every entry of `info`.
        In a game the reward is the sum over agents, and what agents could gain at the end is there too.
    """
    if isinstance(environment, InstanceGroups):
        return _evaluate_groups(environment, policy, key, episodes)
    assert not isinstance(policy, GroupPolicy)

    def summarise(environment: Any, episode_key: PRNGKeyArray) -> dict[str, Array]:
        gains: dict[str, Array] = {}
        if isinstance(environment, Game):
            timesteps, gains = record_game(environment, mover(policy), beginner(policy), episode_key)
        else:
            _, timesteps, _ = record_episode(environment, policy, episode_key)
        ended = timesteps.terminated | timesteps.truncated
        alive = jnp.cumsum(ended) - ended == 0
        length = alive.sum()
        summary = {name: jnp.sum(values * alive) / length for name, values in timesteps.info.items()}
        return summary | gains | {"return": jnp.sum(timesteps.reward * alive), "length": length.astype(float)}

    keys = jax.random.split(key, episodes)
    if isinstance(environment, DrawnInstances) and environment.pinned is None:
        in_turn = jnp.arange(episodes) % environment.count
        return jax.vmap(lambda index, key: summarise(environment.pin(index), key))(in_turn, keys)
    return jax.vmap(partial(summarise, environment))(keys)


def _evaluate_groups(
    environment: InstanceGroups, policy: Reference | LearnedPolicy | GroupPolicy, key: PRNGKeyArray, episodes: int
) -> dict[str, Float[Array, " e"]]:
    policies = policy.policies if isinstance(policy, GroupPolicy) else (policy,) * len(environment.groups)
    keys = jax.random.split(key, len(environment.groups))
    parts = [
        evaluate(group, each, group_key, share)
        for group, each, group_key, share in zip(
            environment.groups, policies, keys, environment.split(episodes), strict=True
        )
        if share
    ]
    return jax.tree.map(lambda *values: jnp.concatenate(values), *parts)
