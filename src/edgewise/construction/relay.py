"""A relay on the loopback that writes down what passes through it: the traffic of an edge server as it is on the wire."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Coroutine
from itertools import count
from pathlib import Path
from typing import Any

from edgewise.common.files import make_folder
from edgewise.construction.processes import LOOPBACK, Security

UP, DOWN = "up", "down"
"""How files end of what a server has sent, and of what it has got."""
PIECE = 2**16
"""Bytes that are passed on at a time."""
ANSWERED_S = 10.0
"""How long the relay's own thread may take to begin or to end, s."""


class Relay:
    """A relay between the SuperNode of one edge server and a SuperLink, in a thread of its own.

    Each connection leaves two files in the folder, `NNNN-up` and `NNNN-down`, with all bytes in their order. Of a protected
    connection they hold what is inside TLS: the relay stands in for the SuperLink with its certificate, and passes on by TLS.

    Args:
        folder: of the files; it is made.
        superlink: HOST:PORT.
        security: of the SuperLink, with its certificate and key. If None, the connection is not protected.
    """

    def __init__(self, folder: Path, superlink: str, security: Security | None = None) -> None:
        make_folder(folder)
        self.folder = folder
        host, _, port = superlink.rpartition(":")
        self._target = host, int(port)
        self._inner: ssl.SSLContext | None = None
        self._outer: ssl.SSLContext | None = None
        if security is not None:
            self._inner, self._outer = _contexts(security)
        self._numbers, self._passing = count(), set[asyncio.Task[None]]()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """HOST:PORT at which it stands in for the SuperLink, once it has begun."""
        assert self._server is not None
        return f"{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}"

    def __enter__(self) -> Relay:
        self._thread.start()
        self._server = self._wait(asyncio.start_server(self._pass, LOOPBACK, 0, ssl=self._inner))
        return self

    def __exit__(self, *error: object) -> None:
        self._wait(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWERED_S)
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWERED_S)

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        name = f"{next(self._numbers):04d}"
        try:
            there, back = await asyncio.open_connection(*self._target, ssl=self._outer)
            await asyncio.gather(
                _copy(reader, back, self.folder / f"{name}-{UP}"), _copy(there, writer, self.folder / f"{name}-{DOWN}")
            )
        except OSError:  # nobody listens there now
            pass
        finally:
            writer.close()
            self._passing.discard(task)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter, path: Path) -> None:
    """Pass on until one side ends, and then end the other one."""
    with path.open("xb", buffering=0) as record, contextlib.closing(sink), contextlib.suppress(OSError):
        while piece := await source.read(PIECE):
            record.write(piece)
            sink.write(piece)
            await sink.drain()


def _contexts(security: Security) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS towards the SuperNode, and towards the SuperLink."""
    assert security.certificate is not None
    assert security.key is not None
    inner = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    inner.load_cert_chain(security.certificate, security.key)
    return inner, ssl.create_default_context(cafile=str(security.ca))


def recorded(folder: Path, end: str) -> list[tuple[str, bytes]]:
    """Name and bytes of every connection that a relay has written into a folder, `UP` or `DOWN`."""
    return [(path.name, path.read_bytes()) for path in sorted(folder.glob(f"*-{end}"))]
