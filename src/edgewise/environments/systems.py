"""Systems of one agent or several, by name."""

from __future__ import annotations

from edgewise.environments import multi_agent_registry, registry
from edgewise.environments.entry import System


def names() -> tuple[str, ...]:
    """Every registered name."""
    return (*registry.names(), *multi_agent_registry.names())


def find(name: str) -> System:
    """Look a system up, or an environment of another library as `registry.find` does.

    Raises:
        ConfigurationError: naming the systems that exist.
    """
    return multi_agent_registry.find(name) if name in multi_agent_registry.names() else registry.find(name)
