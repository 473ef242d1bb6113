"""Gymnasium ids. Loads nothing of a system before one is made."""

from __future__ import annotations

from importlib import metadata

import gymnasium

from edgewise.common.errors import ConfigurationError

_ADAPTER = "edgewise.environments.adapters.gymnasium"


def register_installed() -> None:
    """Make the systems of all installed packages known to Gymnasium.

    A package names them in the entry-point group `edgewise.gymnasium`, as Name-v0; its own name is the namespace. The value is
    that of the system in the group `edgewise.systems`.
    """
    systems = {point.value: point.name for point in metadata.entry_points(group="edgewise.systems")}
    for point in metadata.entry_points(group="edgewise.gymnasium"):
        if point.value in systems:
            register_gymnasium(systems[point.value], f"{point.value.partition('.')[0].partition(':')[0]}/{point.name}")


def register_gymnasium(name: str, gymnasium_id: str) -> None:
    """Make a system of the registry known to `gymnasium.make` and `gymnasium.make_vec`.

    Args:
        name: in the registry.
        gymnasium_id: as "namespace/Name-v0". Asking for the same pair again changes nothing.

    Raises:
        ConfigurationError: if the id belongs to another environment.
    """
    known = gymnasium.registry.get(gymnasium_id)
    if known is not None:
        if known.kwargs.get("system") != name:
            raise ConfigurationError("gymnasium_id", gymnasium_id, "an id that no other environment has")
        return
    gymnasium.register(
        id=gymnasium_id,
        entry_point=f"{_ADAPTER}:make_single",
        vector_entry_point=f"{_ADAPTER}:make_vector",
        kwargs={"system": name},
    )
