"""Frozen dataclasses that are looked up often: their hash is calculated once."""

from __future__ import annotations

from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)
KEPT = "_hash"
"""Where an object keeps its hash."""


def hashed_once(cls: Class) -> Class:
    """Let objects of a frozen dataclass keep their hash; copies and pickles do not, since strings hash otherwise elsewhere."""
    changed: Any = cls
    calculated = changed.__hash__

    def kept(self: Any) -> int:
        values = self.__dict__
        if KEPT not in values:
            values[KEPT] = calculated(self)
        found: int = values[KEPT]
        return found

    def state(self: Any) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != KEPT}

    changed.__hash__, changed.__getstate__ = kept, state
    return cls
