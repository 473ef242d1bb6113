"""A device that the genuine `adb connect` accepts: one port, any number of connections, one phone."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
import time
from collections.abc import Iterator

from edgewise.agent.device.errors import DeviceError
from edgewise.agent.phone.apps.settings import MODEL
from edgewise.agent.phone.faults import OFFLINE_S
from edgewise.agent.phone.server.commands import COMMANDS
from edgewise.agent.phone.server.served import Served
from edgewise.agent.phone.server.shell import failed, run_line
from edgewise.agent.phone.server.streams import Closed, Stream
from edgewise.agent.phone.server.sync import serve_sync
from edgewise.agent.phone.server.wire import (
    AUTH,
    CLSE,
    CNXN,
    LARGEST,
    OKAY,
    OPEN,
    STLS,
    VERSION,
    WRTE,
    Message,
    WrongMessage,
    packed,
    read_message,
)
from edgewise.common.errors import EdgewiseError

HOST = "127.0.0.1"
BANNER = (
    f"device::ro.product.name=edgewise_simulated;ro.product.model={MODEL};ro.product.device=simulated;"
    "features=shell_v2,cmd"
).encode()
TOKEN = bytes(range(20))
"""Bytes that a client is asked to sign where the phone waits for its owner's consent."""
ASK, SIGNED = 1, 2
"""Kinds of AUTH messages: one that asks for a signature, one that brings it."""
STDOUT, STDERR, EXIT = 1, 2, 3
"""Kinds of packets of the second version of the shell's protocol."""
PACKET = struct.Struct("<BI")  # kind, length


class Connection:
    """A client's connection.

    Args:
        session: the phone.
        reader: what the client says.
        writer: what it hears.
    """

    def __init__(self, session: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._session, self._reader, self._writer = session, reader, writer
        self._streams: dict[int, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._next, self._largest, self._open = 1, 4096, False
        self.lost = False

    async def _send(self, message: Message) -> None:
        if not self._writer.is_closing():
            self._writer.write(packed(message))
            await self._writer.drain()

    async def serve(self) -> None:
        """Answer until the client goes, or the connection is lost."""
        try:
            while not self.lost:
                await self._take(await read_message(self._reader))
        except (asyncio.IncompleteReadError, ConnectionError, WrongMessage):
            pass
        finally:
            for stream in self._streams.values():
                stream.end()
            for task in self._tasks:
                task.cancel()

    async def _take(self, message: Message) -> None:
        if message.command == CNXN:
            await self._connect(message)
        elif message.command == OPEN and self._open:
            await self._begin(message)
        elif message.command in (OKAY, WRTE, CLSE):
            stream = self._streams.get(message.second)
            if stream is not None:
                await stream.take(message)
            elif message.command != CLSE:
                await self._send(Message(CLSE, 0, message.first))
        elif message.command == AUTH:
            if message.first == SIGNED and not self._open:  # by a key that the owner has not accepted: the next one
                await self._send(Message(AUTH, ASK, 0, TOKEN))
        elif message.command not in (STLS, OPEN):
            raise WrongMessage(f"an unknown command: {message.command:#x}")

    async def _connect(self, message: Message) -> None:
        if self._session.plan.strikes("unauthorised"):
            await self._send(Message(AUTH, ASK, 0, TOKEN))
            return
        self._largest = max(4096, min(LARGEST, message.second))
        self._open = True
        await self._send(Message(CNXN, VERSION, LARGEST, BANNER))

    async def _begin(self, message: Message) -> None:
        if self._session.plan.strikes("offline"):
            self.lost = True
            return
        own, self._next = self._next, self._next + 1
        stream = Stream(own, message.first, self._send, self._largest)
        service = message.data.rstrip(b"\0").decode(errors="replace")
        self._streams[own] = stream
        task = asyncio.create_task(self._serve(stream, service))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, stream: Stream, service: str) -> None:
        kind, _, rest = service.partition(":")
        name, *options = kind.split(",")
        try:
            if name not in ("shell", "exec", "sync"):
                stream.closed = True
                await self._send(Message(CLSE, 0, stream.other))  # as the genuine one refuses a service
                return
            await stream.accept()
            if name == "sync":
                await serve_sync(self._session, stream)
            else:
                await self._shell(stream, rest, "v2" in options)
        except (Closed, ConnectionError):
            pass
        finally:
            with contextlib.suppress(ConnectionError):
                await stream.close()
            self._streams.pop(stream.own, None)

    async def _shell(self, stream: Stream, line: str, packets: bool) -> None:
        try:
            done = run_line(self._session, line, COMMANDS) if line else INTERACTIVE
        except DeviceError as error:  # what is served is gone
            done = failed(f"{error}\n")
        if not packets:
            await stream.write(done.err + done.out)
            return
        parts = [(STDOUT, done.out), (STDERR, done.err), (EXIT, bytes([done.code & 0xFF]))]
        await stream.write(b"".join(PACKET.pack(kind, len(data)) + data for kind, data in parts if data))


INTERACTIVE = failed("the simulated phone carries out single commands: adb shell COMMAND\n")
"""What a shell without a command hears."""


class PhoneServer:
    """The phone's port.

    Args:
        session: the phone.
    """

    def __init__(self, session: Served) -> None:
        self._session = session
        self._server: asyncio.Server | None = None
        self._lost_until = 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen on the loopback.

        Args:
            port: 0 for a free one.

        Raises:
            EdgewiseError: if the port is taken.
        """
        try:
            self._server = await asyncio.start_server(self._accept, HOST, port)
        except OSError as error:
            raise EdgewiseError(f"port {port} of {HOST} cannot be used: {error.strerror or error}") from None
        self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            pause = self._lost_until - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
                return
            connection = Connection(self._session, reader, writer)
            await connection.serve()
            if connection.lost:
                self._lost_until = time.monotonic() + OFFLINE_S
        finally:
            self._writers.discard(writer)
            writer.close()

    async def stop(self) -> None:
        """Close the port and all connections."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()


@contextlib.contextmanager
def serving(session: Served, port: int = 0) -> Iterator[int]:
    """The phone behind a port, served by a thread.

    Args:
        session: the phone.
        port: 0 for a free one.

    Yields:
        The port.
    """
    loop = asyncio.new_event_loop()
    server = PhoneServer(session)
    try:
        loop.run_until_complete(server.start(port))
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield server.port
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
            asyncio.run_coroutine_threadsafe(_let_go(), loop).result(5)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)
    finally:
        loop.close()


async def _let_go() -> None:
    """Wait for what is still running."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
