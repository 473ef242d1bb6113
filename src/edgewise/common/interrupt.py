"""Ctrl-C as a flag, so that work ends where nothing is lost."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edgewise.common.errors import EdgewiseError


class Interrupted(EdgewiseError):
    """A run was asked to stop and has left a checkpoint."""

    exit_code = 130


@contextmanager
def interrupt_flag(acknowledge: Callable[[], None] | None = None) -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a flag, so that work ends where nothing is lost; a second one stops at once.

    Args:
        acknowledge: called at the first Ctrl-C, from another thread and at once, even while this one is in compiled code.
    """
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
        with _listening(acknowledge):
            yield raised.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _listening(acknowledge: Callable[[], None] | None) -> Iterator[None]:
    """Call `acknowledge` at the first Ctrl-C: Python runs handlers only between its own instructions, a thread runs always."""
    if acknowledge is None:
        yield
        return
    ours, told = socket.socketpair()
    told.setblocking(False)
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)

    def listen() -> None:
        while number := ours.recv(1):
            if number[0] == signal.SIGINT:
                acknowledge()
                return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        told.close()
        listener.join()
        ours.close()
