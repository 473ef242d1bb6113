"""A server that listens."""

from __future__ import annotations

import sys

import uvicorn

from edgewise.serving.application import Server, application
from edgewise.serving.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; requests in progress are finished then.

    Raises:
        EdgewiseError: if a model or the database cannot be opened.
    """
    server = Server(settings)
    config = uvicorn.Config(
        application(server), settings.host, settings.port, log_level="warning", access_log=False, server_header=False
    )
    for model in server.repository.models():
        print(f"{model.name}: {model.artefact.algorithm}, {model.digest[:12]}", file=sys.stderr)
    print(f"http://{settings.host}:{settings.port}/docs", file=sys.stderr)
    uvicorn.Server(config).run()
