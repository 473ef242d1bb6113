"""`python -m edgewise.construction.child COMMAND ...`: a command that ends when the process that has started it is gone.

Linux tells a process so, even one that has become another program since. Elsewhere the command is run as it is.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""Option of prctl(2): the signal that this process gets when its parent ends."""


def main(words: list[str]) -> None:
    """Become the command; the first word is the parent's process id."""
    parent, command = int(words[0]), words[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was gone before
            return
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
