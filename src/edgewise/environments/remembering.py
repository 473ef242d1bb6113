"""Policies that remember what they have seen of an episode."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class RememberingPolicy(Protocol):
    """A policy that acts on observations alone, and remembers what it has seen of an episode."""

    def initial_memory(self) -> Any:
        """Memory at the start of an episode; an empty tuple for a policy without one."""

    def step(self, key: Any, observation: Any, memory: Any) -> tuple[Any, Any]:
        """An action, and the memory to go on with."""


@runtime_checkable
class RememberingReference(Protocol):
    """A reference policy that may look at the state, and remembers what it has seen of an episode."""

    def begin(self, state: Any) -> Any:
        """Memory at the start of an episode."""

    def step(self, key: Any, state: Any, observation: Any, memory: Any) -> tuple[Any, Any]:
        """An action, and the memory to go on with."""
