"""The folder of a run belongs to one process at a time."""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import make_folder, told

LOCK_FILE = ".lock"


@contextmanager
def claimed(folder: Path) -> Iterator[Path]:
    """Keep a run's folder to this process; the claim ends with the process, however it ends.

    Args:
        folder: made if need be; removed again if nothing was put into it.

    Returns:
        The folder.

    Raises:
        EdgewiseError: if another process has it, or nothing can be written there.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    descriptor = _lock(folder)
    if descriptor is None:
        raise EdgewiseError(f"{folder}: another process is at work in this run folder; choose another name or wait")
    try:
        yield folder
    finally:
        (folder / LOCK_FILE).unlink(missing_ok=True)
        os.close(descriptor)
        with suppress(OSError):
            for each in made:
                each.rmdir()


@contextmanager
def claimed_new(parent: Path, name: str) -> Iterator[Path]:
    """Make a run's folder that nobody has used, and keep it to this process.

    Args:
        parent: the parent of the folder, made if need be.
        name: the name of the folder; NAME-2, NAME-3 and so on if it exists.

    Raises:
        EdgewiseError: if nothing can be written there.
    """
    make_folder(parent)
    for number in itertools.count(1):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        try:
            with claimed(folder):
                yield folder
        finally:
            with suppress(OSError):
                folder.rmdir()  # only if nothing was put into it
        return


def _lock(folder: Path) -> int | None:
    """A descriptor whose closing ends the claim; None if another process holds it."""
    path = folder / LOCK_FILE
    while True:
        make_folder(folder)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        except FileNotFoundError:  # its last user has just removed the folder
            continue
        except OSError as error:
            raise EdgewiseError(told(error)) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            pass
        os.close(descriptor)  # its last user has removed the file between the two calls
