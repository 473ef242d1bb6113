"""What a server is started with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from edgewise.common.errors import ConfigurationError, check_integer, check_range

SIZE = re.compile(r"[1-9]\d{0,3}(x[1-9]\d{0,3})*")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Settings:
    """Put policies to work: sessions and decisions over HTTP. /docs describes every address.

    Attributes:
        models: what is served: folders of runs or of policies, systems whose own policy is meant, or SYSTEM/POLICY; NAME=MODEL
            gives one a name. If empty, the policies that come with the systems.
        host: address to bind to; any but one of this machine alone needs a token.
        port: to bind to; 0 takes a free one.
        database: where sessions and decisions are kept, a URL of SQLAlchemy: a file of SQLite, or PostgreSQL.
        sizes: numbers of what sessions hold for which programs are compiled before the server is ready, such as 8x4 32x8 for
            vehicles and units, 20 for providers; those of other sessions are compiled beside, as soon as these are opened. If
            empty for a system, a usual size.
        every_state: keep the state of a session after every request, not only the last, so that the live view can go through all
            of it; takes about as much on disk as the decisions.
        deadline_ms: time after which the reference rule answers a request in the policy's place, ms.
        wait_for_programs_s: longest time that a request waits for the programs of its size to be compiled, s; then a rule that
            needs none answers in the policy's place.
        shadow: models that decide on the same questions as others and are compared, never answer; NAME=SHADOW, names of models.
        token_file: file with the token that requests must carry. If None, it is the environment variable EDGEWISE_TOKEN; if
            that is not set either, none is needed.
        tls_certificate: file with a certificate, for TLS.
        tls_key: file with the key of the certificate.
        max_body_mib: largest body of a request, MiB.
        body_s: time in which a body must arrive, s.
        max_sessions: sessions that may be open.
        max_connections: connections that may be open; more are refused.
        max_waiting: requests that may wait for their turn; more are refused.
        together: requests that are carried out together, if so many wait; 1 takes each by itself.
        rate_per_s: requests per second of one address. If None, any number.
        stop_s: time that requests have to end when the server stops, s.
        log: events from this level on are logged.
        ray: serve by Ray Serve (extra "ray"): replicas that share their sessions in a database of PostgreSQL.
        replicas: how many of them.
        ray_address: HOST:PORT of the cluster. If None, one of this machine, which ends with the server.
    """

    models: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="[MODEL ...]")] = ()
    host: str = "127.0.0.1"
    port: int = 8080
    database: str = "sqlite:///edgewise.sqlite"
    every_state: bool = False
    sizes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NUMBER[xNUMBER] ...")] = ()
    deadline_ms: float = 250.0
    wait_for_programs_s: float = 60.0
    shadow: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=SHADOW ...")] = ()
    token_file: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    max_body_mib: float = 4.0
    body_s: float = 10.0
    max_sessions: int = 10_000
    max_connections: int = 4096
    max_waiting: int = 4096
    together: int = 64
    rate_per_s: float | None = None
    stop_s: float = 20.0
    log: Literal["debug", "info", "warning", "error"] = "info"
    ray: bool = False
    replicas: int = 2
    ray_address: str | None = None

    def __post_init__(self) -> None:
        check_integer("port", self.port, 0, 65535)
        for name in ("deadline_ms", "wait_for_programs_s", "max_body_mib", "body_s", "stop_s"):
            check_range(name, getattr(self, name), 0, open_low=True)
        for name in ("max_sessions", "max_connections", "max_waiting", "together", "replicas"):
            check_integer(name, getattr(self, name), 1)
        if self.rate_per_s is not None:
            check_range("rate_per_s", self.rate_per_s, 0, open_low=True)
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ConfigurationError("tls_key", self.tls_key, "given with tls_certificate, and only with it")
        for each in self.sizes:
            if not SIZE.fullmatch(each):
                raise ConfigurationError("sizes", each, "numbers from 1 to 9999 with x between them, such as 8x4 or 20")
        for each in self.shadow:
            if not all(each.partition("=")[::2]):
                raise ConfigurationError("shadow", each, "NAME=SHADOW, names of two models")

    def sizes_of(self, counted: Sequence[str], usual: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """The sizes that are stated of sessions.

        Args:
            counted: what there is a number of in a session.
            usual: those that are meant if none is stated.
        """
        stated = [tuple(map(int, each.split("x"))) for each in self.sizes]
        return [each for each in stated if len(each) == len(counted)] or list(usual)

    @property
    def at_home(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK
