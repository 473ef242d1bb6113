"""Parcels as messages of Flower, and the transport of a ServerApp."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flwr.app import ConfigRecord, Message, RecordDict

from edgewise.construction.parcels import Action, Parcel, canonical

CONTENT = "parcel"
TYPES: dict[Action, str] = {"offer": "query.offer", "build": "train.build", "settle": "query.settle"}
"""Types of messages."""


def wrapped(parcel: Parcel) -> RecordDict:
    """The content of a message."""
    record = ConfigRecord({"facts": canonical(parcel.facts).decode(), "payload": parcel.payload})
    return RecordDict({CONTENT: record})


def opened(message: Message) -> Parcel:
    """The inverse of `wrapped`.

    Raises:
        ValueError: if the content is none of a parcel.
    """
    record: Any = message.content.get(CONTENT)
    if not isinstance(record, ConfigRecord):
        raise ValueError("the message holds no parcel")
    facts, payload = record.get("facts"), record.get("payload")
    if not isinstance(facts, str) or not isinstance(payload, bytes):
        raise ValueError("the message holds no parcel")
    values = json.loads(facts)
    if not isinstance(values, dict):
        raise ValueError("the message holds no parcel")
    return Parcel(values, payload)


class FlowerTransport:
    """Messages to chosen nodes of a Flower grid.

    Args:
        grid: of a ServerApp.
    """

    def __init__(self, grid: Any) -> None:
        self._grid = grid

    def nodes(self) -> list[int]:
        """Ids of the nodes that are connected."""
        return sorted(self._grid.get_node_ids())

    def push(self, action: Action, parcels: Mapping[int, Parcel], patience: float) -> dict[str, int]:
        nodes = list(parcels)
        messages = [Message(wrapped(parcels[node]), node, TYPES[action], ttl=patience) for node in nodes]
        names = self._grid.push_messages(messages)
        return {name: node for name, node in zip(names, nodes, strict=True) if name}

    def pull(self, tickets: Sequence[str]) -> list[tuple[str, Parcel | str]]:
        return [(reply.metadata.reply_to_message_id, _content(reply)) for reply in self._grid.pull_messages(tickets)]


def _content(reply: Message) -> Parcel | str:
    if reply.has_error():
        return str(reply.error.reason)
    try:
        return opened(reply)
    except ValueError as error:
        return str(error)
