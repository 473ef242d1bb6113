"""Playing an episode to be shown."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax

from edgewise.environments.environment import Environment
from edgewise.environments.episode import record_episode
from edgewise.environments.game import Game
from edgewise.environments.instances import GroupPolicy, InstanceGroups
from edgewise.environments.moments import Moments, recorded
from edgewise.environments.system import Reference, System
from edgewise.policies.learned import LearnedPolicy
from edgewise.training.evaluation import beginner, mover
from edgewise.training.game_evaluation import record_slots

Player = Reference | LearnedPolicy | GroupPolicy


def play(system: System, environment: Any, policy: Player, seed: int, name: str, group: int = 0) -> Moments:
    """An episode of a policy, whole.

    Args:
        system: the system of the environment.
        environment: an environment, a game, or instances of several sizes.
        policy: who decides.
        seed: randomness of the episode; every policy meets the same one.
        name: the policy in words.
        group: of instances of several sizes, the place of the one that is played.
    """
    if isinstance(environment, InstanceGroups):
        policy = policy.policies[group] if isinstance(policy, GroupPolicy) else policy
        environment = environment.groups[group]
    assert not isinstance(policy, GroupPolicy)
    return recorded(system.headline, *_record(environment, policy, jax.random.key(seed)), name)


@eqx.filter_jit
def _record(
    environment: Environment[Any] | Game[Any], policy: Reference | LearnedPolicy, key: Any
) -> tuple[Any, Any, Any]:
    if isinstance(environment, Game):
        return record_slots(environment, mover(policy), beginner(policy), key)
    return record_episode(environment, policy, key)
