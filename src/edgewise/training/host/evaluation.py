"""Evaluation in an environment that is stepped outside of compiled code."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.environments.host.task import HostTask
from edgewise.environments.system import Policy
from edgewise.policies.learned import LearnedPolicy
from edgewise.policies.protocol import initial_memory


def evaluate_host(
    task: HostTask, policy: Policy | LearnedPolicy, seed: int, episodes: int
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
        memory = initial_memory(policy.module, (episodes,)) if isinstance(policy, LearnedPolicy) else ()
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


@eqx.filter_jit
def _act(
    policy: Policy | LearnedPolicy, observation: Float[Array, "e o"], memory: Any, key: PRNGKeyArray
) -> tuple[Array, Any, PRNGKeyArray]:
    key, action_key = jax.random.split(key)
    if isinstance(policy, LearnedPolicy):
        return *policy.step(action_key, observation, memory), key
    keys = jax.random.split(action_key, len(observation))
    return jax.vmap(lambda key, each: policy(key, None, each))(keys, observation), memory, key
