"""Who may ask, and how much: a bearer token, and limits of bodies, time and rates. It stands before everything else."""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.serving.refusals import Refusal
from edgewise.serving.settings import Settings

LIVE = "/v2/health/live"
"""The one address that needs no token."""
TOKEN_VARIABLE = "EDGEWISE_TOKEN"
COOKIE = "edgewise_token"
"""In which a browser keeps the token after it was given once as `?token=`."""
SHORTEST = 16
"""Characters of a token, which nobody shall guess."""
CLIENTS = 10_000
"""Clients whose rate is remembered."""


def read_token(settings: Settings) -> str | None:
    """The token that requests must carry; None if none is needed.

    Raises:
        EdgewiseError: if it cannot be read, is too short, or is needed and missing.
    """
    if settings.token_file is not None:
        try:
            token = Path(settings.token_file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise EdgewiseError(f"token_file {settings.token_file}: cannot be read: {error}") from None
    else:
        token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        if settings.at_home and settings.token_file is None:
            return None
        allowed = f"127.0.0.1, or with a token in a file (token_file) or in {TOKEN_VARIABLE}"
        raise ConfigurationError("host", settings.host, allowed)
    if len(token) < SHORTEST or not token.isascii():
        raise EdgewiseError(f"the token has {len(token)} characters: must have {SHORTEST} or more, of ASCII")
    return token


class Gate:
    """The application behind its checks.

    Args:
        app: the application (ASGI).
        token: that requests must carry. If None, all may ask.
        settings: the limits.
    """

    def __init__(self, app: Any, token: str | None, settings: Settings) -> None:
        self._app, self._token, self._settings = app, token, settings
        self._rates: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"] != LIVE and not self._allowed(headers):
            if scope["type"] == "http" and self._given(scope):
                await _redirect(scope, send, self._token or "", self._settings.tls_certificate is not None)
            else:
                await _refuse(scope, send, 401, "authorization: must be 'Bearer TOKEN'", {"www-authenticate": "Bearer"})
        elif not self._in_time(scope):
            words = f"more than {self._settings.rate_per_s:g} requests per second: ask again later"
            await _refuse(scope, send, 429, words, {"retry-after": "1"})
        elif scope["type"] == "http":
            await self._limited(scope, headers, receive, send)
        else:
            await self._app(scope, receive, send)

    def _allowed(self, headers: dict[str, str]) -> bool:
        if self._token is None:
            return True
        kind, _, token = headers.get("authorization", "").partition(" ")
        told = [token.strip()] if kind.lower() == "bearer" else []
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        told += [unquote(cookie.value)] if cookie is not None else []
        return any(_same(each, self._token) for each in told)

    def _given(self, scope: Any) -> bool:
        """Whether the address of a browser's first request carries the token."""
        told = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        return scope["method"] == "GET" and _same(told, self._token or "")

    def _in_time(self, scope: Any) -> bool:
        """A bucket of tokens for each client, one second deep."""
        rate = self._settings.rate_per_s
        if rate is None or scope["path"] == LIVE:
            return True
        client = (scope.get("client") or ("",))[0]
        now = time.monotonic()
        left, since = self._rates.pop(client, (rate, now))
        left = min(max(rate, 1.0), left + rate * (now - since))
        self._rates[client] = (left - (left >= 1), now)
        if len(self._rates) > CLIENTS:
            self._rates.popitem(last=False)
        return left >= 1

    async def _limited(self, scope: Any, headers: dict[str, str], receive: Any, send: Any) -> None:
        """The application with a whole body of bounded size, read in bounded time."""
        most = int(self._settings.max_body_mib * 2**20)
        told = headers.get("content-length", "0")
        if not told.isdigit() or int(told) > most:
            await _refuse(scope, send, 413, _large(self._settings), {"connection": "close"})
            return
        try:
            async with asyncio.timeout(self._settings.body_s):
                body = await _whole_body(receive, most)
        except TimeoutError:
            words = f"body: did not arrive within {self._settings.body_s:g} s"
            await _refuse(scope, send, 408, words, {"connection": "close"})
            return
        if body is None:
            return
        if len(body) > most:
            await _refuse(scope, send, 413, _large(self._settings), {"connection": "close"})
            return
        message = {"type": "http.request", "body": body, "more_body": False}
        await self._app(scope, beginning_with(message, receive), send)


def beginning_with(message: Any, receive: Any) -> Callable[[], Coroutine[Any, Any, Any]]:
    """What an application receives, if a message has been taken already."""
    told = False

    async def first() -> Any:
        nonlocal told
        if told:
            return await receive()
        told = True
        return message

    return first


async def _whole_body(receive: Any, most: int) -> bytes | None:
    """The body, or a little more than may be; None if the client has gone."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most or not message.get("more_body", False):
            return b"".join(parts)


def _large(settings: Settings) -> str:
    return f"body: must be {settings.max_body_mib:g} MiB at most"


def _same(told: str, token: str) -> bool:
    """Comparison in constant time."""
    return bool(token) and hmac.compare_digest(told.encode("utf-8", "replace"), token.encode())


async def _refuse(scope: Any, send: Any, status: int, words: str, headers: dict[str, str]) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4401 if status == 401 else 4429, "reason": words[:100]})
        return
    body = Refusal(error=words).model_dump_json().encode()
    await _send(send, status, {"content-type": "application/json", **headers}, body)


async def _redirect(scope: Any, send: Any, token: str, secure: bool) -> None:
    """Give a browser the token as a cookie, and the same address without it."""
    cookie = f"{COOKIE}={quote(token)}; HttpOnly; SameSite=Strict; Path=/" + ("; Secure" if secure else "")
    path = "/" + scope["path"].lstrip("/")
    await _send(send, 303, {"location": path, "set-cookie": cookie, "cache-control": "no-store"}, b"")


async def _send(send: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    told = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    told.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})
