"""Systems of one agent or several, by name."""

from __future__ import annotations

from edgewise.environments import game_registry, registry
from edgewise.environments.system import System


def names() -> tuple[str, ...]:
    """Every registered name."""
    return (*registry.names(), *game_registry.names())


def find(name: str) -> System:
    """Look a system up, or an environment of another library as `registry.find` does.

    Raises:
        ConfigurationError: naming the systems that exist.
    """
    return game_registry.find(name) if name in game_registry.names() else registry.find(name)
