"""What the cloud server and the edge servers send each other, and how they are reached."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from edgewise.common.errors import EdgewiseError

Action = Literal["offer", "build", "settle"]
ACTIONS: tuple[Action, ...] = ("offer", "build", "settle")
"""Offer: the menu, for a choice. Build: a module for an order. Settle: the verdict, and the agent."""


@dataclass(frozen=True)
class Parcel:
    """A message's content.

    Attributes:
        facts: plain values.
        payload: bytes beside them: a module, an agent.
    """

    facts: dict[str, Any]
    payload: bytes = field(default=b"", repr=False)

    @property
    def size(self) -> int:
        """Bytes of it, as they travel."""
        return len(canonical(self.facts)) + len(self.payload)


def canonical(facts: Any) -> bytes:
    """Plain values in the one text that is signed and counted."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(content: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


@runtime_checkable
class Transport(Protocol):
    """How a cloud server reaches edge servers: by Flower, or in the same process."""

    def nodes(self) -> list[int]:
        """Addresses of the edge servers that are connected."""

    def push(self, action: Action, parcels: Mapping[int, Parcel], patience: float) -> dict[str, int]:
        """Send each address its parcel; who does not take it for `patience` s never does.

        Returns:
            Address by the ticket of each parcel that was sent.
        """

    def pull(self, tickets: Sequence[str]) -> list[tuple[str, Parcel | str]]:
        """The answers that are there, by ticket; a text in place of one tells why there is none."""


class Nearby:
    """A transport to edge servers in this process, for experiments and tests.

    Args:
        edges: what answers, by address: `(action, parcel) -> parcel`.
    """

    def __init__(self, edges: Mapping[int, Callable[[Action, Parcel], Parcel]]) -> None:
        self._edges = edges
        self._answers: dict[str, Parcel | str] = {}
        self._sent = 0

    def nodes(self) -> list[int]:
        return list(self._edges)

    def push(self, action: Action, parcels: Mapping[int, Parcel], patience: float) -> dict[str, int]:
        tickets = {}
        for address, parcel in parcels.items():
            ticket = str(self._sent)
            self._sent += 1
            tickets[ticket] = address
            try:
                self._answers[ticket] = self._edges[address](action, parcel)
            except EdgewiseError as error:
                self._answers[ticket] = str(error)
        return tickets

    def pull(self, tickets: Sequence[str]) -> list[tuple[str, Parcel | str]]:
        return [(ticket, self._answers.pop(ticket)) for ticket in tickets if ticket in self._answers]
