"""Evaluation in an environment that is stepped outside of compiled code."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.environments.episode import act, begin
from edgewise.environments.host.task import HostTask
from edgewise.environments.system import Reference
from edgewise.policies.learned import LearnedPolicy
from edgewise.policies.protocol import initial_memory


def evaluate_host(
    task: HostTask, policy: Reference | LearnedPolicy, seed: int, episodes: int
) -> dict[str, Float[np.ndarray, " e"]]:
    """Play episodes, each in a copy of its own, and summarise each.

    Args:
        task: what to play.
        policy: chooses the actions; it gets no state, as the environment shows none.
        seed: the seed of the episodes and of what the policy draws; the same seed gives every policy the same episodes.
        episodes: number of episodes.

    Returns:
        For each episode: `return` (sum of rewards) and `length` (steps).
    """
    copies = task.copies(episodes, seed)
    try:
        observation = copies.reset(seed)
        memory = _begin(policy, episodes)
        key = jax.random.key(seed)
        total, length, alive = np.zeros(episodes), np.zeros(episodes), np.ones(episodes, bool)
        for _ in range(task.longest_evaluation):
            action, memory, key = _act(policy, jnp.asarray(observation), memory, key)
            outcome = copies.step(np.asarray(action))
            total += np.where(alive, outcome.reward, 0.0)
            length += alive
            alive &= ~outcome.ended
            if not alive.any():
                break
            observation = outcome.following
    finally:
        copies.close()
    return {"return": total, "length": length}


def _begin(policy: Reference | LearnedPolicy, episodes: int) -> Any:
    if isinstance(policy, LearnedPolicy):
        return initial_memory(policy.module, (episodes,))
    return jax.tree.map(lambda leaf: jnp.stack([leaf] * episodes), begin(policy, None))


@eqx.filter_jit
def _act(
    policy: Reference | LearnedPolicy, observation: Float[Array, "e o"], memory: Any, key: PRNGKeyArray
) -> tuple[Array, Any, PRNGKeyArray]:
    key, action_key = jax.random.split(key)
    if isinstance(policy, LearnedPolicy):
        return *policy.step(action_key, observation, memory), key
    keys = jax.random.split(action_key, len(observation))
    action, memory = jax.vmap(lambda key, each, mine: act(policy, key, None, each, mine))(keys, observation, memory)
    return action, memory, key
