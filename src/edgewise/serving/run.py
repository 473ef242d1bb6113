"""A server that listens."""

from __future__ import annotations

import signal
import sys
from typing import Any

import jax
import uvicorn

from edgewise.serving.application import Server, application
from edgewise.serving.live.page import mount
from edgewise.serving.logs import set_up
from edgewise.serving.settings import Settings

SWITCH_S = 0.0005
"""Time after which threads of Python take turns, s: the one that answers shall not wait for those that calculate."""
KEEP_ALIVE_S = 75
"""Time that a connection stays open without a request, s: longer than a slot."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; requests in progress are finished then.

    Raises:
        EdgewiseError: if a model or the database cannot be opened, or a token is needed and missing.
    """
    set_up(settings.log)
    # programs are small: no other thread shall carry them out
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    sys.setswitchinterval(SWITCH_S)
    server = Server(settings)
    app = application(server)
    mount(app, server)
    scheme = "http" if settings.tls_certificate is None else "https"
    print(f"{scheme}://{settings.host}:{settings.port}/ shows the sessions, /docs how to ask", file=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: None)  # raised once more at the end: what it asks for is done then
    uvicorn.Server(listening(app, settings)).run()


def listening(app: Any, settings: Settings) -> uvicorn.Config:
    """How an application listens."""
    return uvicorn.Config(
        app,
        settings.host,
        settings.port,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=int(settings.stop_s),
        timeout_keep_alive=KEEP_ALIVE_S,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
