"""Systems by name: environments of one agent and games, ours and those that others bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from edgewise.common.errors import ConfigurationError
from edgewise.common.table import Table, unknown
from edgewise.environments.adapters.registration import register_gymnasium
from edgewise.environments.host.system import SOURCES, host_system, is_host
from edgewise.environments.system import REFERENCES, Policy, System

SYSTEMS: Table[System] = Table("edgewise.systems", "environment")


def names() -> tuple[str, ...]:
    """Every system that can be found by name."""
    return SYSTEMS.names()


def find(name: str) -> System:
    """Look a system up, or an environment of another library by SOURCE:ID, such as "gymnasium:CartPole-v1".

    Raises:
        ConfigurationError: naming the systems and sources that exist.
    """
    if is_host(name):
        return host_system(name)
    return SYSTEMS.find(name, ", ".join(f"{source}:ID" for source in SOURCES))


def register(system: System) -> None:
    """Add a system of your own, for this process: to the names here, and to Gymnasium under its id if it has one.

    Raises:
        ConfigurationError: if the name or the id is taken.
    """
    if system.name in names():
        raise ConfigurationError("name", system.name, f"a name other than {', '.join(names())}")
    if system.gymnasium_id is not None:
        register_gymnasium(system.name, system.gymnasium_id)
    SYSTEMS.register(system.name, system)


def register_reference(system: str, name: str, build: Callable[[Any], Policy]) -> None:
    """Add a reference policy to a system, for this process.

    Args:
        system: name of the system.
        name: the name of the policy.
        build: from an environment of the system to the policy.

    Raises:
        ConfigurationError: if there is no such system, or its policy of that name exists.
    """
    if name in find(system).reference_names:
        raise ConfigurationError("name", name, f"a name other than {', '.join(find(system).reference_names)}")
    REFERENCES.register(f"{system}/{name}", build)


def make(name: str, **overrides: Any) -> Any:
    """Build an environment or a game from its default configuration.

    Args:
        name: as in `names()`.
        overrides: fields of the configuration.

    Returns:
        An `Environment` or a `Game`.

    Raises:
        ConfigurationError: for an unknown name or field, or a value that is not allowed.
    """
    system, config = _configured(name, overrides)
    return system.build(config)


def make_game(name: str, **overrides: Any) -> Any:
    """Build the `Game` of a system from its default configuration, if it is one or offers one.

    Args:
        name: as in `names()`.
        overrides: fields of the configuration.

    Raises:
        ConfigurationError: for an unknown name or field, a value that is not allowed, or a system without a game.
    """
    system, config = _configured(name, overrides)
    return system.game(config)


def _configured(name: str, overrides: Mapping[str, Any]) -> tuple[System, Any]:
    if is_host(name):
        raise ConfigurationError("environment", name, f"one of {', '.join(names())}, which are compiled")
    system = find(name)
    known = [field.name for field in fields(system.config)]
    for field in overrides:
        if field not in known:
            raise unknown("field", field, known)
    return system, system.config(**overrides)
