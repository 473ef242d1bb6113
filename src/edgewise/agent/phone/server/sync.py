"""Files to and from the phone, as AOSP's `SYNC.TXT` has it."""

from __future__ import annotations

import struct

from edgewise.agent.phone.server.commands import listed
from edgewise.agent.phone.server.served import Served
from edgewise.agent.phone.server.shell import path_of
from edgewise.agent.phone.server.streams import Stream

NUMBER = struct.Struct("<I")
LARGEST = 64 * 1024
"""Bytes of a part of a file."""
LONGEST_PATH = 1024
"""Bytes of a path."""
FILE, FOLDER = 0o100644, 0o040755
"""Modes of a file and of a folder."""
TIME = 1_772_409_600
"""When everything was changed last: the simulated day, seconds since 1970."""
MOST = 64 * 1024 * 1024
"""Bytes of a file that the phone takes."""


async def serve_sync(session: Served, stream: Stream) -> None:
    """Answer requests until the client ends."""
    while True:
        name = await stream.read(4)
        length = NUMBER.unpack(await stream.read(4))[0]
        if name == b"QUIT":
            return
        if length > LONGEST_PATH:
            await _fail(stream, "path too long")
            return
        path = (await stream.read(length)).decode(errors="replace")
        if name == b"STAT":
            await stream.write(b"STAT" + struct.pack("<3I", *stat(session, path)))
        elif name == b"LIST":
            await stream.write(_entries(session, path) + b"DONE" + bytes(16))
        elif name == b"RECV":
            await _receive(session, stream, path)
        elif name == b"SEND":
            await _send(session, stream, path)
        else:
            await _fail(stream, f"unknown command {name!r}")
            return


def stat(session: Served, path: str) -> tuple[int, int, int]:
    """Mode, size in bytes and time of a file; three zeros if there is none."""
    data = session.files.get(path_of(path))
    if data is not None:
        return FILE, len(data), TIME
    return (FOLDER, 4096, TIME) if listed(session, path) is not None else (0, 0, 0)


def _entries(session: Served, path: str) -> bytes:
    found = b""
    for name in listed(session, path) or []:
        raw = name.encode()
        found += b"DENT" + struct.pack("<4I", *stat(session, f"{path}/{name}"), len(raw)) + raw
    return found


async def _receive(session: Served, stream: Stream, path: str) -> None:
    data = session.files.get(path_of(path))
    if data is None:
        await _fail(stream, f"open failed: No such file or directory: {path}")
        return
    parts = [data[start : start + LARGEST] for start in range(0, len(data), LARGEST)]
    await stream.write(b"".join(b"DATA" + NUMBER.pack(len(each)) + each for each in parts) + b"DONE" + bytes(4))


async def _send(session: Served, stream: Stream, path: str) -> None:
    name = path_of(path.rpartition(",")[0] or path)
    data = bytearray()
    while True:
        kind = await stream.read(4)
        number = NUMBER.unpack(await stream.read(4))[0]
        if kind == b"DONE":
            break
        if kind != b"DATA" or number > LARGEST or len(data) + number > MOST:
            await _fail(stream, "invalid data message")
            return
        data += await stream.read(number)
    session.files[name] = bytes(data)
    await stream.write(b"OKAY" + bytes(4))


async def _fail(stream: Stream, text: str) -> None:
    raw = text.encode()
    await stream.write(b"FAIL" + NUMBER.pack(len(raw)) + raw)
