"""Learned policies in the folder of a run: one artefact, or one for each agent of a game."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgewise.environments.game import Game
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.joint import JointPolicy


def save_learned(folder: Path, policy: Any, describe: Callable[[Any], PolicyArtefact]) -> None:
    """Save a policy into a folder; that of several agents into one folder for each, named by its id.

    Args:
        folder: made if need be.
        policy: of one agent, or a `JointPolicy`.
        describe: makes the artefact of one agent's policy.
    """
    if isinstance(policy, JointPolicy):
        for agent, each in policy.split().items():
            save_policy(folder / agent, describe(each))
    else:
        save_policy(folder, describe(policy))


def load_learned(folder: Path, environment: Any) -> Any:
    """The policy that `save_learned` saved, to be played in the environment."""
    if not isinstance(environment, Game):
        return load_policy(folder).policy
    policies = {agent: load_policy(folder / agent).policy for agent in environment.agents}
    return JointPolicy.join(policies, [kind.agents for kind in environment.spaces.kinds])
