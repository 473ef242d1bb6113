"""Streams within a connection: each carries one service, and at most one message that is not yet acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from edgewise.agent.phone.server.wire import CLSE, OKAY, WRTE, Message

Send = Callable[[Message], Awaitable[None]]


class Closed(Exception):
    """The other side has closed the stream."""


class Stream:
    """One stream.

    Args:
        own: its number here.
        other: its number there.
        send: puts a message on the connection.
        largest: bytes of data that a message may have.
    """

    def __init__(self, own: int, other: int, send: Send, largest: int) -> None:
        self.own, self.other, self._send, self._largest = own, other, send, largest
        self._acknowledged = asyncio.Event()
        self._incoming: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._rest = b""
        self.closed = False

    async def accept(self) -> None:
        """Tell the other side that the service exists."""
        await self._send(Message(OKAY, self.own, self.other))

    async def write(self, data: bytes) -> None:
        """Send bytes, each part after the one before was acknowledged.

        Raises:
            Closed: if the other side has closed the stream.
        """
        for start in range(0, len(data), self._largest):
            self._acknowledged.clear()
            await self._send(Message(WRTE, self.own, self.other, data[start : start + self._largest]))
            await self._acknowledged.wait()
            if self.closed:
                raise Closed

    async def read(self, count: int) -> bytes:
        """Exactly so many bytes.

        Raises:
            Closed: if the other side closes the stream before.
        """
        while len(self._rest) < count:
            data = await self._incoming.get()
            if data is None:
                raise Closed
            self._rest += data
        found, self._rest = self._rest[:count], self._rest[count:]
        return found

    async def close(self) -> None:
        """End the stream."""
        if not self.closed:
            self.closed = True
            await self._send(Message(CLSE, self.own, self.other))

    async def take(self, message: Message) -> None:
        """What the other side says on this stream."""
        if message.command == OKAY:
            self._acknowledged.set()
        elif message.command == WRTE:
            self._incoming.put_nowait(message.data)
            await self._send(Message(OKAY, self.own, self.other))
        else:
            if not self.closed:
                await self._send(Message(CLSE, self.own, self.other))
            self.end()

    def end(self) -> None:
        """The other side, or the connection, is gone."""
        self.closed = True
        self._acknowledged.set()
        self._incoming.put_nowait(None)
