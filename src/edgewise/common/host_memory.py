"""Memory that the process holds but does not use."""

from __future__ import annotations

import ctypes
import sys


def release_unused_memory() -> None:
    """Give freed memory back to the operating system; what a compiler leaves behind can be larger than a replay buffer.

    Does something on Linux with the GNU C library only.
    """
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
