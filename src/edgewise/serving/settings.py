"""What a server is started with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from edgewise.common.errors import check_integer, check_range

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Settings:
    """How a server runs.

    Attributes:
        models: what it serves: folders of runs or of policies, systems whose own policy is meant, or SYSTEM/POLICY; NAME=MODEL
            gives one a name. If empty, the policies that come with the systems.
        host: address to bind to.
        port: to bind to; 0 takes a free one.
        database: where sessions and decisions are kept, a URL of SQLAlchemy: a file of SQLite, or PostgreSQL.
        deadline_ms: time after which the reference rule answers a request in the policy's place, ms.
        max_sessions: sessions that may be open.
        ray: serve by Ray Serve (extra "ray"): replicas that share their sessions in a database of PostgreSQL.
        replicas: how many of them.
        ray_address: HOST:PORT of the cluster. If None, one of this machine, which ends with the server.
    """

    models: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="[MODEL ...]")] = ()
    host: str = "127.0.0.1"
    port: int = 8080
    database: str = "sqlite:///edgewise.sqlite"
    deadline_ms: float = 250.0
    max_sessions: int = 10_000
    ray: bool = False
    replicas: int = 2
    ray_address: str | None = None

    def __post_init__(self) -> None:
        check_integer("port", self.port, 0, 65535)
        check_range("deadline_ms", self.deadline_ms, 0, open_low=True)
        check_integer("max_sessions", self.max_sessions, 1)
        check_integer("replicas", self.replicas, 1)

    @property
    def at_home(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK
