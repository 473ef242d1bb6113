"""Edge servers by their keys, whatever address they are at: who is killed and comes back is asked again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from edgewise.construction.edge import choice_text
from edgewise.construction.keys import verify
from edgewise.construction.parcels import Action, Parcel, Transport

POLL_S = 0.5
"""Time between two looks for answers, s."""
AGAIN_S = 45.0
"""A parcel without an answer is sent again after this time, then twice, four times it: its server may have lost it, s."""
PAUSE_S = 2.0
"""Time before a parcel that ended in an error is sent again, s."""
TIMELESS = 86_400.0
"""How long a parcel may wait to be taken, s."""


@dataclass
class _Sent:
    """A parcel that was sent to a node, once or more often; the next time is at `again`."""

    node: int
    tickets: set[str]
    again: float
    wait: float


@dataclass
class Post:
    """What is under way.

    Attributes:
        transport: how addresses are reached.
        hello: parcel of an offer, by which an address tells whose it is.
        allowed: public keys that may take part; None for all.
        known: address by public key.
        choices: the first choice of each, as it was signed.
        names: what they call themselves.
        errors: the last error of each address.
    """

    transport: Transport
    hello: Parcel
    allowed: Collection[str] | None = None
    known: dict[str, int] = field(default_factory=dict)
    choices: dict[str, int | None] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    _asked: dict[str, int] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)
    _retry: dict[int, float] = field(default_factory=dict)

    def meet(self, servers: int, patience: float) -> None:
        """Wait until so many servers are known, or the time is over."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            self._greet()
            if len(self.known) >= servers:
                return
            time.sleep(POLL_S)

    def collect(
        self, action: Action, edges: Collection[str], make: Callable[[str], Parcel], patience: float
    ) -> Iterator[tuple[str, Parcel]]:
        """Send servers their parcels, again where they are lost, and yield the answers as they come.

        Args:
            action: what is asked for.
            edges: public keys of who is asked.
            make: the parcel of each.
            patience: how long answers are waited for, s.
        """
        end = time.monotonic() + patience
        waiting, sent = set(edges), dict[str, _Sent]()
        while waiting and time.monotonic() < end:
            if any(edge not in self.known for edge in waiting) or self._stray():
                self._greet()
            self._send(action, waiting, sent, make, end)
            for edge, answer in self._answers(sent):
                waiting.discard(edge)
                yield edge, answer
            if waiting:
                time.sleep(POLL_S)

    def _stray(self) -> bool:
        """Whether there is an address that nobody knows, or an answer of one is awaited."""
        return bool(self._asked) or any(node not in self._seen for node in self.transport.nodes())

    def _greet(self) -> None:
        """Ask new addresses whose they are, and take what they have answered."""
        now = time.monotonic()
        new = [node for node in self.transport.nodes() if node not in self._seen and self._retry.get(node, 0.0) <= now]
        if new:
            self._asked |= self.transport.push("offer", dict.fromkeys(new, self.hello), TIMELESS)
            self._seen |= set(new)
        for ticket, answer in self.transport.pull(list(self._asked)):
            node = self._asked.pop(ticket)
            if isinstance(answer, str):
                self.errors[node] = answer
                self._seen.discard(node)
                self._retry[node] = now + PAUSE_S
            else:
                self._know(node, answer)

    def _know(self, node: int, answer: Parcel) -> None:
        edge = signer(answer, self.hello.facts["construction"], 1, self.hello.facts["menu"])
        if edge is None or (self.allowed is not None and edge not in self.allowed):
            return
        self.known[edge] = node
        self.choices.setdefault(edge, answer.facts["item"])
        self.names.setdefault(edge, str(answer.facts.get("name", ""))[:128])

    def _send(
        self, action: Action, waiting: set[str], sent: dict[str, _Sent], make: Callable[[str], Parcel], end: float
    ) -> None:
        now = time.monotonic()
        for edge in sorted(waiting, key=lambda edge: (self.names.get(edge, ""), edge)):
            node, before = self.known.get(edge), sent.get(edge)
            if node is None or (before is not None and before.node == node and now < before.again):
                continue
            wait = AGAIN_S if before is None else 2 * before.wait
            tickets = set(self.transport.push(action, {node: make(edge)}, max(1.0, end - now)))
            sent[edge] = _Sent(node, tickets | (before.tickets if before else set()), now + wait, wait)

    def _answers(self, sent: dict[str, _Sent]) -> Iterator[tuple[str, Parcel]]:
        owners = {ticket: edge for edge, each in sent.items() for ticket in each.tickets}
        for ticket, answer in self.transport.pull(list(owners)):
            edge = owners[ticket]
            if edge not in sent:
                continue
            sent[edge].tickets.discard(ticket)
            if isinstance(answer, str):
                self.errors[sent[edge].node] = answer
                sent[edge].again = time.monotonic() + PAUSE_S
            else:
                del sent[edge]
                yield edge, answer


def signer(answer: Parcel, construction: str, period: int, menu: object) -> str | None:
    """The public key by which a choice of a period from a menu is signed; None if it is not."""
    facts = answer.facts
    item, edge, signature = (facts.get(name) for name in ("item", "edge", "signature"))
    if not isinstance(edge, str) or not isinstance(signature, str):
        return None
    if item is not None and (isinstance(item, bool) or not isinstance(item, int)):
        return None
    said = {"construction": construction, "period": period, "item": item}
    return edge if verify(edge, signature, choice_text(said, menu)) else None
