"""Learned policies in the folder of a run: one artefact, or one for each agent of a game."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from edgewise.common.errors import EdgewiseError
from edgewise.common.plain import from_plain
from edgewise.environments import registry
from edgewise.environments.bipartite import Bipartite, resized_action
from edgewise.environments.description import Description
from edgewise.environments.elements import differences
from edgewise.environments.game import Game
from edgewise.environments.host.task import HostTask
from edgewise.environments.instances import InstanceGroups, example
from edgewise.environments.spaces import Box, Discrete, Space, components, structured
from edgewise.environments.system import System
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.description_file import DESCRIPTION_FILE
from edgewise.policies.joint import JointPolicy
from edgewise.policies.protocol import initial_memory, step, takes_any_size


def save_learned(folder: Path, policy: Any, describe: Callable[[Any, str | None], PolicyArtefact]) -> None:
    """Save a policy into a folder; that of several agents into one folder for each, named by its id.

    Args:
        folder: made if need be.
        policy: the policy of one agent, or a `JointPolicy`.
        describe: makes the artefact of a policy and its agent's id, None for a single agent.
    """
    if isinstance(policy, JointPolicy):
        for agent, each in policy.split().items():
            save_policy(folder / agent, describe(each, agent))
    else:
        save_policy(folder, describe(policy, None))


def describe_spaces(system: System, environment: Any, agent: str | None = None) -> tuple[Description, Description]:
    """Descriptions of an observation and an action, as an artefact keeps them.

    Args:
        system: the system of the environment.
        environment: an `Environment`, a `Game` or a `HostTask`, whose observations a deployed policy takes; of many
            instances the first.
        agent: whose they are, in a game.
    """
    environment = example(environment)
    if isinstance(environment, Game):
        assert agent is not None
        seen, done = environment.observation_spaces[agent], environment.action_spaces[agent]
    elif isinstance(environment, HostTask):
        seen, done = environment.spaces.observation, environment.spaces.action
    else:
        seen, done = environment.observation_space, environment.action_space
    return (
        Description.of(seen, "observation", system.observation_fields(environment, agent)),
        Description.of(done, "action", system.action_fields(environment, agent)),
    )


def load_learned(folder: Path, environment: Any) -> Any:
    """The policy that `save_learned` saved, to be played in the environment.

    Args:
        folder: the folder of the policy.
        environment: an environment, a game, or a task outside of compiled code.

    Raises:
        EdgewiseError: if it was trained for an environment of another size.
        ArtefactError: if it cannot be read.
    """
    if not isinstance(environment, Game):
        artefact = load_policy(folder)
        for each in environment.groups if isinstance(environment, InstanceGroups) else (environment,):
            _require_fit(folder, artefact, each.spaces.observation, each.spaces.action)
        return artefact.policy
    trained = {path.parent.name for path in folder.glob(f"*/{DESCRIPTION_FILE}")}
    if trained != set(environment.agents):
        raise EdgewiseError(
            f"{folder}: was trained for {len(trained)} agents, the game here has {len(environment.agents)}: "
            "both must have the same agents"
        )
    policies = {}
    for agent in environment.agents:
        artefact = load_policy(folder / agent)
        seen, done = environment.observation_spaces[agent], environment.action_spaces[agent]
        _require_fit(folder / agent, artefact, seen, done)
        policies[agent] = artefact.policy
    return JointPolicy.join(policies, [kind.agents for kind in environment.spaces.kinds])


def require_same_sizes(trained: Any, played: Any, name: str) -> None:
    """Require that what learns in one environment can be played in another.

    Args:
        trained: environment, game or task to learn in.
        played: the other one.
        name: what an error calls that.

    Raises:
        EdgewiseError: if observations or actions have other sizes.
    """
    for agent, spaces in _spaces(trained).items():
        against = _spaces(played).get(agent)
        whose = f" of {agent}" if agent else ""
        same_agents = len(_spaces(played)) == len(_spaces(trained))
        if against is not None and same_agents and any(map(structured, (*spaces, *against))):
            for what, mine, theirs in zip(("observations", "actions"), spaces, against, strict=True):
                found = differences(mine, theirs)
                if found:
                    raise EdgewiseError(
                        f"{name}: {what}{whose} differ from those where the policy learns: {'; '.join(found)}"
                    )
            continue
        sizes, other = tuple(map(_size, spaces)), None if against is None else tuple(map(_size, against))
        if other != sizes or not same_agents:
            raise EdgewiseError(
                f"{name}: observations and actions{whose} have sizes {_words(other)}, but where the policy learns "
                f"{_words(sizes)}: must be the same"
            )


def _spaces(environment: Any) -> dict[str, tuple[Space, Space]]:
    """Observation and action space of every agent; of a single one under an empty name."""
    if isinstance(environment, Game):
        return {a: (s, environment.action_spaces[a]) for a, s in environment.observation_spaces.items()}
    return {"": (environment.spaces.observation, environment.spaces.action)}


def _size(space: Any) -> Any:
    return f"{space.n} choices" if isinstance(space, Discrete) else getattr(space, "shape", None)


def _words(sizes: Any) -> str:
    return "none" if sizes is None else " and ".join(map(str, sizes))


def _require_fit(folder: Path, artefact: PolicyArtefact, observation: Space, action: Space) -> None:
    """Require the sizes that a policy was trained for."""
    policy = artefact.policy
    size = getattr(policy, "observation_size", None)
    if size is None:
        _require_structure(folder, artefact, observation, action)
        return
    if not isinstance(observation, Box) or observation.shape != (size,):
        given = components(observation)
        raise EdgewiseError(
            f"{folder}: was trained for observations of {size} numbers, the environment here gives {given}: "
            f"must be played in one of the size that it was trained for{_served(artefact)}"
        )
    if not isinstance(action, Box):
        return
    blank = jax.ShapeDtypeStruct((size,), np.float32)
    acted = eqx.filter_eval_shape(
        lambda policy, seen: step(policy, seen, initial_memory(policy), None)[0], policy, blank
    )
    if acted.shape != action.shape:
        raise EdgewiseError(
            f"{folder}: was trained for actions of shape {acted.shape}, the environment here takes {action.shape}: "
            f"must be played in one of the size that it was trained for{_served(artefact)}"
        )


def _served(artefact: PolicyArtefact) -> str:
    """The sizes that a policy of fixed size serves, in words; nothing if they are not known."""
    try:
        system = registry.find(artefact.environment)
        config = from_plain(system.config, artefact.environment_config)
    except EdgewiseError:
        return ""
    sizes = [f"{name} = {getattr(config, name)}" for name in system.sizes]
    return f", {' and '.join(sizes)}" if sizes else ""


def _require_structure(folder: Path, artefact: PolicyArtefact, observation: Space, action: Space) -> None:
    """Require the structure, the shapes and the units that a policy was trained for; of some policies, whatever the sizes."""
    seen, acted = artefact.described.space, None if artefact.action is None else artefact.action.space
    if takes_any_size(artefact.policy) and isinstance(seen, Bipartite) and isinstance(observation, Bipartite):
        acted = None if acted is None else resized_action(acted, seen.sizes, observation.sizes)
        seen = seen.sized_as(observation)
    for what, mine, given in (("observation", seen, observation), ("action", acted, action)):
        found = [] if mine is None else differences(mine, given, units=True)
        if found:
            raise EdgewiseError(
                f"{folder}: the {what} of the environment here does not fit the policy: {'; '.join(found)}"
            )
