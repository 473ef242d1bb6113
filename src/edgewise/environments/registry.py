"""Environments by name."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from edgewise.common.errors import ConfigurationError
from edgewise.environments.adapters.registration import register_gymnasium
from edgewise.environments.control.system import ACROBOT, CARTPOLE, PENDULUM
from edgewise.environments.environment import Environment
from edgewise.environments.host.sources import SOURCES
from edgewise.environments.host.system import host_entry, is_host
from edgewise.environments.system import Entry
from edgewise.systems.agent_migration.system import AGENT_MIGRATION
from edgewise.systems.dynamic_contract.system import DYNAMIC_CONTRACT
from edgewise.systems.service_selection.system import SERVICE_SELECTION

_ENTRIES: dict[str, Entry] = {
    entry.name: entry for entry in (AGENT_MIGRATION, SERVICE_SELECTION, DYNAMIC_CONTRACT, CARTPOLE, ACROBOT, PENDULUM)
}


def names() -> tuple[str, ...]:
    """Every registered name."""
    return tuple(_ENTRIES)


def find(name: str) -> Entry:
    """Look a system up, or an environment of another library by SOURCE:ID, such as "gymnasium:CartPole-v1".

    Raises:
        ConfigurationError: naming the systems and sources that exist.
    """
    if is_host(name):
        return host_entry(name)
    if name not in _ENTRIES:
        sources = ", ".join(f"{source}:ID" for source in SOURCES)
        raise ConfigurationError("environment", name, f"one of {', '.join(_ENTRIES)}, {sources}")
    return _ENTRIES[name]


def register(entry: Entry) -> None:
    """Add a system of your own, for this process: to the names here and to Gymnasium under the entry's id.

    Raises:
        ConfigurationError: if the name or the id is taken.
    """
    if entry.name in _ENTRIES:
        raise ConfigurationError("name", entry.name, f"a name other than {', '.join(_ENTRIES)}")
    register_gymnasium(entry.name, entry.gymnasium_id)
    _ENTRIES[entry.name] = entry


def make(name: str, **overrides: Any) -> Environment[Any]:
    """Build an environment from its default configuration.

    Args:
        name: as in `names()`.
        overrides: fields of the configuration.

    Raises:
        ConfigurationError: for an unknown name or field, or a value that is not allowed.
    """
    if is_host(name):
        raise ConfigurationError("environment", name, f"one of {', '.join(_ENTRIES)}, which are compiled")
    entry = find(name)
    known = [field.name for field in fields(entry.config)]
    for field in overrides:
        if field not in known:
            raise ConfigurationError(field, overrides[field], f"left out; fields of {name} are {', '.join(known)}")
    environment: Environment[Any] = entry.build(entry.config(**overrides))
    return environment
