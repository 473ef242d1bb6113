"""The sessions that a server has in memory; the others are in the store."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import jax

from edgewise.common.packed import pack, unpack
from edgewise.environments.service import Service
from edgewise.policies.description_file import ArtefactError
from edgewise.serving.models import Model
from edgewise.serving.refusals import refused, shortened
from edgewise.serving.repository import Repository
from edgewise.serving.store import SessionRow, Store

MOST = 4096
"""Sessions in memory; who was not asked for the longest time is read again when it is."""


@dataclass(frozen=True)
class Held:
    """A session in memory.

    Attributes:
        row: as it was kept last.
        state: of the service.
    """

    row: SessionRow
    state: Any


class HeldSessions:
    """Sessions in memory.

    Args:
        repository: the models.
        store: where sessions are kept.
    """

    def __init__(self, repository: Repository, store: Store) -> None:
        self._repository, self._store = repository, store
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._held)

    def find(self, system: str, name: str) -> Held:
        """A session, from memory or from the store.

        Raises:
            RefusedError: if there is no such session.
        """
        with self._lock:
            return self._find(system, name)

    def _find(self, system: str, name: str) -> Held:
        held = self._held.get(name)
        if held is not None and self._store.shared and self._store.version(name) != held.row.version:
            held = None
        if held is None:
            row = self._store.session(name)
            if row is not None:
                held = Held(row, service_of(self._repository.find(row.model)).load(row.state))
        if held is None or held.row.system != system:
            raise refused(404, f"session = {shortened(repr(name))}: must be the name of an open session")
        self.put(held)
        return held

    def put(self, held: Held) -> None:
        """Hold a session as it is now."""
        with self._lock:
            self._held[held.row.id] = held
            self._held.move_to_end(held.row.id)
            if len(self._held) > MOST:
                self._held.popitem(last=False)

    def drop(self, name: str) -> None:
        """Hold a session no more."""
        with self._lock:
            self._held.pop(name, None)


def service_of(model: Model) -> Service:
    """The system at work for which a model decides.

    Raises:
        RefusedError: if it has no sessions.
    """
    if model.service is None:
        words = f"has no sessions, it decides at /v2/models/{model.name}/infer alone; {_sizes(model)}"
        raise refused(409, f"model = {model.name!r}: {words}")
    return model.service


def packed_memory(model: Model, memory: Any) -> bytes:
    """A policy's memory for the store; empty for a policy without one."""
    leaves = jax.tree.leaves(memory)
    return pack({str(i): leaf for i, leaf in enumerate(leaves)}, {"policy": model.digest}) if leaves else b""


def unpacked_memory(model: Model, content: bytes) -> Any:
    """The memory for a model's policy; that of an episode's start if another policy has left it."""
    if not content:
        return model.actor.begin
    arrays, facts = unpack(content)
    if facts["policy"] != model.digest:
        return model.actor.begin
    structure = jax.tree.structure(model.actor.begin)
    return jax.tree.unflatten(structure, [arrays[str(i)] for i in range(len(arrays))])


def _sizes(model: Model) -> str:
    """What a model's observations are, in words."""
    try:
        return f"it takes {model.artefact.described.layout()}"[:500]
    except ArtefactError as error:
        return str(error)
