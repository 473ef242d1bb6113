"""Trained policies that come with a system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from edgewise.environments import registry
from edgewise.environments.entity_view import in_system
from edgewise.environments.system import Reference
from edgewise.policies.artefact import PolicyArtefact, load_policy


def find_policy(system: str, name: str) -> PolicyArtefact:
    """A policy that comes with a system, ready to act.

    Args:
        system: the name of the system.
        name: the name of the policy, as `edgewise list` shows it.

    Raises:
        ConfigurationError: if there is no such system or policy.
        ArtefactError: if its files are missing or damaged.
    """
    return load_policy(registry.find(system).shipped_folder(name))


def shipped_reference(environment: Any, system: str, name: str, play: Callable[[Any, Any], Reference]) -> Reference:
    """A policy that comes with a system, as a reference among the others.

    Args:
        environment: of the system, or a view of it by entity.
        system: the name of the system.
        name: the name of the policy.
        play: from the system and the policy to the reference.
    """
    with jax.ensure_compile_time_eval():  # references are also built while a program is traced
        policy = load_policy(registry.find(system).shipped_folder(name), check=False).policy
    return in_system(environment, lambda inner: play(inner, policy))
