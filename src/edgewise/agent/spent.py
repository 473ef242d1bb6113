"""What modules spend, where they call something that is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Spent:
    """What was spent since a module was made.

    Attributes:
        calls: of a language model, or of the module itself where it calls none.
        tokens: sent and received.
        money: in the currency of the model's price list.
    """

    calls: int = 0
    tokens: int = 0
    money: float = 0.0

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.calls - other.calls, self.tokens - other.tokens, self.money - other.money)

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.calls + other.calls, self.tokens + other.tokens, self.money + other.money)


@runtime_checkable
class TellsSpent(Protocol):
    """A module that tells what it has spent; of one that does not, every call counts as one."""

    def spent(self) -> Spent:
        """All since it was made."""
        ...
