"""What the database holds of sessions, for the live view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewise.common.errors import EdgewiseError
from edgewise.serving.store import Change

if TYPE_CHECKING:
    from edgewise.serving.application import Server
    from edgewise.serving.live.history import History


class Earlier:
    """Earlier states of sessions.

    Args:
        server: whose database it is.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def versions(self, session: str) -> range:
        """The versions of a session of which the state is kept."""
        return self._server.store.versions(session)

    def state(self, model: str, session: str, version: int) -> Any:
        """A state of the service of a model; None if it is not kept, or the model is not loaded."""
        content = self._server.store.state(session, version)
        return None if content is None else self._loaded(model, content)

    def remember(self, history: History, count: int) -> None:
        """Put the latest sessions into the history of a server that has just started."""
        for row in reversed(self._server.store.latest(count)):
            state = self._loaded(row.model, row.state)
            if state is not None:
                history.add(Change(row), state)

    def _loaded(self, model: str, content: bytes) -> Any:
        try:
            service = self._server.repository.find(model).service
            return None if service is None else service.load(content)
        except EdgewiseError:
            return None
