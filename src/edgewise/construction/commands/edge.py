"""`edgewise construct edge`."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import tyro

from edgewise.common.errors import EdgewiseError, check_integer
from edgewise.construction.arrival import TRUSTED
from edgewise.construction.edge import EdgeServer
from edgewise.construction.processes import free_port
from edgewise.construction.security import CA, edge_security, is_loopback
from edgewise.construction.service import EdgeService

POLL_S = 0.5
"""Seconds between two looks at whether the processes still run."""


@dataclass(frozen=True)
class Edge:
    """Build modules for a cloud server under its contract, and serve the agent that it deploys, until Ctrl-C.

    Attributes:
        folder: of the edge server, with its `edge.yaml`: name, willingness of both periods, apps or a folder of data.
        superlink: HOST:PORT of the cloud server.
        ca: certificate of the cloud server's authority. If None, `ca.pem` in the folder.
        port: of the loopback, for its own processes. If None, a free one.
        host: where the agent is served; any but one of this machine alone needs a token in EDGEWISE_TOKEN.
        http: port of the agent.
        build: build modules; otherwise the agent that has arrived is served alone.
    """

    folder: tyro.conf.Positional[Path]
    superlink: str = "127.0.0.1:8000"
    ca: Path | None = None
    port: int | None = None
    host: str = "127.0.0.1"
    http: int = 8080
    build: bool = True

    def __post_init__(self) -> None:
        check_integer("http", self.http, 0, 65_535)
        if self.port is not None:
            check_integer("port", self.port, 1, 65_535)


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Edge, args=words, prog="edgewise construct edge")
    from edgewise.construction.deploy import serve
    from edgewise.serving.settings import Settings

    server = EdgeServer(options.folder)
    pinned = options.folder / TRUSTED
    trusted = pinned.read_text().strip() if pinned.exists() else None
    print(f"edge server {server.config.name}, public key {server.key.public}", file=sys.stderr, flush=True)
    settings = Settings(host=options.host, port=options.http)
    if not options.build:
        serve(options.folder, settings, trusted)
        return 0
    host = options.superlink.rpartition(":")[0]
    security = None if is_loopback(host) else edge_security(options.folder, options.ca or options.folder / CA)
    service = EdgeService(options.folder, options.superlink, options.port or free_port(), security)
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(service, over), daemon=True)
    try:
        service.check()
        keeper.start()
        serve(options.folder, settings, trusted)
    finally:
        over.set()
        service.stop()
    return 0


def _keep(service: EdgeService, over: threading.Event) -> None:
    """Begin the SuperNode again where it ends."""
    while not over.wait(POLL_S):
        try:
            service.check()
        except EdgewiseError as error:
            print(f"edgewise construct edge: {error}", file=sys.stderr, flush=True)
            return
