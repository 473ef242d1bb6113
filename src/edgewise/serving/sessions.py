"""The sessions of a server, as its addresses ask for them."""

from __future__ import annotations

import asyncio
import threading
import uuid
from typing import Any

from pydantic import BaseModel

from edgewise.serving.held import service_of
from edgewise.serving.models import Model
from edgewise.serving.refusals import refused
from edgewise.serving.repository import Repository
from edgewise.serving.requests import Asked, Job, Reply
from edgewise.serving.store import Store
from edgewise.serving.worker import Worker

WARM_S = 300.0
"""Longest time that requests wait for programs, s."""


class Sessions:
    """Sessions of all systems.

    Args:
        repository: the models.
        worker: carries requests out.
        store: where sessions are kept.
        most: sessions that may be open.
    """

    def __init__(self, repository: Repository, worker: Worker, store: Store, most: int) -> None:
        self._repository, self._worker, self._store, self._most = repository, worker, store, most
        self.warm = threading.Event()
        """Set when programs are compiled; requests wait for it."""

    async def open(self, model: Model, name: str | None, request: BaseModel, asked: Asked) -> Reply:
        """Open a session.

        Args:
            model: whose system it is of.
            name: of the session. If None, the server chooses one.
            request: of the type that the service's `opening` tells.
            asked: the request as it came.

        Raises:
            RefusedError: if the name is taken, or there are too many sessions.
            ConfigurationError: if something is not allowed.
        """
        service_of(model)
        assert model.system is not None
        if await asyncio.to_thread(self._store.sessions) >= self._most:
            raise refused(429, f"{self._most} sessions are open, as many as may be: close one")
        job = Job("open", asked, model.system.name, name or uuid.uuid4().hex, model, request=request)
        return await self._carry_out(job)

    async def apply(self, system: str, name: str, operation: str, request: BaseModel, asked: Asked) -> Reply:
        """Carry out what is asked of a session.

        Args:
            system: to which it belongs.
            name: of the session.
            operation: of the service.
            request: of the type that the operation tells.
            asked: the request as it came.

        Raises:
            RefusedError: if there is no such session, or others keep changing it.
            ConfigurationError: if something is not allowed; nothing has changed then.
        """
        job = Job("apply", asked, system, name, operation=operation, request=request)
        return await self._carry_out(job)

    async def remove(self, system: str, name: str, asked: Asked) -> Reply:
        """Close a session.

        Raises:
            RefusedError: if there is no such session.
        """
        return await self._carry_out(Job("remove", asked, system, name))

    async def _carry_out(self, job: Job) -> Reply:
        if not self.warm.is_set() and not await asyncio.to_thread(self.warm.wait, WARM_S):
            raise refused(503, "the server is not ready: ask again when /v2/health/ready says so")
        return await asyncio.wrap_future(self._worker.submit(job))

    async def view(self, system: str, name: str) -> dict[str, Any]:
        """What can be shown of a session.

        Raises:
            RefusedError: if there is no such session.
        """

        def look() -> dict[str, Any]:
            held = self._worker.held.find(system, name)
            return service_of(self._repository.find(held.row.model)).view(held.state)

        return await asyncio.to_thread(look)
