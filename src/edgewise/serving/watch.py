"""Every request is counted, timed and logged, under an id that its answer tells too."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

import structlog

from edgewise.serving.logs import LOG
from edgewise.serving.measures import Measures

HEADER = b"x-request-id"
ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Ids that clients may give a request; others get one from the server."""
QUIET = ("/v2/health/", "/metrics", "/_nicegui/")
"""Addresses that machines and the live view ask all the time: logged at level debug."""


class Watch:
    """The application, watched.

    Args:
        app: the application (ASGI).
        measures: where requests are counted.
    """

    def __init__(self, app: Any, measures: Measures) -> None:
        self._app, self._measures = app, measures

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = _id(scope)
        scope.setdefault("state", {})["request_id"] = name
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=name)
        began, status = time.perf_counter(), 500

        async def watched(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), (HEADER, name.encode())]}
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._count(scope, status, time.perf_counter() - began)

    def _count(self, scope: Any, status: int, took: float) -> None:
        route = scope.get("route")
        address = getattr(route, "path_format", None) or getattr(route, "path", None) or "other"
        self._measures.requests.labels(scope["method"], address, str(status)).inc()
        self._measures.latency.labels(address).observe(took)
        write = LOG.debug if scope["path"].startswith(QUIET) else LOG.info
        write("request", method=scope["method"], path=scope["path"], status=status, milliseconds=round(1000 * took, 3))


def _id(scope: Any) -> str:
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == HEADER), "")
    return given if ID.fullmatch(given) else uuid.uuid4().hex
