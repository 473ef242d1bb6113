"""A client of Edgewise's own server that survives the server's restarts."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.extras import missing

TOKEN = "EDGEWISE_TOKEN"
"""Environment variable with the bearer token of the server."""
TIMEOUT_S = 60.0
"""Longest wait for an answer, s: a session of a new size is compiled first."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
"""Pause before a request is sent again, doubled from the first to the longest, s."""
BUSY = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the same request is sent again: of a busy server, and of proxies whose server has gone."""


class Client:
    """Posts JSON. A request that was cut off is sent again with its idempotency key, so that it counts once.

    Args:
        server: its address, such as http://127.0.0.1:8080.
        patience_s: longest time in which a request is tried again, s.
        token: bearer token. If None, that of the environment variable EDGEWISE_TOKEN, or none.
        pause: called with the seconds to wait.
        http: an `httpx.Client` with settings of your own, such as a certificate; it is closed with this one. If None, the usual
            one.

    Raises:
        ConfigurationError: if the address is not one of HTTP.
        EdgewiseError: if httpx is not installed.
    """

    def __init__(
        self,
        server: str,
        patience_s: float = 30.0,
        token: str | None = None,
        pause: Callable[[float], None] = time.sleep,
        http: Any = None,
    ) -> None:
        if not server.startswith(("http://", "https://")):
            raise ConfigurationError("server", server, "an address that begins with http:// or https://")
        try:
            import httpx
        except ImportError as error:
            raise missing("httpx", "serve", error) from None
        token = token or os.environ.get(TOKEN)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._failures = (httpx.TransportError,)
        self._server, self._patience, self._pause = server, patience_s, pause
        self._http = http or httpx.Client(base_url=server, headers=headers, timeout=TIMEOUT_S)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def post(self, path: str, content: Any, **query: str) -> dict[str, Any]:
        """The answer to a request.

        Args:
            path: on the server.
            content: of the request.
            query: parameters of the address.

        Raises:
            EdgewiseError: if the server refuses it, with what it says, or cannot be reached for so long.
        """
        return self._send("POST", path, content, query)

    def delete(self, path: str) -> None:
        """Remove what is at an address.

        Raises:
            EdgewiseError: as of `post`.
        """
        self._send("DELETE", path, None, {})

    def _send(self, method: str, path: str, content: Any, query: dict[str, str]) -> dict[str, Any]:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        until, pause = time.monotonic() + self._patience, FIRST_PAUSE_S
        while True:
            try:
                answer = self._http.request(method, path, json=content, params=query, headers=headers)
                if answer.status_code not in BUSY or time.monotonic() > until:
                    break
            except self._failures as error:
                if time.monotonic() > until:
                    raise EdgewiseError(f"{self._server} cannot be reached: {error}") from None
            self._pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        if answer.is_error:
            raise EdgewiseError(f"{method} {self._server}{path}: {answer.status_code}: {_said(answer)}")
        return answer.json() if answer.content else {}


def _said(answer: Any) -> str:
    """What the server says of an error, in one line."""
    try:
        content = answer.json()
    except ValueError:
        return str(answer.text)[:300]
    told = content.get("error") or content.get("detail") or content
    return str(told)[:300]
