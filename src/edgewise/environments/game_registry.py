"""Environments with several agents by name."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from edgewise.common.errors import ConfigurationError
from edgewise.environments.game import Game, GameSystem
from edgewise.systems.twin_trading.system import TWIN_TRADING

_ENTRIES: dict[str, GameSystem] = {entry.name: entry for entry in (TWIN_TRADING,)}


def names() -> tuple[str, ...]:
    """Every registered name."""
    return tuple(_ENTRIES)


def find(name: str) -> GameSystem:
    """Look a system up.

    Raises:
        ConfigurationError: naming the systems that exist.
    """
    if name not in _ENTRIES:
        raise ConfigurationError("environment", name, f"one of {', '.join(_ENTRIES)}")
    return _ENTRIES[name]


def make(name: str, **overrides: Any) -> Game[Any]:
    """Build an environment from its default configuration.

    Args:
        name: as in `names()`.
        overrides: fields of the configuration.

    Raises:
        ConfigurationError: for an unknown name or field, or a value that is not allowed.
    """
    entry = find(name)
    known = [field.name for field in fields(entry.config)]
    for field in overrides:
        if field not in known:
            raise ConfigurationError(field, overrides[field], f"left out; fields of {name} are {', '.join(known)}")
    return entry.build(entry.config(**overrides))
