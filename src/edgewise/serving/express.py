"""The short way of requests to sessions: from the body straight into its model, and from the worker's answer to the client.

FastAPI reads JSON into dictionaries, looks through its addresses, solves dependencies and validates: a third of the time that a
decision takes. It describes these addresses, and is asked for whatever is unusual about a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.responses import JSONResponse, Response

from edgewise.common.errors import EdgewiseError
from edgewise.serving.refusals import RefusedError, refusal_of
from edgewise.serving.requests import Asked, Reply
from edgewise.serving.security import beginning_with
from edgewise.serving.sessions import Sessions

JSON = "application/json"
LONGEST_KEY = 128
"""Characters of an idempotency key."""


@dataclass(frozen=True)
class Place:
    """Where an operation is asked for.

    Attributes:
        system: its name.
        word: of the operation.
        request: what it takes.
        path_format: the address, with the session's name in braces.
    """

    system: str
    word: str
    request: type[BaseModel]
    path_format: str


class Express:
    """An application with a short way.

    Args:
        app: the application (ASGI).
        places: by what their addresses have before and after the name of a session.
        sessions: that are asked.
    """

    def __init__(self, app: Any, places: Mapping[tuple[str, str], Place], sessions: Sessions) -> None:
        self._app, self._places, self._sessions = app, places, sessions

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Carry a request out, or hand it on."""
        found = self._find(scope)
        if found is None:
            await self._app(scope, receive, send)
            return
        place, session = found
        message = await receive()
        usual = _read(place, scope, message)
        if usual is None:
            await self._app(scope, beginning_with(message, receive), send)
            return
        scope["route"] = place
        try:
            told = response(await self._sessions.apply(place.system, session, place.word, *usual))
        except (RefusedError, EdgewiseError) as error:
            status, refusal = refusal_of(error)
            told = JSONResponse(refusal.model_dump(), status)
        await told(scope, receive, send)

    def _find(self, scope: Any) -> tuple[Place, str] | None:
        """The place that a request is for, and the name of its session."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope.get("root_path"):
            return None
        start, _, word = scope["path"].rpartition("/")
        start, _, session = start.rpartition("/")
        place = self._places.get((start, word))
        return None if place is None or not session else (place, session)


def _read(place: Place, scope: Any, message: Any) -> tuple[BaseModel, Asked] | None:
    """A request whose whole body has come; None if something is unusual about it."""
    headers = dict(reversed(scope["headers"]))  # of several the first counts
    key = headers.get(b"idempotency-key")
    if headers.get(b"content-type") != JSON.encode() or not (key is None or 0 < len(key) <= LONGEST_KEY):
        return None
    if message["type"] != "http.request" or message.get("more_body", False):
        return None
    try:
        request = place.request.model_validate_json(message["body"])
    except ValidationError:
        return None
    told = None if key is None else key.decode("latin-1")
    return request, Asked(scope["state"]["request_id"], scope["path"], message["body"], told)


def response(reply: Reply) -> Response:
    """A reply as it is sent."""
    headers = {"Idempotency-Replayed": "true"} if reply.repeated else {}
    return Response(reply.body, reply.status, headers, media_type=JSON)
