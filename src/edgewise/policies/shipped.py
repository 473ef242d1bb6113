"""Trained policies that come with a system."""

from __future__ import annotations

from edgewise.environments import registry
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
