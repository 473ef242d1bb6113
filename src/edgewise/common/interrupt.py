"""Ctrl-C as a flag, so that work ends where nothing is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edgewise.common.errors import EdgewiseError


class Interrupted(EdgewiseError):
    """A run was asked to stop and has left a checkpoint."""

    exit_code = 130


@contextmanager
def interrupt_flag() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a flag, so that work ends where nothing is lost; a second one stops at once."""
    raised = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield raised.is_set
        return

    def handle(number: int, frame: object) -> None:
        if raised.is_set():
            raise KeyboardInterrupt
        raised.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield raised.is_set
    finally:
        signal.signal(signal.SIGINT, before)
