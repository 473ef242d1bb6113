"""Messages of the Android Debug Bridge, as AOSP's `protocol.txt` has them: a header of 24 bytes, little-endian, then data."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

import numpy as np

HEADER = struct.Struct("<6I")  # command, two arguments, length, checksum, complement of the command
VERSION, LARGEST = 0x01000001, 1 << 20
"""Version of the protocol; bytes of data in a message."""
CNXN, AUTH, OPEN, OKAY, WRTE, CLSE, STLS = (
    int.from_bytes(name, "little") for name in (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"WRTE", b"CLSE", b"STLS")
)
COMPLEMENT = 0xFFFFFFFF
"""All bits of a word."""


@dataclass(frozen=True)
class Message:
    """A message: its command, two arguments whose meaning depends on it, and data."""

    command: int
    first: int
    second: int
    data: bytes = b""


class WrongMessage(Exception):
    """What came is no message of this protocol."""


def packed(message: Message) -> bytes:
    """A message as bytes."""
    check = int(np.frombuffer(message.data, np.uint8).sum(dtype=np.uint64)) & COMPLEMENT
    head = (message.command, message.first, message.second, len(message.data), check, message.command ^ COMPLEMENT)
    return HEADER.pack(*head) + message.data


async def read_message(reader: asyncio.StreamReader) -> Message:
    """The next message.

    Raises:
        WrongMessage: if what comes is none.
        asyncio.IncompleteReadError: at the end of the connection.
    """
    command, first, second, length, _, complement = HEADER.unpack(await reader.readexactly(HEADER.size))
    if command ^ complement != COMPLEMENT or length > LARGEST:
        raise WrongMessage(f"a header that is none: {command:#x}, {length} bytes")
    return Message(command, first, second, await reader.readexactly(length))
