"""Writing files so that a reader sees the old content or the new, never a part."""

from __future__ import annotations

import os
from pathlib import Path

from edgewise.common.errors import EdgewiseError


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically: to a temporary neighbour, flushed to disk, then renamed.

    Raises:
        OSError: naming `path`, if it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise type(error)(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder that can be written to, unless there is one.

    Raises:
        EdgewiseError: if that cannot be.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise EdgewiseError(f"{path}: is a file, must be a folder") from None
    except OSError as error:
        raise EdgewiseError(told(error)) from None
    if not os.access(path, os.W_OK):
        raise EdgewiseError(f"{path}: cannot be written to")


def told(error: OSError) -> str:
    """An error of the system in one line, with the file's name if it has one."""
    reason = error.strerror or str(error)
    return reason if error.filename is None else f"{error.filename}: {reason}"
