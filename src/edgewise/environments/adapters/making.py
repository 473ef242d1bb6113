"""Environments from keyword arguments, with the errors that other libraries rely on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from edgewise.common.errors import ConfigurationError
from edgewise.common.table import unknown
from edgewise.environments import registry
from edgewise.numerics.platform import require_platform

RENDER_MODES = (None, "human", "ansi", "rgb_array", "ansi_list", "rgb_array_list")
"""Those of Gymnasium's documentation. "rgb_array" is drawn, and collected by Gymnasium as "rgb_array_list"; see `frames`."""


class UnexpectedKeyword(ConfigurationError, TypeError):
    """A keyword that the environment does not take.

    Libraries that try a keyword first and then go on without it expect a TypeError that says so in Python's words.
    """


def make_checked(
    system: str, render_mode: str | None, overrides: dict[str, Any], make: Callable[..., Any] = registry.make
) -> Any:
    """Build an environment or a game for another library.

    Args:
        system: name in the registry.
        render_mode: as that library names it.
        overrides: fields of the system's configuration.
        make: `registry.make`, or `registry.make_game`.

    Raises:
        UnexpectedKeyword: for an unknown field.
        ConfigurationError: for an unknown name, or a value that is not allowed.
        EdgewiseError: if JAX cannot calculate here.
    """
    check_render_mode(render_mode)
    require_platform()
    known = [field.name for field in fields(registry.find(system).config)]
    for name in overrides:
        if name not in known:
            raise UnexpectedKeyword(f"got an unexpected keyword argument '{name}': {unknown('field', name, known)}")
    made = make(system, **overrides)
    from edgewise.environments.instances import InstanceGroups

    if isinstance(made, InstanceGroups):
        raise ConfigurationError(
            "environment", system, "of one size for other libraries: its configuration names instances of several"
        )
    return made


def check_render_mode(mode: str | None) -> None:
    """Require a mode that Gymnasium knows.

    Raises:
        ConfigurationError: for another one.
    """
    if mode not in RENDER_MODES:
        raise ConfigurationError("render_mode", mode, f"one of {', '.join(map(str, RENDER_MODES))}")
