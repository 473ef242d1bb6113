"""`edgewise construct edge`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import tyro

from edgewise.common.errors import check_integer
from edgewise.construction.edge import EdgeServer
from edgewise.construction.processes import free_port
from edgewise.construction.security import CA, edge_security, is_loopback
from edgewise.construction.service import EdgeService

POLL_S = 0.5
"""Seconds between two looks at whether the processes still run."""


@dataclass(frozen=True)
class Edge:
    """Build modules for a cloud server under its contract, until Ctrl-C.

    Attributes:
        folder: of the edge server, with its `edge.yaml`: name, willingness of both periods, apps or a folder of data.
        superlink: HOST:PORT of the cloud server.
        ca: certificate of the cloud server's authority. If None, `ca.pem` in the folder.
        port: of the loopback, for its own processes. If None, a free one.
    """

    folder: tyro.conf.Positional[Path]
    superlink: str = "127.0.0.1:8000"
    ca: Path | None = None
    port: int | None = None

    def __post_init__(self) -> None:
        if self.port is not None:
            check_integer("port", self.port, 1, 65_535)


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Edge, args=words, prog="edgewise construct edge")
    server = EdgeServer(options.folder)
    host = options.superlink.rpartition(":")[0]
    security = None if is_loopback(host) else edge_security(options.folder, options.ca or options.folder / CA)
    service = EdgeService(options.folder, options.superlink, options.port or free_port(), security)
    print(f"edge server {server.config.name}, public key {server.key.public}", flush=True)
    try:
        while True:
            service.check()
            time.sleep(POLL_S)
    finally:
        service.stop()
